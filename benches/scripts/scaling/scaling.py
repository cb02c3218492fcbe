"""Runs a function in 1, 2, 4 and 8 threads that share the work. BENCH name_tN = seconds per operation."""
import threading
import time


def measure(name, work, total, check=None):
    """`work(count)` does so many operations; the threads do `total` between them."""
    for n in (1, 2, 4, 8):
        best = None
        for _ in range(3):
            threads = [threading.Thread(target=work, args=(total // n,)) for _ in range(n)]
            start = time.perf_counter()
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            took = time.perf_counter() - start
            best = took if best is None else min(best, took)
            if check is not None:
                check(total // n * n)
        print("BENCH", f"{name}_t{n}", best / total)
