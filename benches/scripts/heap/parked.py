"""How long a program with a hundred thousand waiting threads waits for its collector."""
import threading
import time

THREADS = 100_000
go = threading.Event()


def wait(i):
    mine = [i, str(i)]
    go.wait()
    return mine


threads = [threading.Thread(target=wait, args=(i,)) for i in range(THREADS)]
for thread in threads:
    thread.start()
kept = {}
times = []
clock = time.perf_counter
last = clock()
for i in range(60_000):
    kept[i % 20_000] = [(j, str(j)) for j in range(100)]
    now = clock()
    times.append(now - last)
    last = now
times.sort()
print("BENCH parked_job_p99", times[-len(times) // 100])
print("BENCH parked_longest_pause", times[-1])
go.set()
for thread in threads:
    thread.join()
