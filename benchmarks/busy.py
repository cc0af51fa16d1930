"""Training steps on a machine that is busy with other things: benchmarks/run --busy.

Mean milliseconds of a step over at least five seconds, because single steps that stall do not show in medians, and the longest step
over the mean; with the default number of threads and with one, beside 0, 1, 2 and 4 processes that do nothing but keep a processor
busy, and as two processes that both train. What is compared takes turns of a second."""
import contextlib
import os
import statistics
import subprocess
import sys
import time

CASES = ("lenet/64", "mlp/64", "vgg/32")
BUSY = (0, 1, 2, 4)
SECONDS, TURNS = 6.0, 6


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
    return means[0] / means[1]


def table(programs, environment, only):
    """Prints it; returns how many rows of the first program fall short of 1.15 times one thread."""
    print(f"{'case':10} {'':8} {'beside':15} {'default':>9} {'longest':>9} {'one':>9} {'longest':>9} {'ratio':>8} {'stalls':>8}   ms")
    short = 0
    for case in CASES:
        if only not in case:
            continue
        for count, pair in [(n, False) for n in BUSY] + [(0, True)]:
            for k, (what, program) in enumerate(programs):
                ratio = row(case, what, program, count, pair, environment)
                short += k == 0 and ratio > 1.15
    return short


if __name__ == "__main__":  # busy.py PROGRAM [CASE]: of one program, whatever built it
    sys.exit(1 if table([("", sys.argv[1])], dict(os.environ), sys.argv[2] if len(sys.argv) > 2 else "") else 0)
