"""Threads call methods of one object that read and write its attributes."""
from scaling import measure


class Counter:
    def __init__(self):
        self.value = 0

    def get(self):
        return self.value

    def add(self, n):
        self.value = self.get() + n


SHARED = Counter()


def work(count):
    shared = SHARED
    for i in range(count):
        shared.add(i)


measure("method_calls", work, 300_000)
