"""Functions of each element: unary, binary, activations."""
import torch
import torch.nn.functional as F

from .case import R, V, case, inf, nan

# The shapes that every unary function is tried with.
SHAPES = {"matrix": (3, 5), "number": (), "ones": (1, 2, 1), "empty": (2, 0)}


def unary(name, function, low=-2, high=2, avoid=(0,), extreme=None, far=None, kink=None):
    """`extreme` is compared element by element; `far` is for functions of which small values are what is left of large ones."""
    for config, shape in SHAPES.items():
        case(f"{name}/{config}", [R(*shape, low=low, high=high, avoid=avoid)], function)
    if extreme:
        case(f"{name}/extreme", [V(extreme)], function, each=True)
    if far:
        case(f"{name}/far", [V(far)], function)
    if kink:
        case(f"{name}/kink", [V(kink)], function)


class Digamma(torch.autograd.Function):
    """PyTorch's gradient of digamma has 9 digits; that of its zeta function has all."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.digamma(x)

    @staticmethod
    def backward(context, g):
        return g * torch.special.zeta(torch.tensor(2.0), context.saved_tensors[0])


class Lgamma(Digamma):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.lgamma(x)

    @staticmethod
    def backward(context, g):
        return g * Digamma.apply(context.saved_tensors[0])


unary("neg", torch.neg, extreme=[1e30, -1e-30, 0, inf, nan])
unary("abs", torch.abs, extreme=[1e30, -1e-30, inf, -inf], kink=[0, -1, 0, 2])
case("abs/nan", [V([nan])], torch.abs, order=0, why="the gradient is NaN, PyTorch's 0")
unary("square", torch.square, extreme=[1e15, -1e-15, 0, inf, nan])
unary("sqrt", torch.sqrt, low=1 / 64, high=4, extreme=[2**60, 2**-60, 1, inf])
unary("rsqrt", torch.rsqrt, low=1 / 4, high=4, extreme=[2**20, 2**-20, 1])
unary("reciprocal", torch.reciprocal, low=1 / 4, high=4, extreme=[2**30, -2**-30, 1])
unary("exp", torch.exp, extreme=[-80, -60, -1e-6, 0, 60, 88, -1000, -inf, inf, 1000, nan])
unary("expm1", torch.expm1, extreme=[2**-30, -2**-30, 0, -50, 60])
unary("log", torch.log, low=1 / 8, high=4, extreme=[2**-60, 1 - 2**-20, 1, 1 + 2**-20, 2**60])
unary("log1p", torch.log1p, low=-3 / 4, high=4, extreme=[2**-40, -2**-40, 0, 2**30, -1 + 2**-10])
unary("log2", torch.log2, low=1 / 8, high=4, extreme=[2**-60, 1 - 2**-20, 1, 1 + 2**-20, 2**60])
unary("log10", torch.log10, low=1 / 8, high=4, extreme=[2**-60, 1 - 2**-20, 1, 1 + 2**-20, 2**60])
unary("sin", torch.sin, low=-4, high=4, extreme=[2**-30, 0, 100, -1000, 8192, 65536 + 0.25])
unary("cos", torch.cos, low=-4, high=4, extreme=[2**-30, 0, 100, -1000, 8192, 65536 + 0.25])
unary("tan", torch.tan, low=-1, high=1, extreme=[2**-30, 0, 100, -1000, 1.5, 1.625])
unary("asin", torch.asin, low=-7 / 8, high=7 / 8, extreme=[2**-8, 0, 1 - 2**-10, -1 + 2**-10])
unary("acos", torch.acos, low=-7 / 8, high=7 / 8, extreme=[2**-8, 0.5, 1 - 2**-10, -1 + 2**-10])
unary("atan", torch.atan, extreme=[2**-30, 0, 2**15, -2**15, 1000])
unary("sinh", torch.sinh, extreme=[2**-30, 0, 60, -60])
unary("cosh", torch.cosh, extreme=[2**-30, 0, 60, -60])
unary("tanh", torch.tanh, extreme=[2**-30, 0, inf, -inf, 1000, -1000])
unary("asinh", torch.asinh, extreme=[2**-30, 0, 2**15, -2**15])
unary("acosh", torch.acosh, low=5 / 4, high=4, extreme=[1 + 2**-10, 2**15])
unary("atanh", torch.atanh, low=-7 / 8, high=7 / 8, extreme=[2**-8, 0, 1 - 2**-10, -1 + 2**-10])
unary("erf", torch.erf, extreme=[2**-30, 0, 3, -3, 6, -6])
unary("lgamma", Lgamma.apply, low=1 / 4, high=6, extreme=[2**-20, 100.5, 2**15, -0.5, -2.5, -3.25])
unary("digamma", Digamma.apply, low=1 / 4, high=6, extreme=[2**-10, 100.5, 2**15, -0.5, -2.5, -3.25])
unary("sign", torch.sign, extreme=[1e30, -1e-30, 0, inf, -inf])
unary("floor", torch.floor, avoid=(-2, -1, 0, 1, 2), extreme=[1e30, -0.25, 1, -1, inf])
unary("ceil", torch.ceil, avoid=(-2, -1, 0, 1, 2), extreme=[1e30, 0.25, 1, -1, inf])
unary("round", torch.round, avoid=(-1.5, -0.5, 0.5, 1.5), extreme=[0.5, 1.5, 2.5, -0.5, -1.5, 1e30])
unary("nan_to_num", lambda x: torch.nan_to_num(x, 0.5, 100, -100), extreme=[nan, inf, -inf, 1, 0])

unary("sigmoid", torch.sigmoid, extreme=[80, -80, 1000, 0, inf, -inf])
unary("relu", torch.relu, extreme=[1e30, -1e30, inf, -inf], kink=[0, 1, 0, -1])
unary("relu6", F.relu6, low=-4, high=10, avoid=(0, 6), extreme=[1e30, -1e30, inf], kink=[0, 6, 3])
unary("hardtanh", lambda x: F.hardtanh(x, -1, 0.5), avoid=(-1, 0.5), kink=[-1, 0.5, 0])
unary("leaky_relu", lambda x: F.leaky_relu(x, 0.125), extreme=[1e30, -1e30, inf, -inf], kink=[0, 1, -1])
unary("elu", lambda x: F.elu(x, 0.75), far=[80, -80, 2**-20, -2**-20])
case("elu/kink", [V([0, 1, -1])], lambda x: F.elu(x, 0.75), order=1,
     why="PyTorch takes the gradient at 0 from the left and its derivative from the right")
unary("selu", F.selu, far=[80, -80, 2**-20, -2**-20])
unary("log_sigmoid", F.logsigmoid, far=[80, -80, 1000, -1000, 0])
# Beyond its threshold PyTorch takes softplus for the identity; logaddexp is exact there.
unary("softplus", lambda x: torch.logaddexp(2 * x, torch.zeros(())) / 2, far=[30, -30, 0, 2**-20])
case("softplus/infinite", [V([1000, -1000, inf])], torch.relu, order=1, each=True,
     why="there torch.logaddexp's second derivative is NaN")
unary("softsign", F.softsign, extreme=[2**20, -2**20, 2**-30], kink=[0, 1])
unary("silu", F.silu, extreme=[80, -80, 1000, 0])
unary("mish", lambda x: x * torch.tanh(torch.logaddexp(x, torch.zeros(()))), far=[50, -50, 0])
unary("hardswish", F.hardswish, low=-5, high=5, avoid=(-3, 3), extreme=[1e30, -1e30])
case("hardswish/kink", [V([-3, 3, 0])], F.hardswish, order=0,
     why="at -3 and 3 the gradient is that of outside, PyTorch's that of inside")
unary("gelu", F.gelu, far=[5, -5, 0, 40, -40])
unary("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), far=[4, -4, 0, 40, -40])

PAIRS = {"same": ((2, 3), (2, 3)), "row": ((2, 3), (3,)), "column": ((3,), (2, 1)), "outer": ((2, 1), (1, 3)),
         "number": ((), (2, 3)), "ranks": ((2, 1, 3), (4, 1)), "ones": ((1, 1), (1,)), "empty": ((0, 3), (1, 3))}


def binary(name, function, a={}, b={}, extreme=None, kink=None, configs=PAIRS):
    for config in configs:
        case(f"{name}/{config}", [R(*PAIRS[config][0], **a), R(*PAIRS[config][1], **b)], function)
    if extreme:
        case(f"{name}/extreme", [V(extreme[0]), V(extreme[1])], function, each=True)
    if kink:
        case(f"{name}/kink", [V(kink[0]), V(kink[1])], function)


positive = {"low": 1 / 4, "high": 3}
binary("add", torch.add, extreme=([1e30, 1, inf, nan, -0.0], [1, -1e30, 1, 0, 0]))
binary("sub", torch.sub, extreme=([1e30, 1, inf, nan, 0], [1, -1e30, 1, 0, 0]))
binary("mul", torch.mul, extreme=([1e15, 1e-15, 0, nan, 0], [1e15, 1e-15, 1e30, 0, 0]))
binary("div", torch.div, b={"low": 1 / 2, "high": 3}, extreme=([2**20, 2**-20, 0, nan], [2**-20, -2**20, 1, 1]))
binary("pow", torch.pow, a=positive, extreme=([2, 2, 2**-10, 10, 2**20], [60, -60, 3.5, 8, -3]))
case("pow/zero base", [V([0, 0, 0, 0]), V([0, 1, 2, 3])], torch.pow, order=1,
     why="PyTorch's second derivative for b at a = 0 is NaN")
# The gradient for b is NaN.
case("pow/negative base", [V([-2, -1.5, -3, -1]), V([2, 3, 0, -1])], torch.pow, constants=[1])
for exponent in (0, 1, 2, 3, -1, -2, 0.5, 2.5):
    case(f"pow/number {exponent}", [R(2, 3, **positive)], lambda x, e=exponent: torch.pow(x, e))
for exponent in (0, 1, 2, 3):
    case(f"pow/0 to the {exponent}", [V([0, -1, 2, 0])], lambda x, e=exponent: torch.pow(x, e))
case("pow/number base", [R(2, 3)], lambda x: torch.pow(3, x))
binary("fmod", torch.fmod, a={"low": -10, "high": 10}, b={"low": 1.5, "high": 2.5},
       extreme=([7, -7, 7, 1e6, 0.25], [3, 3, -3, 0.75, 5]))
binary("hypot", torch.hypot, extreme=([2**40, 2**-40, 3, 1000], [2**40, 2**-40, 4, 800]))
case("hypot/origin", [V([0, 0, 3]), V([0, 2, 0])], torch.hypot, order=0, why="at the origin the gradient is 0, PyTorch's NaN")
binary("atan2", torch.atan2, extreme=([2**20, 2**-20, -1, 1, 0], [2**-20, -2**20, -1, 0, 1]))
binary("logaddexp", torch.logaddexp, extreme=([4, -4, 0, 80, 1000], [-2, 4, 0, 80, 1001]))
case("logaddexp/far", [V([1000, -1000]), V([-1000, 1000])], torch.logaddexp, order=1, why="PyTorch's second derivative is NaN")
binary("maximum", torch.maximum, b={"low": -1, "high": 1, "avoid": (0,)}, extreme=([inf, -inf, 1e30], [1, 1, 1]),
       kink=([1, 2, 0, -1], [1, 1, 0, -1]))
binary("minimum", torch.minimum, b={"low": -1, "high": 1, "avoid": (0,)}, extreme=([inf, -inf, 1e30], [1, 1, 1]),
       kink=([1, 2, 0, -1], [1, 1, 0, -1]))
for name, function in (("maximum", torch.maximum), ("minimum", torch.minimum)):
    case(f"{name}/nan", [V([nan, 1, nan]), V([1, nan, nan])], function, order=0, why="both get no gradient, PyTorch's the whole")
case("heaviside/same", [V([-1, 0, 2, 0]), R(4)], torch.heaviside, constants=[0, 1])
case("heaviside/row", [V([[-1, 0, 2], [0, 0, -3]]), R(3)], torch.heaviside, constants=[0, 1])
for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
    compare = getattr(torch, {"equal": "eq", "not_equal": "ne"}.get(name, name))
    case(f"{name}/same", [V([1, 2, 3, inf, nan, 0]), V([2, 2, 2, inf, nan, -0.0])], compare, constants=[0, 1])
    case(f"{name}/outer", [R(3, 1), R(1, 4)], compare, constants=[0, 1])
    case(f"{name}/empty", [R(0, 3), R(3)], compare, constants=[0, 1])

for config, shapes in {"same": ((2, 3),) * 3, "broadcast": ((2, 3), (3,), (2, 1)), "number": ((), (2,), ()),
                       "empty": ((0, 2), (1, 2), ())}.items():
    case(f"lerp/{config}", [R(*s) for s in shapes], torch.lerp)
    case(f"clamp/{config}", [R(*shapes[0]), R(*shapes[1], low=-1, high=-1 / 4), R(*shapes[2], low=1 / 4, high=1)],
         lambda *x: torch.clamp(*torch.broadcast_tensors(*x)))
    case(f"where/{config}", [R(*shapes[2]), R(*shapes[0]), R(*shapes[1])], lambda c, a, b: torch.where(c > 0, a, b),
         constants=[0])
case("lerp/ends", [R(4), R(4), V([0, 1, 0.5, 2])], torch.lerp)
case("clamp/numbers", [R(3, 4)], lambda x: torch.clamp(x, -0.75, 1.25))
case("clamp/kink", [V([-0.75, 1.25, 0, 3, -3])], lambda x: torch.clamp(x, -0.75, 1.25))
case("clamp/extreme", [V([inf, -inf, 1e30])], lambda x: torch.clamp(x, -0.75, 1.25), each=True)
case("clamp/nan", [V([nan, 1])], lambda x: torch.clamp(x, -0.75, 1.25), order=0, why="the gradient goes to x, PyTorch's is 0")
case("where/nan not taken", [V([1, -1, 1]), V([1, nan, 2]), V([nan, 5, inf])], lambda c, a, b: torch.where(c > 0, a, b),
     constants=[0])
