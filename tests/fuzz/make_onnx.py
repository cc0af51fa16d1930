#!/usr/bin/env python3
"""Writes the first inputs of the fuzzer for ONNX files, small networks with all that its reader looks at: corpus/onnx/."""
import struct
from pathlib import Path


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(*fields):
    """Fields are pairs of number and value: an integer, a float, text, or a message as bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def tensor(name, kind, dims, *fields):
    return message(*((1, d) for d in dims), (2, kind), (8, name), *fields)


def floats(name, dims, values):
    return tensor(name, 1, dims, (9, struct.pack(f"<{len(values)}f", *values)))


def node(op, inputs, outputs, *attributes):
    return message(*((1, i) for i in inputs), *((2, o) for o in outputs), (3, op.lower()), (4, op), *((5, a) for a in attributes))


def port(name, dims, kind=1):
    shape = message(*((1, message((2, "n")) if d is None else message((1, d))) for d in dims))
    return message((1, name), (2, message((1, message((1, kind), (2, shape))))))


def model(nodes, initialisers, inputs, outputs, opset=17):
    graph = message(*((1, n) for n in nodes), (2, "graph"), *((5, t) for t in initialisers), *((11, p) for p in inputs), *((12, p) for p in outputs))
    return message((1, 8), (2, "xgrad"), (7, graph), (8, message((1, ""), (2, opset))))


files = {
    "layers": model(
        [node("Gemm", ["x", "w", "b"], ["a"], message((1, "alpha"), (2, 0.5), (20, 1)), message((1, "transB"), (3, 1), (20, 2))),
         node("Relu", ["a"], ["y"])],
        [floats("w", [2, 3], [1, 2, 3, 4, 5, 6]), tensor("b", 1, [2], (4, struct.pack("<2f", 1, 2)))],
        [port("x", [None, 3])], [port("y", [None, 2])]),
    "image": model(
        [node("Conv", ["x", "w"], ["c"], message((1, "pads"), (8, 1), (8, 1), (8, 1), (8, 1), (20, 7)),
              message((1, "auto_pad"), (4, "NOTSET"), (20, 3))),
         node("Constant", [], ["to"], message((1, "value"), (5, tensor("", 7, [2], (7, varint(1) + varint(-1)))), (20, 4))),
         node("Reshape", ["c", "to"], ["y"])],
        [tensor("w", 11, [1, 1, 1, 1], (10, struct.pack("<d", 2)))], [port("x", [1, 1, 2, 2])], [port("y", [1, 4])], 13),
    "elsewhere": model(
        [node("Add", ["x", "w"], ["y"])],
        [tensor("w", 6, [1], (13, message((1, "location"), (2, "w.bin"))), (13, message((1, "offset"), (2, "0"))), (14, 1))],
        [port("x", [1], 6)], [port("y", [1], 6)]),
    "tensor": floats("t", [2], [1, 2]),
}
folder = Path(__file__).parent / "corpus" / "onnx"
folder.mkdir(parents=True, exist_ok=True)
for name, contents in files.items():
    (folder / name).write_bytes(contents)
