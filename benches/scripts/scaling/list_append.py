"""Threads append to one list."""
from scaling import measure

ITEMS = []


def work(count):
    append = ITEMS.append
    for i in range(count):
        append(i)


def check(count):
    assert len(ITEMS) == count
    ITEMS.clear()


measure("list_append", work, 400_000, check)
