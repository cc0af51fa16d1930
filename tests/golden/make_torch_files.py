#!/usr/bin/python3
"""Writes files/tensors.pt, files/lenet.pt and files/layers.pt, for tests/torch_files.cpp and tests/from_torch.cpp, with PyTorch
(Debian: python3-torch).

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


def layer(net, x, run=None):
    """The weights of a layer, what it is given and what it gives; of images with the channels last."""
    net.eval()
    with torch.no_grad():
        y = (run or net)(x)
    return {"net": net.state_dict(), "x": x.permute(0, 2, 3, 1) if x.dim() == 4 else x, "y": y}


torch.manual_seed(1)
images = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, stride=2), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.MaxPool2d(2, 1),
                             torch.nn.Flatten(), torch.nn.Linear(18, 4), torch.nn.BatchNorm1d(4))
with torch.no_grad():
    for step in range(3):
        images(torch.randn(8, 2, 7, 9))
lstm = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
gru = torch.nn.GRU(3, 4, batch_first=True)
attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
encoder = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True)
torch.save({"images": layer(images, torch.randn(2, 2, 7, 9)),
            "lstm": layer(lstm, torch.randn(2, 5, 3), lambda x: lstm(x)[0]),
            "gru": layer(gru, torch.randn(2, 5, 3), lambda x: gru(x)[0]),
            "attention": layer(attention, torch.randn(2, 5, 8), lambda x: attention(x, x, x)[0]),
            "encoder": layer(encoder, torch.randn(2, 5, 8))}, folder / "layers.pt")
