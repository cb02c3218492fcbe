"""Threads write to one dict, each its own keys."""
from itertools import count
from scaling import measure

TABLE = {}
NUMBER = count()


def work(n):
    table, mine = TABLE, next(NUMBER) << 32
    for i in range(n):
        table[mine | i & 1023] = i


measure("dict_write", work, 400_000)
