"""Training steps on a machine that is busy with other things: benchmarks/run --busy.

Mean milliseconds of a step over at least five seconds, because single steps that stall do not show in medians, and the longest step
over the mean; with the default number of threads and with one, beside 0, 1, 2 and 4 processes that do nothing but keep a processor
busy, and as two processes that both train. What is compared takes turns of a second.

A row is measured three times. It falls short when the median of the ratios is above 1.15 by more than 5 %, the median of what the
longest step takes beyond one thread's longest is above 20 ms, or PyTorch's better setting is faster by more than 5 %."""
import contextlib
import os
import statistics
import subprocess
import sys
import time

CASES = ("lenet/64", "mlp/64", "vgg/32")
BUSY = (0, 1, 2, 4)
SECONDS, TURNS = 6.0, 6
RUNS, MOST, MOST_STALL, TOLERANCE = 3, 1.15, 20, 1.05


class Trainer:
    """A process that trains, for as many steps as it is told to."""

    def __init__(self, program, case, threads, environment):
        clean = {k: v for k, v in environment.items() if k != "OMP_NUM_THREADS"}  # the default is without
        more = {"OMP_NUM_THREADS": str(threads)} if threads else {}
        self.process = subprocess.Popen([program, case], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**clean, **more})
        self.step = float(self.process.stdout.readline().split()[2])

    def begin(self, seconds):
        self.process.stdin.write(f"{max(1, int(1000 * seconds / self.step))}\n")
        self.process.stdin.flush()

    def end(self):
        times = [float(t) for t in self.process.stdout.readline().split()]
        self.step = max(statistics.mean(times), 1e-3)
        return times

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def busy(count):
    """So many processes that keep a processor busy each."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.5 if count else 0)
        yield
    finally:
        for p in others:
            p.kill()
            p.wait()


def measure(groups):
    """For each group of trainers, that run side by side, the milliseconds of all their steps. The groups take turns."""
    times, spent = [[] for _ in groups], [0.0 for _ in groups]
    while min(spent) < SECONDS:
        for k, group in enumerate(groups):
            start = time.monotonic()
            for trainer in group:
                trainer.begin(SECONDS / TURNS)
            for trainer in group:
                times[k] += trainer.end()
            spent[k] += time.monotonic() - start
    return times


def row(case, what, program, count, pair, environment):
    """Measures and prints it. Returns the ratio to one thread, how much longer the longest step is, and the better mean."""
    groups = [[Trainer(program, case, threads, environment) for _ in range(2 if pair else 1)] for threads in (None, 1)]
    try:
        with busy(count):
            default, one = measure(groups)
    finally:
        for group in groups:
            for trainer in group:
                trainer.close()
    means = [statistics.mean(t) for t in (default, one)]
    stall = max(default) - max(one)
    print(f"{case:10} {what:8} {'two that train' if pair else f'{count} busy':15} {means[0]:9.3f} {max(default):9.1f} "
          f"{means[1]:9.3f} {max(one):9.1f} {means[0] / means[1]:8.2f} {stall:8.1f}", flush=True)
    return means[0] / means[1], stall, min(means)


def table(programs, environment, only):
    """Prints it; returns how many rows of the first program fall short."""
    print(f"{'case':10} {'':8} {'beside':15} {'default':>9} {'longest':>9} {'one':>9} {'longest':>9} {'ratio':>8} {'stalls':>8}   ms")
    short = 0
    for case in CASES:
        if only not in case:
            continue
        for count, pair in [(n, False) for n in BUSY] + [(0, True)]:
            runs = [[row(case, what, program, count, pair, environment) for what, program in programs] for _ in range(RUNS)]
            # of each program its median ratio, stall and better mean
            (ratio, stall, ours), *others = [[statistics.median(x) for x in zip(*found)] for found in zip(*runs)]
            faults = [text for text, wrong in (
                (f"the ratio is {ratio:.2f}; it must be at most {MOST}", ratio > TOLERANCE * MOST),
                (f"the longest step takes {stall:.0f} ms more; it must be at most {MOST_STALL}", stall > MOST_STALL),
                *((f"{ours:.3f} ms, the peer {peer:.3f}; it must be no faster", ours > TOLERANCE * peer) for _, _, peer in others),
            ) if wrong]
            short += bool(faults)
            print(f"{case:10} {'':8} {'two that train' if pair else f'{count} busy':15} median of {RUNS}: {'; '.join(faults) if faults else 'ok'}", flush=True)
    return short


if __name__ == "__main__":  # busy.py PROGRAM [CASE]: of one program, whatever built it
    sys.exit(1 if table([("", sys.argv[1])], dict(os.environ), sys.argv[2] if len(sys.argv) > 2 else "") else 0)
