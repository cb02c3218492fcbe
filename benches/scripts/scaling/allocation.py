"""Threads make objects, of which some stay alive for a while, so that collections run."""
from scaling import measure


class Node:
    def __init__(self, value, next):
        self.value = value
        self.next = next


def work(count):
    kept = [None] * 256
    for i in range(count):
        node = Node(i, (i, [i]))
        if i % 8 == 0:
            kept[i // 8 % 256] = node
    return kept


measure("allocation", work, 400_000)
