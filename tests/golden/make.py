#!/usr/bin/python3
"""Makes golden.jsonl: what PyTorch, in float64, gives for the cases of the tables beside this script.

    /usr/bin/python3 tests/golden/make.py          # Debian: apt-get install python3-torch

A line per case: its inputs, its results y, and three derivatives. With fixed numbers c for each result and v for each input
(`weights`, which tests/golden.cpp has too), grad is the gradient of sum(y c) for each input, second that of sum(grad v), and
tangent that of sum(grad v) for c. Arrays are in xgrad's layouts. Results are written to 13 digits: far finer than the test looks, and
coarse enough that a processor's last bit does not show. Random inputs are multiples of 1/64, so that float has them exactly.
"""
import json
import math
import pathlib
import random
import sys
import warnings

import torch

sys.dont_write_bytecode = True
import tables  # noqa: E402, F401  (fills `cases`)
from tables.case import cases  # noqa: E402


def weights(shape, salt):
    """Fixed numbers between -1 and 1: odd multiples of 1/32, so that float has them exactly."""
    state, values = 12345 + 7919 * salt, []
    for _ in range(math.prod(shape)):
        state = (state * 1103515245 + 12345) % 2**31
        values.append((2 * ((state >> 16) % 32) - 31) / 32)
    return torch.tensor(values).reshape(shape)


def build(spec, name, k):
    """An input from its row: given values, or random ones."""
    if not isinstance(spec, dict):
        return spec
    generator = random.Random(f"{name} {k}")
    low, high, avoid = spec["low"], spec["high"], spec["avoid"]
    steps = [s / 64 for s in range(math.ceil(low * 64), math.floor(high * 64) + 1) if not avoid or s / 64 not in avoid]
    values = [steps[int(generator.random() * len(steps))] for _ in range(math.prod(spec["shape"]))]
    return torch.tensor(values, dtype=torch.float64).reshape(spec["shape"])


def number(x, digits):
    if math.isnan(x) or math.isinf(x):
        return str(x)
    x = float(f"{x:.{digits}g}")
    return int(x) if x == int(x) and abs(x) < 1e15 else x


def written(x, digits=13):
    return [list(x.shape), [number(v, digits) for v in (x.detach().to(torch.float64) + torch.zeros(())).reshape(-1).tolist()]]


def gradients(y, x, **options):
    """torch.autograd.grad with zeros for what does not depend on x."""
    if not y.requires_grad:
        return [torch.zeros_like(v) for v in x]
    found = torch.autograd.grad(y, x, allow_unused=True, **options)
    return [torch.zeros_like(v) if g is None else g for g, v in zip(found, x)]


def record(case):
    inputs = [build(spec, case.name, k) for k, spec in enumerate(case.inputs)]
    leaves = [k for k, x in enumerate(inputs) if k not in case.constants]
    for k in leaves:
        inputs[k].requires_grad_(True)
    y = case.function(*[x.detach().clone() if k in case.constants else x for k, x in enumerate(inputs)])
    y = list(y) if isinstance(y, (tuple, list)) else [y]
    line = {"case": case.name, "in": [written(x, 17) for x in inputs], "leaves": leaves, "out": [written(v) for v in y]}
    if case.each:
        line["each"] = True
    if case.why:
        line["why"] = case.why  # there is no second derivative, or none at all
    wanted = [(j, v) for j, v in enumerate(y) if v.requires_grad]
    if case.order == 0 or not leaves:
        line["leaves"] = []
        return line
    c = [weights(v.shape, j).requires_grad_(True) for j, v in wanted]
    x = [inputs[k] for k in leaves]
    loss = sum((v * w).sum() for (_, v), w in zip(wanted, c)) if wanted else torch.zeros(())
    g = gradients(loss, x, create_graph=True)
    line["grad"] = [written(v) for v in g]
    if case.order == 1:
        return line
    s = sum((v * weights(v.shape, 100 + k)).sum() for k, v in zip(leaves, g))
    both = gradients(s, x + c)
    line["second"] = [written(v) for v in both[:len(x)]]
    line["tangent"] = [written(v) for v in both[len(x):]]
    return line


def main():
    warnings.simplefilter("ignore")  # that kl_div's mean will be another one some day
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"there twice: {', '.join(sorted(twice))}")
    lines = []
    for case in cases:
        try:
            lines.append(json.dumps(record(case), separators=(",", ":")) + "\n")
        except Exception as error:
            raise RuntimeError(f"case {case.name}") from error
    pathlib.Path(__file__).with_name("golden.jsonl").write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main()
