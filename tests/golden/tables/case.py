"""What a row of the tables is made of."""
import dataclasses
import typing

import torch

torch.set_default_dtype(torch.float64)
inf, nan = float("inf"), float("nan")
cases = []


@dataclasses.dataclass
class Case:
    name: str
    inputs: list
    function: typing.Callable
    constants: tuple
    order: int
    why: str
    each: bool


def case(name, inputs, function, constants=(), order=2, why="", each=False):
    """`name` is op/config as in the .cpp of this name; `function` has xgrad's convention. Inputs with an index in `constants` get no
    gradient. A case with fewer than two derivatives says why. `each`: every element is compared by itself, not with its array."""
    assert (order == 2) == (not why), name
    cases.append(Case(name, inputs, function, tuple(constants), order, why, each))


def R(*shape, low=-2, high=2, avoid=(0,)):
    """Random multiples of 1/64 from low to high, none of them in `avoid`."""
    return {"shape": shape, "low": low, "high": high, "avoid": avoid}


def V(values, dtype=torch.float64):
    """These values."""
    return torch.tensor(values, dtype=dtype)


def I(values):
    """Integers: labels, indices. (A case names them in its `constants`.)"""
    return torch.tensor(values, dtype=torch.int64)


def nchw(x):
    """xgrad's N×H×W×C to PyTorch's N×C×H×W; of weights O×H×W×I to O×I×H×W."""
    return x.movedim(-1, 1).contiguous()


def nhwc(x):
    return x.movedim(1, -1)
