"""Normalisation, softmax, attention, cells."""
import torch
import torch.nn.functional as F

from .case import R, V, case, inf, nchw, nhwc

SHAPES = {"vectors": (5, 3), "images": (2, 3, 2, 2), "sequence": (2, 4, 3), "two": (2, 1), "channels": (5, 17)}


def batch_norm(x, weight=None, bias=None, mean=None, var=None, training=True, momentum=0.1, eps=1e-5):
    x = x.reshape(-1, x.shape[-1]), x.shape
    return F.batch_norm(x[0], mean, var, weight, bias, training, momentum, eps).reshape(x[1])


def running(x, w, b, mean, var):
    """Also the running statistics, which it updates."""
    mean, var = mean.clone(), var.clone()
    return batch_norm(x, w, b, mean, var, momentum=0.25), mean, var


for config, shape in SHAPES.items():
    c = shape[-1]
    case(f"batch_norm/{config}", [R(*shape), R(c), R(c)], batch_norm)
    case(f"batch_norm plain/{config}", [R(*shape)], batch_norm)
    case(f"batch_norm running/{config}", [R(*shape), R(c), R(c), R(c), R(c, low=1 / 4, high=2)], running, [3, 4])
    case(f"batch_norm evaluation/{config}", [R(*shape), R(c), R(c), R(c), R(c, low=1 / 4, high=2)],
         lambda x, w, b, m, v: batch_norm(x, w, b, m, v, training=False), [3, 4])
    case(f"batch_norm eps/{config}", [R(*shape), R(c), R(c)], lambda x, w, b: batch_norm(x, w, b, eps=0.25))
    if c > 1:
        case(f"layer_norm/{config}", [R(*shape), R(c), R(c)], lambda x, w, b: F.layer_norm(x, w.shape, w, b))
    case(f"layer_norm plain/{config}", [R(*shape)], lambda x: F.layer_norm(x, x.shape[-1:], eps=0.25))
    case(f"rms_norm/{config}", [R(*shape), R(c)], lambda x, w: x / torch.sqrt(x.square().mean(-1, True) + 1e-5) * w)
    case(f"rms_norm plain/{config}", [R(*shape)], lambda x: x / torch.sqrt(x.square().mean(-1, True) + 1e-5))
case("layer_norm/empty", [R(0, 3), R(3), R(3)], lambda x, w, b: F.layer_norm(x, w.shape, w, b))
case("rms_norm/empty", [R(0, 3), R(3)], lambda x, w: x / torch.sqrt(x.square().mean(-1, True) + 1e-5) * w)
case("layer_norm/two axes", [R(2, 3, 4), R(3, 4), R(3, 4)], lambda x, w, b: F.layer_norm(x, w.shape, w, b))
case("layer_norm/equal", [V([[1, 1, 1], [2, -1, 0]]), R(3), R(3)], lambda x, w, b: F.layer_norm(x, w.shape, w, b))
case("rms_norm/two axes", [R(2, 3, 4), R(3, 4)], lambda x, w: x / torch.sqrt(x.square().mean((1, 2), True) + 1e-5) * w)
case("batch_norm/equal", [V([[1, 1], [1, -1], [1, 0]]), R(2), R(2)], batch_norm)


def instance_norm(x, c, weight=None, bias=None, eps=1e-5):
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


for config, (shape, groups) in {"images": ((2, 2, 3, 4), 2), "sequence": ((2, 5, 6), 3), "vectors": ((3, 6), 2),
                                "one group": ((2, 3, 2, 3), 1), "ones": ((1, 2, 1, 4), 4)}.items():
    c = shape[-1]
    case(f"group_norm/{config}", [R(*shape), R(c), R(c)], lambda x, w, b, g=groups: nhwc(F.group_norm(nchw(x), g, w, b)))
    case(f"group_norm plain/{config}", [R(*shape)], lambda x, g=groups: nhwc(F.group_norm(nchw(x), g, eps=0.25)))
    # The gradient of PyTorch's instance_norm for one column is wrong (in 1.13): it takes it for another layout.
    instance = F.group_norm if config == "ones" else instance_norm
    if len(shape) > 2:
        case(f"instance_norm/{config}", [R(*shape), R(c), R(c)], lambda x, w, b, f=instance: nhwc(f(nchw(x), w.numel(), w, b)))
        case(f"instance_norm plain/{config}", [R(*shape)], lambda x, f=instance: nhwc(f(nchw(x), x.shape[-1], eps=0.25)))
for size in (1, 2, 3, 5):
    for config, shape in {"images": (2, 2, 1, 5), "rows": (2, 3, 4), "wide": (2, 1, 17), "one channel": (2, 3, 1)}.items():
        case(f"local_response_norm {size}/{config}", [R(*shape)],
             lambda x, s=size: nhwc(F.local_response_norm(nchw(x), s, alpha=0.5, beta=0.75, k=2)))
case("local_response_norm defaults/images", [R(2, 2, 1, 5)], lambda x: nhwc(F.local_response_norm(nchw(x), 5)))
for p in (1, 2):
    case(f"normalize p={p}/last", [R(3, 4)], lambda x, p=p: F.normalize(x, p, -1))
    case(f"normalize p={p}/ones", [R(2, 1)], lambda x, p=p: F.normalize(x, p, -1))
    case(f"normalize p={p}/first", [R(3, 2, 2)], lambda x, p=p: F.normalize(x, p, 0))
    case(f"normalize p={p}/below eps", [V([[0.25, -0.125], [3, 4]])], lambda x, p=p: F.normalize(x, p, -1, eps=1.0))
for name, function in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
    for config, (shape, axis) in {"last": ((3, 4), -1), "first": ((3, 4), 0), "middle": ((2, 3, 4), 1), "one": ((3, 1), -1),
                                  "empty": ((0, 3), -1), "wide": ((2, 19), -1)}.items():
        case(f"{name}/{config}", [R(*shape)], lambda x, f=function, a=axis: f(x, a))
    case(f"{name}/extreme", [V([[1e4, -1e4, 9999], [0, -1e4, 1]])], lambda x, f=function: f(x, -1))
    case(f"{name}/infinite", [V([[0, -inf, 1], [-inf, -inf, 2]])], lambda x, f=function: f(x, -1))
case("prelu/number", [R(3, 4), V(0.25)], lambda x, a: F.prelu(x, a.reshape(1)))
case("prelu/channels", [R(2, 3, 2, 4), R(4)], lambda x, a: torch.where(x > 0, x, a * x))
case("prelu/first gradient", [R(2, 3, 2, 4), R(4)], lambda x, a: nhwc(F.prelu(nchw(x), a)), order=1,
     why="PyTorch's derivative of the gradient is 0 for several channels (in 1.13)")
case("prelu/empty", [R(0, 4), R(4)], lambda x, a: torch.where(x > 0, x, a * x))
case("prelu/kink", [V([[0, 1, -1]]), R(3)], F.prelu)


def attention(q, k, v, mask=None, scale=None):
    products = q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        products = products.masked_fill(~mask, -inf)
    return torch.softmax(products, -1) @ v


def causal(q, k):
    return torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()


for config, (q, k, v) in {"plain": ((3, 2), (4, 2), (4, 3)), "heads": ((2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)),
                          "broadcast": ((2, 1, 2, 3), (3, 5, 3), (3, 5, 1)), "one": ((1, 1), (1, 1), (1, 1))}.items():
    name = "scaled_dot_product_attention"
    case(f"{name}/{config}", [R(*q), R(*k), R(*v)], lambda q, k, v: F._scaled_dot_product_attention(q, k, v)[0]
         if q.dim() == k.dim() == 3 else attention(q, k, v))
    case(f"{name} causal/{config}", [R(*q), R(*k), R(*v)], lambda q, k, v: attention(q, k, v, causal(q, k)))
    case(f"{name} scale/{config}", [R(*q), R(*k), R(*v)], lambda q, k, v: attention(q, k, v, scale=0.5))
case("scaled_dot_product_attention/torch's own", [R(2, 3, 4), R(2, 5, 4), R(2, 5, 4)],
     lambda q, k, v: F._scaled_dot_product_attention(q, k, v)[0])
case("scaled_dot_product_attention mask/plain", [R(3, 2), R(4, 2), R(4, 3), V([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, 1, 1]])],
     lambda q, k, v, m: attention(q, k, v, m > 0), [3])

for config, (shape, hidden) in {"plain": ((2, 3), 4), "one": ((1, 1), 1), "empty": ((0, 3), 2)}.items():
    n, inputs = shape
    for name, gates, cell in (("lstm_cell", 4, torch.lstm_cell), ("gru_cell", 3, torch.gru_cell)):
        weights = [R(gates * hidden, inputs), R(gates * hidden, hidden)]
        biases = [R(gates * hidden), R(gates * hidden)]
        if name == "lstm_cell":
            case(f"{name}/{config}", [R(n, inputs), R(n, hidden), R(n, hidden), *weights, *biases],
                 lambda x, h, c, *w, f=cell: f(x, (h, c), *w))
            case(f"{name} plain/{config}", [R(n, inputs), R(n, hidden), R(n, hidden), *weights],
                 lambda x, h, c, *w, f=cell: f(x, (h, c), *w))
        else:
            case(f"{name}/{config}", [R(n, inputs), R(n, hidden), *weights, *biases], cell)
            case(f"{name} plain/{config}", [R(n, inputs), R(n, hidden), *weights], cell)
