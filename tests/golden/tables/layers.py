"""Layers over sequences: recurrent ones, attention, a transformer's layer."""
import torch
import torch.nn.functional as F
from torch.nn.utils import rnn
from torch.nn.utils.stateless import functional_call

from .case import R, V, case


def weights(gates, inputs, hidden, layers, directions):
    """In PyTorch's order."""
    shapes = []
    for layer in range(layers):
        for _ in range(directions):
            wide = inputs if layer == 0 else directions * hidden
            shapes += [(gates * hidden, wide), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
    return [R(*shape) for shape in shapes]


def recurrent(function, x, states, flat, layers, directions, lengths=None):
    """The output and the last states."""
    options = (True, layers, 0.0, True, directions == 2)
    if lengths is None:
        return function(x, states[0] if len(states) == 1 else states, flat, *options, True)
    packed = rnn.pack_padded_sequence(x, lengths.to(torch.int64), batch_first=True, enforce_sorted=False)
    states = [s.index_select(1, packed.sorted_indices) for s in states]
    y, *last = function(packed.data, packed.batch_sizes, states[0] if len(states) == 1 else states, flat, *options)
    y = rnn.PackedSequence(y, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    y, _ = rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    return [y] + [s.index_select(1, packed.unsorted_indices) for s in last]


for name, gates, function in (("LSTM", 4, torch._VF.lstm), ("GRU", 3, torch._VF.gru)):
    kinds = 2 if gates == 4 else 1
    for config, (n, length, inputs, hidden, layers, directions) in {
            "one": (2, 3, 2, 2, 1, 1), "deep": (2, 3, 2, 2, 2, 1), "both": (2, 3, 3, 2, 1, 2), "deep both": (2, 2, 2, 1, 2, 2)}.items():
        states = [R(layers * directions, n, hidden)] * kinds
        flat = weights(gates, inputs, hidden, layers, directions)
        case(f"{name}/{config}", [R(n, length, inputs), *states, *flat],
             lambda x, *w, f=function, k=kinds, a=layers, b=directions: recurrent(f, x, list(w[:k]), list(w[k:]), a, b))
    states = [R(4, 3, 2)] * kinds
    flat = weights(gates, 2, 2, 2, 2)
    case(f"{name} lengths/deep both", [R(3, 4, 2), *states, *flat, V([2, 4, 1])],
         lambda x, *w, f=function, k=kinds: recurrent(f, x, list(w[:k]), list(w[k:-1]), 2, 2, w[-1]), [1 + kinds + len(flat)])


def multihead(q, k, v, w, b, out_w, out_b, heads, mask=None, keys=None):
    y, _ = F.multi_head_attention_forward(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), q.shape[-1], heads, w, b, None,
                                          None, False, 0.0, out_w, out_b, True, keys, False, mask)
    return y.transpose(0, 1)


def causal(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


e = 4
parameters = [R(3 * e, e), R(3 * e), R(e, e), R(e)]
for heads in (1, 2):
    name = f"MultiheadAttention heads={heads}"
    case(f"{name}/self", [R(2, 3, e), *parameters], lambda x, *w, h=heads: multihead(x, x, x, *w, h))
    case(f"{name} causal/self", [R(2, 3, e), *parameters], lambda x, *w, h=heads: multihead(x, x, x, *w, h, causal(3)))
    case(f"{name}/other", [R(2, 3, e), R(2, 2, e), R(2, 2, e), *parameters], lambda q, k, v, *w, h=heads: multihead(q, k, v, *w, h))
    case(f"{name} lengths/other", [R(2, 3, e), R(2, 3, e), R(2, 3, e), *parameters, V([1, 3])],
         lambda q, k, v, *w, h=heads: multihead(q, k, v, *w[:-1], h, None, torch.arange(3)[None] >= w[-1][:, None]), [7])

for first in (False, True):
    for activation in ("relu", "gelu"):
        layer = torch.nn.TransformerEncoderLayer(e, 2, 3, dropout=0.0, activation=activation, batch_first=True, norm_first=first)
        names = [name for name, _ in layer.named_parameters()]
        shapes = [tuple(p.shape) for p in layer.parameters()]
        case(f"TransformerEncoderLayer {'pre' if first else 'post'} {activation}/plain", [R(2, 3, e), *[R(*s) for s in shapes]],
             lambda x, *w, f=layer, n=names: functional_call(f, dict(zip(n, w)), x))
