"""Convolution, pooling, interpolation."""
import torch
import torch.nn.functional as F

from .case import R, V, case, inf, nan, nchw, nhwc


def padded(x, sides, value=0):
    """N×C×H×W with top, bottom, left, right."""
    top, bottom, left, right = sides
    return F.pad(x, (left, right, top, bottom), value=value)


def conv2d(x, w, b=None, padding=(0, 0, 0, 0), **options):
    return nhwc(F.conv2d(padded(nchw(x), padding), nchw(w), b, **options))


# config: images, weights, options
CONVOLUTIONS = {
    "plain": ((2, 5, 4, 3), (2, 3, 2, 3), {}),
    "pointwise": ((2, 3, 2, 3), (4, 1, 1, 3), {}),
    "stride": ((1, 5, 7, 2), (3, 3, 3, 2), {"stride": 2}),
    "stride by axis": ((1, 5, 6, 1), (2, 2, 3, 1), {"stride": (3, 1)}),
    "padding": ((2, 3, 4, 2), (2, 3, 3, 2), {"padding": (1, 1, 1, 1)}),
    "padding per side": ((1, 3, 4, 2), (2, 2, 3, 2), {"padding": (0, 2, 1, 3), "stride": (2, 1)}),
    "dilation": ((1, 6, 5, 2), (2, 3, 2, 2), {"dilation": (2, 3)}),
    "groups": ((2, 4, 3, 4), (6, 2, 2, 2), {"groups": 2}),
    "depthwise": ((2, 4, 5, 3), (3, 3, 3, 1), {"groups": 3, "padding": (1, 1, 1, 1)}),
    "depthwise stride": ((1, 5, 5, 2), (4, 3, 2, 1), {"groups": 2, "stride": 2, "dilation": (1, 2), "padding": (1, 0, 2, 1)}),
    "depthwise wide": ((1, 3, 4, 17), (17, 2, 2, 1), {"groups": 17}),
    "everything": ((2, 7, 6, 4), (2, 2, 3, 2), {"groups": 2, "stride": (2, 1), "dilation": (1, 2), "padding": (1, 0, 0, 2)}),
    "whole image": ((3, 2, 3, 2), (2, 2, 3, 2), {}),
    "ones": ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    "no images": ((0, 4, 4, 2), (3, 2, 2, 2), {}),
}
for config, (x, w, options) in CONVOLUTIONS.items():
    case(f"conv2d/{config}", [R(*x), R(*w)], lambda x, w, o=options: conv2d(x, w, **o))
    case(f"conv2d bias/{config}", [R(*x), R(*w), R(w[0])], lambda x, w, b, o=options: conv2d(x, w, b, **o))
    y = conv2d(torch.zeros(x), torch.zeros(w), **options).shape
    if x[0] == 0:
        continue

    def gradient(of, options, shape):
        """conv2d's gradient for its images or its weights, as a function of the output's gradient and the other one."""
        def run(a, b):
            g, w = (a, b) if of == "input" else (b, torch.zeros(shape, requires_grad=True))
            x = torch.zeros(shape, requires_grad=True) if of == "input" else a
            return torch.autograd.grad(conv2d(x, w, **options), x if of == "input" else w, g, create_graph=True)[0]
        return run

    case(f"conv2d_input_grad/{config}", [R(*y), R(*w)], gradient("input", options, x))
    case(f"conv2d_weight_grad/{config}", [R(*x), R(*y)], gradient("weight", options, w))


def conv1d(x, w, b=None, padding=(0, 0), **options):
    return nhwc(F.conv1d(F.pad(nchw(x), padding), nchw(w), b, **options))


for config, (x, w, options) in {
        "plain": ((2, 6, 3), (4, 3, 3), {}),
        "options": ((1, 8, 4), (2, 3, 2), {"stride": 2, "padding": (1, 2), "dilation": 2, "groups": 2}),
        "ones": ((1, 1, 1), (1, 1, 1), {})}.items():
    case(f"conv1d/{config}", [R(*x), R(*w)], lambda x, w, o=options: conv1d(x, w, **o))
    case(f"conv1d bias/{config}", [R(*x), R(*w), R(w[0])], lambda x, w, b, o=options: conv1d(x, w, b, **o))


def conv_transpose2d(x, w, b=None, padding=(0, 0, 0, 0), **options):
    """w is (c, kh, kw, o / groups). Padding is cut from the result."""
    y = F.conv_transpose2d(nchw(x), nchw(w), None, **options)
    top, bottom, left, right = padding
    y = nhwc(y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right])
    return y if b is None else y + b


for config, (x, w, options) in {
        "plain": ((2, 3, 2, 3), (3, 2, 3, 2), {}),
        "stride": ((1, 2, 3, 2), (2, 3, 3, 3), {"stride": 2, "padding": (1, 1, 1, 1), "output_padding": 1}),
        "padding per side": ((1, 3, 2, 1), (1, 3, 3, 2), {"stride": (2, 3), "padding": (0, 2, 1, 0)}),
        "dilation": ((1, 2, 2, 2), (2, 2, 2, 1), {"dilation": (2, 3)}),
        "groups": ((1, 2, 3, 4), (4, 2, 2, 3), {"groups": 2, "stride": 2}),
        "depthwise": ((2, 3, 2, 3), (3, 3, 3, 1), {"groups": 3}),
        "ones": ((1, 1, 1, 1), (1, 1, 1, 1), {})}.items():
    case(f"conv_transpose2d/{config}", [R(*x), R(*w)], lambda x, w, o=options: conv_transpose2d(x, w, **o))
    outputs = w[3] * options.get("groups", 1)
    case(f"conv_transpose2d bias/{config}", [R(*x), R(*w), R(outputs)], lambda x, w, b, o=options: conv_transpose2d(x, w, b, **o))


def im2col(x, size, padding=(0, 0, 0, 0), **options):
    c = x.shape[3]
    rows = F.unfold(padded(nchw(x), padding), size, **options)  # (n, c·kh·kw, oh·ow)
    n, _, places = rows.shape
    return rows.reshape(n, c, size[0] * size[1], places).permute(0, 3, 2, 1).reshape(n * places, -1)


def col2im(columns, shape, size, padding=(0, 0, 0, 0), **options):
    n, h, w, c = shape
    top, bottom, left, right = padding
    rows = columns.reshape(n, -1, size[0] * size[1], c).permute(0, 3, 2, 1).reshape(n, c * size[0] * size[1], -1)
    images = F.fold(rows, (h + top + bottom, w + left + right), size, **options)
    return nhwc(images[:, :, top:top + h, left:left + w])


for config, (shape, size, options) in {
        "plain": ((2, 3, 4, 2), (2, 3), {}),
        "options": ((1, 5, 4, 2), (2, 2), {"stride": (2, 1), "padding": (1, 0, 2, 1), "dilation": (1, 2)}),
        "ones": ((1, 1, 1, 1), (1, 1), {})}.items():
    case(f"im2col/{config}", [R(*shape)], lambda x, s=size, o=options: im2col(x, s, **o))
    columns = im2col(torch.zeros(shape), size, **options).shape
    case(f"col2im/{config}", [R(*columns)], lambda x, a=shape, s=size, o=options: col2im(x, a, s, **o))


def max_pool(x, size, padding=(0, 0, 0, 0), **options):
    return nhwc(F.max_pool2d(padded(nchw(x), padding, -inf), size, **options))


def avg_pool(x, size, **options):
    return nhwc(F.avg_pool2d(nchw(x), size, **options))


POOLS = {
    "plain": ((2, 4, 6, 2), (2, 3), {}),
    "stride": ((1, 5, 5, 2), (3, 2), {"stride": (1, 2)}),
    "padding": ((1, 4, 5, 2), (3, 3), {"stride": 2, "padding": 1}),
    "ceil": ((1, 5, 4, 1), (2, 3), {"stride": 2, "ceil_mode": True}),
    "ceil and padding": ((2, 5, 6, 1), (3, 3), {"stride": 2, "padding": (1, 0), "ceil_mode": True}),
    "gaps": ((1, 5, 6, 1), (1, 2), {"stride": 3}),
    "ones": ((1, 1, 1, 1), (1, 1), {}),
    "whole image": ((2, 3, 4, 2), (3, 4), {}),
    "channels": ((1, 3, 5, 17), (2, 2), {"stride": 1, "padding": 1}),
    "no images": ((0, 4, 4, 2), (2, 2), {}),
}
TIES = V([[[[1], [1], [0], [2]], [[1], [1], [2], [2]], [[-1], [3], [0], [0]], [[3], [-1], [0], [0]]]])
NANS = V([[[[nan], [1], [0], [2]], [[3], [nan], [2], [2]], [[-inf], [-inf], [inf], [0]], [[-inf], [-inf], [nan], [inf]]]])
for config, (shape, size, options) in POOLS.items():
    def maximum(x, s=size, o=options):
        return nhwc(F.max_pool2d(nchw(x), s, **o))

    case(f"max_pool2d/{config}", [R(*shape)], maximum)
    case(f"min_pool2d/{config}", [R(*shape)], lambda x, f=maximum: -f(-x))
    case(f"avg_pool2d/{config}", [R(*shape)], lambda x, s=size, o=options: avg_pool(x, s, **o))
    if "padding" in options:
        case(f"avg_pool2d/{config} not counted", [R(*shape)],
             lambda x, s=size, o=options: avg_pool(x, s, count_include_pad=False, **o))
SIDES = (0, 1, 1, 2)
case("max_pool2d/padding per side", [R(1, 4, 3, 2)], lambda x: max_pool(x, (2, 3), SIDES, stride=(1, 2)))
case("min_pool2d/padding per side", [R(1, 4, 3, 2)], lambda x: -max_pool(-x, (2, 3), SIDES, stride=(1, 2)))
case("avg_pool2d/padding per side", [R(1, 4, 3, 2)], lambda x: nhwc(F.avg_pool2d(padded(nchw(x), SIDES), (2, 3), (1, 2))))
case("avg_pool2d/padding per side not counted", [R(1, 4, 3, 2)], lambda x: nhwc(
    F.avg_pool2d(padded(nchw(x), SIDES), (2, 3), (1, 2)) / F.avg_pool2d(padded(nchw(torch.ones_like(x)), SIDES), (2, 3), (1, 2))))
LAST = {"order": 0, "why": "of several NaNs the first is taken, PyTorch's last"}
for config, x, no in (("ties", TIES, {}), ("nan", NANS, LAST)):
    case(f"max_pool2d/{config}", [x], lambda x: max_pool(x, 2), **no)
    case(f"min_pool2d/{config}", [x], lambda x: -max_pool(-x, 2), **no)
case("global_avg_pool2d/plain", [R(2, 3, 4, 2)], lambda x: x.mean((1, 2)))
case("global_avg_pool2d/ones", [R(2, 1, 1, 3)], lambda x: F.adaptive_avg_pool2d(nchw(x), 1)[:, :, 0, 0])
for config, (shape, size) in {"even": ((2, 4, 6, 2), (2, 3)), "odd": ((1, 5, 7, 2), (3, 4)), "more": ((1, 2, 3, 1), (3, 5)),
                              "one": ((2, 3, 2, 2), (1, 1)), "same": ((1, 2, 2, 1), (2, 2))}.items():
    case(f"adaptive_avg_pool2d/{config}", [R(*shape)], lambda x, s=size: nhwc(F.adaptive_avg_pool2d(nchw(x), s)))
    case(f"adaptive_max_pool2d/{config}", [R(*shape)], lambda x, s=size: nhwc(F.adaptive_max_pool2d(nchw(x), s)))
for config, (shape, size) in {"larger": ((2, 2, 3, 2), (4, 5)), "smaller": ((1, 5, 6, 1), (2, 4)), "mixed": ((1, 3, 5, 2), (7, 2)),
                              "one": ((1, 3, 2, 1), (1, 1)), "from one": ((2, 1, 1, 2), (2, 3)),
                              "channels": ((1, 2, 2, 17), (3, 2))}.items():
    case(f"interpolate nearest/{config}", [R(*shape)], lambda x, s=size: nhwc(F.interpolate(nchw(x), s)))
    for corners in (False, True):
        case(f"interpolate bilinear{' corners' if corners else ''}/{config}", [R(*shape)],
             lambda x, s=size, c=corners: nhwc(F.interpolate(nchw(x), s, mode="bilinear", align_corners=c)))
