"""How long a program with a gigabyte of small live objects waits for its collector."""
import gc
import time


class Node:
    def __init__(self, key):
        self.key = key
        self.text = "node %d" % key
        self.links = [key, key + 1]


def steps(live, count):
    """The times of `count` small jobs that make garbage and replace a little of what lives."""
    times = []
    clock = time.perf_counter
    last = clock()
    for i in range(count):
        junk = [(j, str(j)) for j in range(200)]
        live[i % len(live)] = Node(i)
        now = clock()
        times.append(now - last)
        last = now
    return sorted(times)


live = {i: Node(i) for i in range(5_300_000)}
times = steps(live, 40_000)
print("BENCH job_p99", times[-len(times) // 100])
print("BENCH job_p999", times[-len(times) // 1000])
print("BENCH longest_pause", times[-1])
full = []
for _ in range(5):
    start = time.perf_counter()
    gc.collect()
    full.append(time.perf_counter() - start)
print("BENCH full_collection", min(full))
