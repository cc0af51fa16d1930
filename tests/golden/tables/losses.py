"""Losses. Classes are the last axis."""
import torch
import torch.nn.functional as F

from .case import I, R, V, case, inf, nchw

REDUCTIONS = ("mean", "sum", "none")
LABELS = [2, 0, 2, 1]
WEIGHTS = torch.tensor([0.5, 2, 1.25])


def classes(x):
    """PyTorch has the classes as axis 1."""
    return nchw(x) if x.dim() > 1 else x


def labelled(name, function, low=-2, high=2):
    for reduction in REDUCTIONS:
        case(f"{name}/{reduction}", [R(4, 3, low=low, high=high), I(LABELS)],
             lambda x, y, r=reduction: function(x, y, reduction=r), [1])
        case(f"{name}/{reduction} weights", [R(4, 3, low=low, high=high), I(LABELS)],
             lambda x, y, r=reduction: function(x, y, weight=WEIGHTS, reduction=r), [1])
    case(f"{name}/one class", [R(2, 1, low=low, high=high), I([0, 0])], function, [1])


labelled("cross_entropy", F.cross_entropy)
labelled("nll_loss", F.nll_loss, low=-4, high=-1 / 8)
for name, function in (("cross_entropy", F.cross_entropy), ("nll_loss", F.nll_loss)):
    for reduction in REDUCTIONS:
        case(f"{name}/{reduction} ignored", [R(4, 3), I([2, -1, 0, -1])],
             lambda x, y, f=function, r=reduction: f(x, y, weight=WEIGHTS, ignore_index=-1, reduction=r), [1])
        case(f"{name}/{reduction} images", [R(2, 2, 1, 3), I([[[2], [0]], [[1], [1]]])],
             lambda x, y, f=function, r=reduction: f(nchw(x), y, reduction=r), [1])
    case(f"{name}/ignored wide", [R(2, 5), I([4, 1])], lambda x, y, f=function: f(x, y, ignore_index=1), [1])
for reduction in REDUCTIONS:
    case(f"cross_entropy/{reduction} smoothing", [R(4, 3), I(LABELS)],
         lambda x, y, r=reduction: F.cross_entropy(x, y, label_smoothing=0.25, reduction=r), [1])
    case(f"cross_entropy/{reduction} everything", [R(4, 3), I([2, -1, 0, 1])],
         lambda x, y, r=reduction: F.cross_entropy(x, y, WEIGHTS, ignore_index=-1, label_smoothing=0.25, reduction=r), [1])
    case(f"cross_entropy probabilities/{reduction}", [R(4, 3), R(4, 3, low=1 / 8, high=1)],
         lambda x, p, r=reduction: F.cross_entropy(x, p, reduction=r))
    case(f"cross_entropy probabilities/{reduction} everything", [R(2, 2, 3), R(2, 2, 3, low=1 / 8, high=1)],
         lambda x, p, r=reduction: F.cross_entropy(nchw(x), nchw(p), WEIGHTS, label_smoothing=0.25, reduction=r))
for reduction in REDUCTIONS:
    case(f"cross_entropy/{reduction} empty", [R(0, 3), I([])], lambda x, y, r=reduction: F.cross_entropy(x, y, reduction=r), [1])
case("cross_entropy/extreme", [V([[1e4, -1e4, 0], [0, -inf, 1], [9999, 1e4, 9998]]), I([1, 0, 0])], F.cross_entropy, [1])
for reduction in REDUCTIONS:
    for p in (1, 2):
        case(f"multi_margin_loss/{reduction} p={p}", [R(4, 3), I(LABELS)],
             lambda x, y, r=reduction, p=p: F.multi_margin_loss(x, y, p, reduction=r), [1], order=1,
             why="PyTorch has no second derivative")
        case(f"multi_margin_loss/{reduction} p={p} weights", [R(4, 3), I(LABELS)],
             lambda x, y, r=reduction, p=p: F.multi_margin_loss(x, y, p, 0.5, WEIGHTS, reduction=r), [1], order=1,
             why="PyTorch has no second derivative")


def margins(x, y, p, margin):
    """What F.multi_margin_loss computes, of public operations."""
    own = F.one_hot(y, x.shape[1]).bool()
    return (torch.relu(margin - x[own][:, None] + x).masked_fill(own, 0) ** p).sum(1)


for p in (1, 2):
    case(f"multi_margin_loss/whole p={p}", [R(4, 3), I(LABELS)], lambda x, y, p=p: margins(x, y, p, 0.5).mean(), [1])

PAIRS = {"same": ((2, 3), (2, 3)), "row": ((2, 3), (3,)), "ones": ((1, 1), (1,)), "number": ((), ()),
         "empty": ((0, 3), (3,))}


OF_NOTHING = "the tangent is the mean of nothing, PyTorch's 0"


def elementwise(name, function, a={}, b={}):
    for reduction in REDUCTIONS:
        for config, (x, y) in PAIRS.items():
            case(f"{name}/{reduction} {config}", [R(*x, **a), R(*y, **b)],
                 lambda x, y, r=reduction: function(*torch.broadcast_tensors(x, y), reduction=r),
                 **({"order": 1, "why": OF_NOTHING} if (reduction, config) == ("mean", "empty") else {}))


probability = {"low": 1 / 8, "high": 7 / 8}
far = {"low": -4, "high": 4}
elementwise("mse_loss", F.mse_loss)
elementwise("l1_loss", F.l1_loss, b={"low": 3, "high": 4})
elementwise("smooth_l1_loss", lambda a, b, reduction: F.smooth_l1_loss(a, b, beta=0.75, reduction=reduction), a=far)
elementwise("huber_loss", lambda a, b, reduction: F.huber_loss(a, b, delta=0.75, reduction=reduction), a=far)
case("l1_loss/kink", [V([1, 2, 3]), V([1, 0, 5])], F.l1_loss)
case("smooth_l1_loss/beta 0", [R(2, 3), R(2, 3, low=3, high=4)], lambda a, b: F.smooth_l1_loss(a, b, beta=0.0))
case("smooth_l1_loss/kink", [V([1, 2, 0]), V([1, 1.25, 2])], lambda a, b: F.smooth_l1_loss(a, b, beta=0.75), order=1,
     why="the curvature jumps there")
case("huber_loss/kink", [V([1, 2, 0]), V([1, 1.25, 2])], lambda a, b: F.huber_loss(a, b, delta=0.75), order=1,
     why="the curvature jumps there")
elementwise("binary_cross_entropy", F.binary_cross_entropy, a=probability, b=probability)
case("binary_cross_entropy/ends", [V([0, 1, 0, 1]), V([0, 1, 1, 0])], lambda p, y: F.binary_cross_entropy(p, y, reduction="none"),
     [1], order=0, why="PyTorch's clamp of the gradient, 1e-12, is a float")
elementwise("binary_cross_entropy_with_logits", lambda x, y, reduction: F.binary_cross_entropy_with_logits(
    x, y, pos_weight=torch.tensor(2.5), reduction=reduction), a=far, b=probability)
case("binary_cross_entropy_with_logits/plain", [R(2, 3), R(2, 3, **probability)], F.binary_cross_entropy_with_logits)
case("binary_cross_entropy_with_logits/extreme", [V([500, -500, 500, -500, 0]), V([0, 0, 1, 1, 0.5])],
     lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"), [1])


def reduced(values, reduction):
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda v: v}[reduction](values)


# PyTorch's hinge_embedding_loss is another function; the formula is max(0, margin - score · target).
elementwise("hinge_loss", lambda x, y, reduction: reduced(torch.relu(0.75 - x * y), reduction))
case("hinge_loss/kink", [V([1, -2, 0.5]), V([1, 1, -1])], lambda x, y: torch.relu(1 - x * y).mean())
elementwise("kl_div", F.kl_div, a={"low": -4, "high": -1 / 8}, b=probability)
# For a target of 0 its gradient is 0, PyTorch's infinite or NaN.
case("kl_div/zero target", [R(4), V([0, 1, 0, 0.5])], lambda x, y: F.kl_div(x, y, reduction="sum"), [1])
case("kl_div/log target", [R(2, 3), R(2, 3)], lambda x, y: F.kl_div(x, y, reduction="mean", log_target=True))
elementwise("poisson_nll_loss", F.poisson_nll_loss, b={"low": 1 / 4, "high": 4})
case("poisson_nll_loss/rate", [R(2, 3, low=1 / 4, high=4), R(2, 3, low=1 / 4, high=4)],
     lambda x, y: F.poisson_nll_loss(x, y, log_input=False, eps=2**-10))
case("poisson_nll_loss/full both", [R(2, 3), R(2, 3, low=5 / 4, high=4)], lambda x, y: F.poisson_nll_loss(x, y, full=True))
case("poisson_nll_loss/full", [R(2, 3), V([[0, 0.5, 1], [2, 3.25, 10]])], lambda x, y: F.poisson_nll_loss(x, y, full=True), [1])
for reduction in REDUCTIONS:
    for full in (False, True):
        case(f"gaussian_nll_loss/{reduction}{' full' if full else ''}", [R(2, 3), R(2, 3), R(2, 3, low=1 / 4, high=3)],
             lambda x, y, v, r=reduction, f=full: F.gaussian_nll_loss(x, y, v, full=f, reduction=r))
case("gaussian_nll_loss/row", [R(2, 3), R(2, 3), R(2, 1, low=1 / 4, high=3)], F.gaussian_nll_loss)
# PyTorch lets the gradient of a variance below eps through.
case("gaussian_nll_loss/small variance", [R(3), R(3), V([0, 0.125, 1])],
     lambda x, y, v: F.gaussian_nll_loss(x, y, v, eps=0.25, reduction="none"), [2])
for config, (a, b, axis) in {"last": ((3, 4), (3, 4), -1), "first": ((3, 4), (3, 4), 0), "broadcast": ((2, 1, 3), (4, 3), -1),
                             "one": ((2, 1), (2, 1), 1)}.items():
    case(f"cosine_similarity/{config}", [R(*a), R(*b)], lambda x, y, a=axis: F.cosine_similarity(x, y, dim=a))
