#!/usr/bin/python3
"""Writes files/tensors.pt and files/lenet.pt, for tests/torch_files.cpp, with PyTorch (Debian: python3-torch).

usage: make_torch_files.py
"""
import collections
from pathlib import Path

import torch

folder = Path(__file__).resolve().parent / "files"
numbers = torch.arange(6).reshape(2, 3)
kinds = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16, "i64": torch.int64,
         "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "b": torch.bool}
state = collections.OrderedDict((name, numbers.to(kind)) for name, kind in kinds.items())
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
state["turned"] = base.permute(2, 0, 1)  # of one storage with the next three
state["column"] = base[:, :, 1]
state["part"] = base[1, 1:]
state["repeated"] = base[0, 0, :2].expand(3, 2)
state["parameter"] = torch.nn.Parameter(torch.tensor([1.5, -2.5]))
state["scalar"] = torch.tensor(7.0)
state["nothing"] = torch.zeros(0, 3)
torch.save({"state": state, "epoch": 3, "best": 0.5, "done": True, "note": "hm", "lists": [{"lr": 0.1, "betas": (0.9, 0.99)}], "none": None},
           folder / "tensors.pt")


class Net(torch.nn.Module):
    """A small LeNet, of which every kind of weight has some other order than here."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, 3)
        self.norm = torch.nn.BatchNorm2d(2)
        self.conv2 = torch.nn.Conv2d(2, 3, 2, bias=False)
        self.fc1 = torch.nn.Linear(3 * 2 * 3, 4)
        self.fc2 = torch.nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv1(x)))
        x = torch.relu(self.conv2(torch.max_pool2d(x, 2)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


torch.manual_seed(0)
net = Net()
with torch.no_grad():
    for step in range(3):
        net(torch.randn(8, 1, 8, 10))  # so that the running statistics are some
net.eval()
x = torch.arange(80, dtype=torch.float32).reshape(1, 1, 8, 10) / 40 - 1
torch.save(net.state_dict(), folder / "lenet.pt")
print("logits", [float(v) for v in net(x)[0]])
