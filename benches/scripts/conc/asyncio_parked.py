"""Memory of a task that sleeps, of N. BENCH = bytes per task."""
import asyncio, sys
N = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
def resident():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))
async def sleeps(): await asyncio.sleep(3600)
async def main():
    before = resident()
    tasks = [asyncio.create_task(sleeps()) for _ in range(N)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("BENCH asyncio_parked", (resident() - before) / N)
    for t in tasks: t.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
asyncio.run(main())
