"""Threads read one dict; one access in a hundred writes."""
from scaling import measure

TABLE = {i: i for i in range(1000)}


def work(count):
    table, seen = TABLE, 0
    for i in range(count):
        key = i % 1000
        if key % 100 == 0:
            table[key] = key
        else:
            seen += table[key]
    return seen


measure("read_dict", work, 400_000)
