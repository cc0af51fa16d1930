#!/usr/bin/python3
"""Makes optim.jsonl: the weights of a small network after some of 100 steps of PyTorch's optimisers, in float64, and the values of
PyTorch's schedules.

    /usr/bin/python3 tests/golden/make_optim.py          # Debian 13: apt-get install python3-torch

tests/rules.cpp has the same network, data and options under the same names. PyTorch must be 2 or later: NAdam of 1.13 has μₜ once too
often in the product for the next step."""
import json
import pathlib

import torch

if int(torch.__version__.split(".")[0]) < 2:
    raise SystemExit(f"PyTorch is {torch.__version__}; it must be 2 or later")
torch.set_default_dtype(torch.float64)  # NAdam's product of momenta has it
STEPS = (1, 2, 7, 100)


def numbers(shape, salt):
    """As in tests/rules.cpp: multiples of 1/16 between -7/8 and 7/8."""
    n = 1
    for length in shape:
        n *= length
    return torch.tensor([((k * 37 + salt * 11) % 29 - 14) / 16 for k in range(n)], dtype=torch.float64).reshape(shape)


def train(make, clip=None):
    w1, b1, w2, b2 = parameters = [numbers(s, k).requires_grad_(True) for k, s in enumerate([(4, 3), (4,), (2, 4), (2,)])]
    x, y = numbers((5, 3), 5), numbers((5, 2), 6)
    opt = make(parameters)
    found = []
    for step in range(1, 101):
        opt.zero_grad()
        loss = ((torch.tanh(x @ w1.T + b1) @ w2.T + b2 - y) ** 2).mean()
        loss.backward()
        if clip:
            clip(parameters)
        opt.step()
        if step in STEPS:
            found.append([v for p in parameters for v in p.detach().reshape(-1).tolist()])
    return found


o = torch.optim
rules = {
    "SGD": lambda p: o.SGD(p, 0.1),
    "SGD momentum": lambda p: o.SGD(p, 0.05, momentum=0.9),
    "SGD dampening": lambda p: o.SGD(p, 0.05, momentum=0.9, dampening=0.5),
    "SGD nesterov decay": lambda p: o.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Rprop": lambda p: o.Rprop(p),
    "Rprop etas": lambda p: o.Rprop(p, 0.02, etas=(0.4, 1.1), step_sizes=(1e-4, 0.05)),
    "Adagrad": lambda p: o.Adagrad(p, 0.1),
    "Adagrad all": lambda p: o.Adagrad(p, 0.1, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1, eps=1e-3),
    "Adadelta": lambda p: o.Adadelta(p),
    "Adadelta all": lambda p: o.Adadelta(p, 0.5, rho=0.8, eps=1e-4, weight_decay=0.01),
    "RMSprop": lambda p: o.RMSprop(p),
    "RMSprop all": lambda p: o.RMSprop(p, 1e-3, alpha=0.9, eps=1e-4, weight_decay=0.01, momentum=0.9, centered=True),
    "Adam": lambda p: o.Adam(p, 0.01),
    "Adam all": lambda p: o.Adam(p, 0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.01),
    "Adam amsgrad": lambda p: o.Adam(p, 0.01, amsgrad=True),
    "AdamW": lambda p: o.AdamW(p, 0.01),
    "AdamW all": lambda p: o.AdamW(p, 0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.1, amsgrad=True),
    "AdamW weights": lambda p: o.AdamW([{"params": [p[0], p[2]]}, {"params": [p[1], p[3]], "weight_decay": 0}], 0.01, weight_decay=0.1),
    "Adamax": lambda p: o.Adamax(p),
    "Adamax all": lambda p: o.Adamax(p, 0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.01),
    "NAdam": lambda p: o.NAdam(p),
    "NAdam all": lambda p: o.NAdam(p, 0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.01, momentum_decay=0.02),
    "RAdam": lambda p: o.RAdam(p, 0.01),
    "RAdam all": lambda p: o.RAdam(p, 0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.01),
}
clips = {
    "clip_grad_norm": lambda p: torch.nn.utils.clip_grad_norm_(p, 0.3),
    "clip_grad_norm 1": lambda p: torch.nn.utils.clip_grad_norm_(p, 0.3, norm_type=1.0),
    "clip_grad_norm inf": lambda p: torch.nn.utils.clip_grad_norm_(p, 0.05, norm_type=float("inf")),
    "clip_grad_value": lambda p: torch.nn.utils.clip_grad_value_(p, 0.05),
}

s = torch.optim.lr_scheduler
schedules = {
    "step_decay": lambda opt: s.StepLR(opt, 7, gamma=0.5),
    "multi_step": lambda opt: s.MultiStepLR(opt, [3, 10, 11], gamma=0.1),
    "exponential": lambda opt: s.ExponentialLR(opt, 0.9),
    "linear_factor": lambda opt: s.LinearLR(opt, start_factor=0.25, end_factor=0.75, total_iters=12),
    "polynomial": lambda opt: s.PolynomialLR(opt, total_iters=20, power=2.0),
    "cosine": lambda opt: s.CosineAnnealingLR(opt, 30, eta_min=0.01),
    "cosine_restarts": lambda opt: s.CosineAnnealingWarmRestarts(opt, 4, T_mult=2, eta_min=0.01),
    "cosine_restarts 1": lambda opt: s.CosineAnnealingWarmRestarts(opt, 7),
    "warm_up": lambda opt: s.SequentialLR(opt, [s.LinearLR(opt, start_factor=0.2, total_iters=5), s.ExponentialLR(opt, 0.9)], [5]),
    "chained": lambda opt: s.ChainedScheduler([s.LinearLR(opt, start_factor=0.5, total_iters=4), s.ExponentialLR(opt, 0.9)]),
    "one_cycle": lambda opt: s.OneCycleLR(opt, 0.4, total_steps=31),
    "one_cycle linear": lambda opt: s.OneCycleLR(opt, 0.4, total_steps=31, pct_start=0.25, anneal_strategy="linear", div_factor=10,
                                                 final_div_factor=100),
}
results = [(31 * k * k + 7 * k) % 23 / (k + 3) for k in range(60)]  # of which Plateau hears
plateaus = {
    "Plateau": dict(factor=0.5, patience=2),
    "Plateau max": dict(mode="max", factor=0.3, patience=3, cooldown=2, threshold=0.1),
    "Plateau absolute": dict(factor=0.5, patience=1, threshold_mode="abs", threshold=0.5, min_lr=0.01),
}

momenta = {  # of which the momentum is written down
    "one_cycle_momentum": lambda opt: s.OneCycleLR(opt, 0.4, total_steps=31),
    "one_cycle_momentum linear": lambda opt: s.OneCycleLR(opt, 0.4, total_steps=31, pct_start=0.25, anneal_strategy="linear",
                                                          base_momentum=0.7, max_momentum=0.9),
}

lines = []
for name, make in rules.items():
    lines.append({"rule": name, "weights": train(make)})
for name, clip in clips.items():
    lines.append({"clip": name, "weights": train(lambda p: o.SGD(p, 0.5), clip)})
for name, make in (schedules | momenta).items():
    opt = o.SGD([torch.zeros(1)], 0.1, momentum=0.9)
    schedule, values = make(opt), []
    for step in range(31):
        values.append(opt.param_groups[0]["momentum" if name in momenta else "lr"])
        if step < 30:
            opt.step()
            schedule.step()
    lines.append({"schedule": name, "values": values})
for name, options in plateaus.items():
    opt = o.SGD([torch.zeros(1)], 0.1)
    schedule, values = s.ReduceLROnPlateau(opt, **options), []
    for result in results:
        schedule.step(result)
        values.append(opt.param_groups[0]["lr"])
    lines.append({"plateau": name, "results": results, "values": values})


def rounded(x):
    return [rounded(v) for v in x] if isinstance(x, list) else float(f"{x:.15g}")


path = pathlib.Path(__file__).with_name("optim.jsonl")
with path.open("w") as out:
    for line in lines:
        out.write(json.dumps({k: rounded(v) if isinstance(v, list) else v for k, v in line.items()}) + "\n")
