# SPDX-License-Identifier: Apache-2.0
"""What heap recording comes to at its limits: one pair, many threads, many blocks. Part of bench/run heap."""
import os
import pathlib
import random
import statistics

from harness import median_and_interval, run
from heap_profilers import Bare, Heaptrack, flarestacks
from heap_programs import heap_workload
from process_watch import ProcessWatch

PAIR_BAR_NS = 120
SHORT_THREADS_BAR_BYTES = 16 << 20
BLOCK_BAR_BYTES = 48
GROWTH_BAR = 1.1


def run_with(profiler, target, scratch, **more):
    trace = str(scratch / "limits")
    command, environment = profiler.command(target, trace)
    done = run(command, environment, timeout_s=300, **more)
    for path in profiler.files(trace):
        pathlib.Path(path).unlink()
    return done


def measure_pairs(options, results, scratch):
    results.say("malloc and free, 30 frames deep, three of them new: added to the program's own CPU time")
    exact, _, sampled = flarestacks(options.build)
    profilers = [Bare(options.build), exact, sampled, Heaptrack("heaptrack", raw=False)]
    target = heap_workload(options.build, "pairs", options.pairs)
    loops = {profiler.name: [] for profiler in profilers}
    for _ in range(options.pair_rounds):
        for profiler in random.sample(profilers, len(profilers)):
            done = run_with(profiler, target, scratch, cpu=os.cpu_count() - 1)
            loops[profiler.name].append(1e9 * done.own["loop_s"] / options.pairs)
    results.figure("a pair, bare", statistics.median(loops["bare"]), "ns")
    for name in [profiler.name for profiler in profilers[1:]]:
        median, low, high = median_and_interval([with_it - bare for with_it, bare in zip(loops[name], loops["bare"])])
        results.figure(f"a pair, added by {name}", median, "ns", PAIR_BAR_NS if name == "exact" else None, (low, high))


def measure_scaling(options, results, scratch):
    results.say("Threads that do nothing but allocate: million allocations a second; in brackets of the bare program's with as many threads")
    profilers = [Bare(options.build), *flarestacks(options.build), Heaptrack("heaptrack", raw=False)]
    rates = {}
    for _ in range(options.scaling_rounds):
        for threads in (1, 2, 4, 8):
            count = options.scaling_count * threads
            target = heap_workload(options.build, "storm", count, threads)
            for profiler in random.sample(profilers, len(profilers)):
                rates.setdefault((threads, profiler.name), []).append(count / 1e6 / run_with(profiler, target, scratch).own["wall_s"])
    medians = {key: statistics.median(values) for key, values in rates.items()}
    rows = []
    for threads in (1, 2, 4, 8):
        bare = medians[threads, "bare"]
        rows.append([threads, round(bare, 2), *(f"{medians[threads, p.name]:.2f} ({medians[threads, p.name] / bare:.3f})" for p in profilers[1:])])
    results.table("scaling", ["threads", *(profiler.name for profiler in profilers)], rows)


def measure_short_threads(options, results, scratch):
    results.say("Memory of a program of short threads, one after the other, 10 allocations each (VmHWM, its own account)")
    target = heap_workload(options.build, "short", options.short_threads)
    bare = run_with(Bare(options.build), target, scratch).own["VmHWM"]
    for profiler in flarestacks(options.build):
        added = run_with(profiler, target, scratch).own["VmHWM"] - bare
        results.figure(f"{options.short_threads} short threads: added by {profiler.name}", added / 1024, "KiB", SHORT_THREADS_BAR_BYTES / 1024)


def measure_growth(options, results, scratch):
    results.say("Trace of twice the work, which repeats itself: times as large")
    exact = flarestacks(options.build)[0]
    for mode, count, *more in (("tree", 10), ("storm", options.scaling_count, 8)):
        sizes = []
        for times in (1, 2):
            command, _ = exact.command(heap_workload(options.build, mode, times * count, *more), str(scratch / "growth"))
            run(command)
            sizes.append(os.path.getsize(scratch / "growth"))
        results.figure(f"{mode}: {sizes[0] / 1000:.0f} kB, then", sizes[1] / sizes[0], "x", GROWTH_BAR)


def slope(points):
    """Least squares."""
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def available_bytes():
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return 0


def measure_live_blocks(options, results, scratch):
    results.say("Memory of the recorder by block alive: the slope of its VmHWM over the number of blocks; heaptrack's interpreter beside it")
    for size_bytes in options.live_bytes:
        counts = [count for count in options.live_blocks if count * (size_bytes + 200) * 1.5 < available_bytes()]
        if len(counts) < 2:
            print(f"  {size_bytes} bytes: left out, there is not the memory for it")
            continue
        for profiler in (flarestacks(options.build)[0], Heaptrack("heaptrack", raw=False)):
            points = []
            for count in counts:
                target = heap_workload(options.build, "live", count, size_bytes)
                watch = ProcessWatch(target[0], for_memory=True)
                run_with(profiler, target, scratch, watch=watch)
                points.append((count, watch.peak_of_others()))
            results.figure(f"blocks of {size_bytes} bytes, {profiler.name}", slope(points), "bytes", BLOCK_BAR_BYTES if profiler.name == "exact" else None)
