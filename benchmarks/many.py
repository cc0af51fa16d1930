#!/usr/bin/env python3
"""The model of docs/many-machines.md: the time of a training step on many machines, and where it stops getting shorter.

usage: many.py    prints the tables of that page: what was measured beside the model, then the predictions

A step is forward, then backward, in the course of which gradients become complete, last layer first. They go in buckets, one after the
other: a bucket starts when it is complete and the one before has gone. It takes

    2 (n - 1) / n · bytes / bandwidth        (n = 2: bytes / bandwidth, in one round instead of two)
    + rounds · (latency + (n - 1) · message) (each machine sends to each other one)
    + bytes / memory                         (copying, adding up)

and the step ends when backward and the last bucket have.

MEASURED is what mpi_step (benchmarks/mpi.cpp) printed on two ranks of one thread, on two cores that did nothing else:

    mpirun --bind-to none -n 2 mpi_step wide 64 1              bytes a second: as memory is
    mpirun --bind-to none -n 2 mpi_step wide 64 1 0 4e8        400 MB/s, likewise 1e8

Memory is fitted to the first of them, in which nothing else takes time: nearly all gradients are complete when backward is over, and what
is waited for is the latency and their copies and sums.
"""
FIRST, BUCKET = 1 << 20, 25 << 20
LATENCY = 50e-6  # seconds until a message is noticed, beside its way: how long the thread that moves them sleeps
MESSAGE = 2e-6   # … to send or receive one: assumed
WIDE = [(1024 * 1024 + 1024, 1024 * 1024)] * 4 + [(1024 * 10 + 10, 1024 * 10)]  # layers, as below
MEASURED = {float("inf"): (20.9e-3, 6.1e-3), 400e6: (66.0e-3, 51.7e-3), 100e6: (202e-3, 181e-3)}  # a step, and what of it is waiting
STEP, WAITING = MEASURED[float("inf")]
MEMORY = 4 * sum(p for p, _ in WIDE[:-1]) / (WAITING - LATENCY)  # bytes a second, of the second of two buckets


def resnet50():
    """(parameters, multiply-adds) of each layer, first layer first, for an image of 224 by 224."""
    layers, size = [(7 * 7 * 3 * 64 + 128, 7 * 7 * 3 * 64 * 112 * 112)], 56
    channels = 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(count):
            s = stride if block == 0 else 1
            out = size // s
            layers.append((channels * width + 2 * width, channels * width * size * size))
            layers.append((9 * width * width + 2 * width, 9 * width * width * out * out))
            layers.append((width * 4 * width + 8 * width, width * 4 * width * out * out))
            if block == 0:
                layers.append((channels * 4 * width + 8 * width, channels * 4 * width * out * out))
            channels, size = 4 * width, out
    return layers + [(2048 * 1000 + 1000, 2048 * 1000)]


def vgg_d():
    layers, channels, size = [], 3, 224
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers.append((9 * channels * width + width, 9 * channels * width * size * size))
            channels = width
        size //= 2
    return layers + [(25088 * 4096 + 4096, 25088 * 4096), (4096 * 4096 + 4096, 4096 * 4096), (4096 * 1000 + 1000, 4096 * 1000)]


def step(layers, compute, machines, bandwidth, way):
    """(seconds of a step, seconds of it in which nothing is computed)."""
    macs = sum(m for _, m in layers)
    forward, now = compute / 3, compute / 3
    buckets = []
    room = -1
    for parameters, m in reversed(layers):
        now += 2 * forward * m / macs
        size = 4 * parameters
        if room < size:  # as src/mpi/average.cpp: what does not fit begins the next one, however large it is
            room = BUCKET if buckets else FIRST
            buckets.append((now, 0))
        room -= min(room, size)
        buckets[-1] = (now, buckets[-1][1] + size)
    end = 0
    rounds = 1 if machines == 2 else 2
    share = 1 if machines == 2 else 2 * (machines - 1) / machines
    for ready, size in buckets if machines > 1 else []:
        end = max(end, ready) + share * size / bandwidth + rounds * (LATENCY + way + (machines - 1) * MESSAGE) + size / MEMORY
    return max(now, end), max(0, end - now)


def main():
    print(f"memory: {MEMORY / 1e9:.2f} GB/s\n")
    print("| bytes a second | a step | waiting | the model's step | waiting | against the measured step |")
    print("|---|---|---|---|---|---|")
    for bandwidth, (time, waiting) in MEASURED.items():
        said, waits = step(WIDE, STEP - WAITING, 2, bandwidth, 0)
        name = "as memory is" if bandwidth == float("inf") else f"{bandwidth / 1e6:.0f} MB/s"
        print(f"| {name} | {1e3 * time:.1f} ms | {1e3 * waiting:.1f} ms | {1e3 * said:.1f} ms | {1e3 * waits:.1f} ms | "
              f"{100 * (said / time - 1):+.0f} % |")
    for name, layers, image, batch in (("ResNet-50", resnet50(), 0.108, 32), ("VGG-D", vgg_d(), 0.6, 32)):
        parameters = sum(p for p, _ in layers)
        print(f"\n{name}: {parameters} parameters, {4e-6 * parameters:.0f} MB of gradients, batch {batch} on each machine\n")
        print("| machines | 2 cores, 10 Gbit/s | 2 cores, 100 Gbit/s | 64 cores, 10 Gbit/s | 64 cores, 100 Gbit/s | 64 cores, batch 8, 100 Gbit/s |")
        print("|---|---|---|---|---|---|")
        for machines in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
            row = []
            for faster, images, gbit in ((1, batch, 10), (1, batch, 100), (32, batch, 10), (32, batch, 100), (32, 8, 100)):
                compute = image * images / faster
                time, _ = step(layers, compute, machines, gbit * 1e9 / 8, 20e-6 if gbit == 10 else 5e-6)
                row.append(f"{1e3 * time:.0f} ms, {100 * compute / time:.0f} %")
            print(f"| {machines} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
