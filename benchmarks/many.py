#!/usr/bin/env python3
"""The model of docs/many-machines.md: the time of a training step on many machines, and where it stops getting shorter.

usage: many.py    prints the tables of that page

A step is forward, then backward, in the course of which gradients become complete, last layer first. They go in buckets, one after the
other: a bucket starts when it is complete and the one before has gone. It takes

    2 (n - 1) / n · bytes / bandwidth        (n = 2: bytes / bandwidth, in one round instead of two)
    + rounds · (latency + (n - 1) · message) (each machine sends to each other one)
    + bytes / memory                         (copying, adding up)

and the step ends when backward and the last bucket have.
"""
FIRST, BUCKET = 1 << 20, 25 << 20
LATENCY = 50e-6  # seconds until a message is noticed, beside its way: how long the thread that moves them sleeps
MESSAGE = 2e-6   # … to send or receive one: assumed
MEMORY = 0.59e9  # bytes a second that are copied in, sent through memory, added up and copied out: measured


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
    buckets, size = [], 0
    for parameters, m in reversed(layers):
        now += 2 * forward * m / macs
        size += 4 * parameters
        if size >= (BUCKET if buckets else FIRST):
            buckets.append((now, size))
            size = 0
    if size:
        buckets.append((now, size))
    end = 0
    rounds = 1 if machines == 2 else 2
    share = 1 if machines == 2 else 2 * (machines - 1) / machines
    for ready, size in buckets if machines > 1 else []:
        end = max(end, ready) + share * size / bandwidth + rounds * (LATENCY + way + (machines - 1) * MESSAGE) + size / MEMORY
    return max(now, end), max(0, end - now)


def main():
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
