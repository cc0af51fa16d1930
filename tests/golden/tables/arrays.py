"""Reductions, shapes, indices."""
import torch
import torch.nn.functional as F

from .case import I, R, V, case, inf, nan

# config: shape, axes (None: all), keepdims
AXES = {"all": ((3, 4), None, False), "axis 0": ((3, 5), (0,), False), "last": ((2, 3, 5), (-1,), False),
        "two": ((2, 3, 4), (0, 2), False), "keepdims": ((2, 3), (1,), True), "ones": ((1, 3, 1), (0, 2), False)}


def dims(x, axes):
    return tuple(range(x.dim())) if axes is None else axes


def reduction(name, function, low=-2, high=2):
    for config, (shape, axes, keepdims) in AXES.items():
        case(f"{name}/{config}", [R(*shape, low=low, high=high)], lambda x, a=axes, k=keepdims: function(x, dims(x, a), k))


def flat(x, axes):
    """The axes as one, the last."""
    rest = [k for k in range(x.dim()) if k not in {a % x.dim() for a in axes}]
    return x.permute(rest + [a % x.dim() for a in axes]).reshape([x.shape[k] for k in rest] + [-1])


def folded(function):
    """A reduction over one axis as one over several; keepdims by hand."""
    def run(x, axes, keepdims):
        y = function(flat(x, axes))
        if keepdims:
            for a in sorted(a % x.dim() for a in axes):
                y = y.unsqueeze(a)
        return y
    return run


ties = [[1, 2, 2, -1], [3, 3, 3, 0], [-2, -2, 5, 5]]
reduction("sum", lambda x, a, k: x.sum(a, k))
case("sum/number", [R()], torch.sum)
case("sum/empty", [R(0, 3)], lambda x: x.sum(0))
case("sum/nothing left", [R(0, 3)], lambda x: x.sum(1))
reduction("mean", lambda x, a, k: x.mean(a, k))
case("mean/of nothing", [R(2, 0)], lambda x: x.mean(1), order=1, why="the tangent is the mean of nothing, PyTorch's 0")
reduction("var", lambda x, a, k: torch.var(x, a, unbiased=False, keepdim=k))
case("var/ddof", [R(3, 4)], lambda x: torch.var(x, (1,), unbiased=True))
case("var/far from zero", [R(3, 4, low=1000, high=1001)], lambda x: torch.var(x, (1,), unbiased=False))
reduction("std", lambda x, a, k: torch.std(x, a, unbiased=False, keepdim=k) if x.dim() != 3 or a != (0, 2) or x.shape[0] > 1
          else torch.zeros(3) + 0 * x.sum((0, 2)))  # of one element: 0 with gradient 0, where PyTorch's is NaN
case("std/ddof", [R(3, 4)], lambda x: torch.std(x, (1,), unbiased=True))
reduction("amax", lambda x, a, k: torch.amax(x, a, k))
reduction("amin", lambda x, a, k: torch.amin(x, a, k))
for name, function in (("amax", torch.amax), ("amin", torch.amin)):
    case(f"{name}/ties", [V(ties)], lambda x, f=function: f(x, (1,)))
    case(f"{name}/nan", [V([[1, nan, 2], [inf, -inf, 0]])], lambda x, f=function: f(x, (1,)), order=0,
         why="of NaN no element is the largest")
for name, function in (("argmax", torch.argmax), ("argmin", torch.argmin)):
    case(f"{name}/all", [R(3, 4)], lambda x, f=function: f(x), constants=[0])
    case(f"{name}/axis", [R(3, 4, 2)], lambda x, f=function: f(x, 1), constants=[0])
    case(f"{name}/keepdims", [R(3, 4)], lambda x, f=function: f(x, 1, keepdim=True), constants=[0])
    case(f"{name}/nan", [V([[1, nan, 2, nan], [inf, -inf, 0, 1]])], lambda x, f=function: f(x, 1), constants=[0])
reduction("logsumexp", lambda x, a, k: torch.logsumexp(x, a, k))
case("logsumexp/extreme", [V([[1e4, -1e4, 9999], [-1e4, -1e4, -inf], [0, -inf, -inf]])], lambda x: torch.logsumexp(x, (1,)))
for p in (1, 2, 3, 1.5, inf, -inf):
    reduction(f"norm p={p}", lambda x, a, k, p=p: torch.linalg.vector_norm(x, p, a, k), low=1 / 4, high=3)
    case(f"norm p={p}/signs", [R(2, 4)], lambda x, p=p: torch.linalg.vector_norm(x, p, 1))
case("norm p=0/signs", [V([[1, 0, -2], [0, 0, 3]])], lambda x: torch.linalg.vector_norm(x, 0, 1))
case("norm p=2/extreme", [V([[2**40, 2**40, 1], [2**-30, 2**-31, 0]])], lambda x: torch.linalg.vector_norm(x, 2, 1), order=1,
     why="float's square root of the sum cubed, in the second derivative, overflows")
case("norm p=2/zeros", [V([[0, 0], [3, 4]])], lambda x: torch.linalg.vector_norm(x, 2, 1), order=1,
     why="PyTorch's second derivative at 0 is NaN")
reduction("prod", folded(lambda x: x.prod(-1)))
case("prod/a zero", [V([[1, 0, 3], [2, -1, 4], [0, 0, 5], [0, 0, 0]])], lambda x: x.prod(1))
case("prod/of nothing", [R(2, 0)], lambda x: x.prod(1))
for name, function in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod)):
    case(f"{name}/last", [R(3, 5)], lambda x, f=function: f(x, -1))
    case(f"{name}/middle", [R(2, 4, 3)], lambda x, f=function: f(x, 1))
    case(f"{name}/zeros", [V([[1, 2, 0, 3], [2, 0, 0, 1], [1, 2, 3, 4]])], lambda x, f=function: f(x, 1))
    case(f"{name}/ones", [R(1, 1)], lambda x, f=function: f(x, 0))
    case(f"{name}/empty", [R(3, 0)], lambda x, f=function: f(x, 0))


def in_order(x, axis, descending=False):
    return torch.sort(x, dim=axis, descending=descending, stable=True)


for config, x in {"plain": R(3, 5), "ties": V(ties), "nan": V([[1, nan, -inf], [inf, 0, nan]]), "empty": R(2, 0)}.items():
    case(f"sort/{config}", [x], lambda x: in_order(x, -1)[0])
    case(f"argsort/{config}", [x], lambda x: in_order(x, -1)[1], constants=[0])
    case(f"sort/{config} descending", [x], lambda x: in_order(x, 0, True)[0])
    case(f"argsort/{config} descending", [x], lambda x: in_order(x, 0, True)[1], constants=[0])


def best(x, k, axis, largest):
    values, indices = in_order(x, axis, largest)
    return values.narrow(axis, 0, k), indices.narrow(axis, 0, k)


case("topk/largest", [V([[1, 5, 3, -2], [0, 0.5, 7, 2]])], lambda x: torch.topk(x, 2, 1))
case("topk/smallest", [R(5, 2)], lambda x: best(x, 3, 0, False))
case("topk/ties", [V(ties)], lambda x: best(x, 2, 1, True))
case("topk/none", [R(3, 2)], lambda x: best(x, 0, 1, True))
reduction("median", folded(lambda x: torch.quantile(x, 0.5, dim=-1)))
case("median/odd", [V([[3, 1, 2], [5, -1, 0]])], lambda x: x.median(1)[0])
for name in ("any", "all", "count_nonzero"):
    function = getattr(torch, name)
    case(f"{name}/all", [V([[0, 1], [2, 0]])], function, constants=[0])
    case(f"{name}/axis", [V([[0, 1, nan], [0, 0, 0], [1, 2, 3]])], lambda x, f=function: f(x, 1), constants=[0])
    case(f"{name}/empty", [R(2, 0)], lambda x, f=function: f(x, 1), constants=[0])
case("any/keepdims", [V([[0, 1], [0, 0]])], lambda x: x.any(1, True), constants=[0])
case("all/keepdims", [V([[0, 1], [1, 1]])], lambda x: x.all(1, True), constants=[0])
case("sum_to/row", [R(2, 3)], lambda x: x.sum_to_size(3))
case("sum_to/column", [R(2, 3, 4)], lambda x: x.sum_to_size(3, 1))
case("sum_to/number", [R(2, 3)], lambda x: x.sum_to_size(()))
case("sum_to/same", [R(2, 3)], lambda x: x.sum_to_size(2, 3))

case("reshape/plain", [R(2, 3, 4)], lambda x: x.reshape(4, 6))
case("reshape/rest", [R(2, 3, 4)], lambda x: x.reshape(3, -1))
case("reshape/empty", [R(2, 0)], lambda x: x.reshape(0, 7))
case("flatten/plain", [R(2, 3, 1, 4)], lambda x: x.flatten(1))
case("flatten/all", [R(2, 3)], lambda x: x.flatten(0))
case("permute/plain", [R(2, 3, 4)], lambda x: x.permute(2, 0, 1))
case("permute/negative", [R(2, 3, 1)], lambda x: x.permute(-1, 1, 0))
case("transpose/plain", [R(2, 3, 4)], lambda x: x.permute(2, 1, 0))
case("transpose/axes", [R(2, 3, 4)], lambda x: x.permute(0, 2, 1))
case("broadcast_to/plain", [R(3, 1)], lambda x: x.broadcast_to(2, 3, 4))
case("broadcast_to/number", [R()], lambda x: x.broadcast_to(2, 3))
case("broadcast_to/empty", [R(1, 3)], lambda x: x.broadcast_to(0, 3))
case("squeeze/all", [R(1, 3, 1)], torch.squeeze)
case("squeeze/axis", [R(1, 3, 1)], lambda x: x.squeeze(0))
case("unsqueeze/front", [R(3, 2)], lambda x: x.unsqueeze(0))
case("unsqueeze/last", [R(3, 2)], lambda x: x.unsqueeze(-1))
case("concat/rows", [R(2, 3), R(1, 3), R(0, 3)], lambda *x: torch.cat(x, 0))
case("concat/columns", [R(2, 3), R(2, 1)], lambda *x: torch.cat(x, -1))
case("concat/twice the same", [R(2, 3)], lambda x: torch.cat([x, x], 0))
case("stack/front", [R(2, 3), R(2, 3)], lambda *x: torch.stack(x, 0))
case("stack/last", [R(2), R(2), R(2)], lambda *x: torch.stack(x, -1))
case("split/parts", [R(4, 3)], lambda x: x.split(2, 0))
case("split/lengths", [R(2, 6)], lambda x: x.split([1, 0, 5], 1))
case("pad/constant", [R(2, 3)], lambda x: F.pad(x, (0, 2, 1, 0), value=0.5))
case("pad/everywhere", [R(2, 1, 2)], lambda x: F.pad(x, (1,) * 6))
case("pad/reflect", [R(3, 4)], lambda x: F.pad(x[None, None], (2, 3, 1, 2), "reflect")[0, 0])
case("pad/edge", [R(2, 3)], lambda x: F.pad(x[None, None], (0, 2, 3, 1), "replicate")[0, 0])
case("flip/all", [R(2, 3)], lambda x: x.flip(0, 1))
case("flip/axis", [R(2, 3, 2)], lambda x: x.flip(1))
case("roll/axis", [R(3, 4)], lambda x: x.roll(1, 1))
case("roll/back", [R(3, 4)], lambda x: x.roll(-5, 0))
case("roll/flat", [R(3, 4)], lambda x: x.roll(2))
case("tile/plain", [R(2, 3)], lambda x: x.tile(2, 1))
case("tile/shorter", [R(2, 3)], lambda x: x.tile(2))
case("tile/longer", [R(3)], lambda x: x.tile(2, 1, 2))
case("repeat/flat", [R(2, 3)], lambda x: x.repeat_interleave(2))
case("repeat/axis", [R(2, 3)], lambda x: x.repeat_interleave(3, 1))
case("diagonal/plain", [R(3, 4)], torch.diagonal)
case("diagonal/offset", [R(3, 4)], lambda x: x.diagonal(1))
case("diagonal/axes", [R(3, 2, 4)], lambda x: x.diagonal(-1, 2, 0))
case("diag/vector", [R(3)], torch.diag)
case("diag/vector above", [R(2)], lambda x: x.diag(1))
case("diag/matrix", [R(3, 4)], lambda x: x.diag(-1))
case("tril/plain", [R(3, 4)], torch.tril)
case("tril/above", [R(2, 3, 3)], lambda x: x.tril(1))
case("triu/plain", [R(4, 3)], torch.triu)
case("triu/below", [R(3, 3)], lambda x: x.triu(-1))

case("slice/part", [R(4, 5)], lambda x: x[1:3])
case("slice/steps", [R(5, 6)], lambda x: x[::2, 1:6:3])
case("slice/backwards", [R(4, 5)], lambda x: x.flip(1)[:, ::2])
case("slice/negative bounds", [R(5, 2)], lambda x: x[-3:-1])
case("slice/axis", [R(2, 5)], lambda x: x[:, 2:4])
case("slice/nothing", [R(3, 2)], lambda x: x[2:2])


def updated(x, place, value):
    y = x.clone()
    y[place] = value
    return y


case("slice_update/part", [R(4, 3), R(2, 3)], lambda x, v: updated(x, slice(1, 3), v))
case("slice_update/broadcast", [R(4, 3), R(3)], lambda x, v: updated(x, slice(None, None, 2), v))
case("slice_update/number", [R(2, 5), R()], lambda x, v: updated(x, (slice(None), slice(1, 4, 2)), v))
case("select/axis 0", [R(3, 2)], lambda x: x.select(0, 1))
case("select/from the end", [R(3, 2, 4)], lambda x: x.select(1, -1))
case("index_select/rows", [R(4, 3), I([2, 0, 2])], lambda x, i: x.index_select(0, i), [1])
case("index_select/columns", [R(2, 4), I([3, 3, 1])], lambda x, i: x.index_select(1, i), [1])
case("index_select/matrix", [R(4, 2), I([[0, 1], [3, 0]])], lambda x, i: x[i], [1])
case("index_select/empty", [R(4, 3), I([])], lambda x, i: x.index_select(0, i), [1])
case("embedding/plain", [I([[0, 4, 4], [2, 0, 1]]), R(5, 3)], F.embedding, [0])
case("embedding/one", [I(3), R(5, 2)], F.embedding, [0])
case("embedding/empty", [I([]), R(5, 3)], lambda i, w: w[i], [0])
case("gather/rows", [R(3, 4), I([[0, 2, 1], [1, 1, 0]])], lambda x, i: x.gather(0, i), [1])
case("gather/columns", [R(3, 4), I([[3, 0], [1, 1], [2, 3]])], lambda x, i: x.gather(1, i), [1])
case("take_along_axis/same", [R(3, 4), I([[0, 2, 1, 0]] * 2)], lambda x, i: torch.take_along_dim(x, i, 0), [1])
case("take_along_axis/broadcast", [R(3, 4), I([[1, 1, 3]])], lambda x, i: torch.take_along_dim(x, i, 1), [1])
case("scatter_add/rows", [R(3, 2), I([[0, 2], [0, 1], [2, 2], [0, 0]]), R(4, 2)], lambda x, i, s: x.scatter_add(0, i, s), [1])
case("scatter_add/columns", [R(2, 5), I([[4, 4], [0, 3]]), R(2, 2)], lambda x, i, s: x.scatter_add(1, i, s), [1])
case("masked_select/same", [R(3, 4), R(3, 4)], lambda x, m: x.masked_select(m > 0), [1])
case("masked_select/broadcast", [R(3, 2), V([1, -1, 1])], lambda x, m: x.masked_select(m[:, None] > 0), [1])
case("masked_fill/number", [R(3, 4), R(3, 4), R()], lambda x, m, v: x.masked_fill(m > 0, v), [1])
case("masked_fill/broadcast", [R(3, 4), R(4), R(3, 1)], lambda x, m, v: torch.where(m > 0, v, x), [1])
case("masked_fill/nan", [V([nan, inf, 1, 2]), V([1, 1, -1, 1]), R()], lambda x, m, v: x.masked_fill(m > 0, v), [1])
case("one_hot/vector", [I([2, 0, 1])], lambda i: F.one_hot(i, 4), [0])
case("one_hot/matrix", [I([[2, 0], [1, 1]])], lambda i: F.one_hot(i, 3), [0])
