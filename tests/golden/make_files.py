#!/usr/bin/env python3
"""Writes files/numpy.npz and files/numpy-deflated.npz, for tests/npz.cpp, with NumPy (Debian: python3-numpy).

usage: make_files.py
"""
from pathlib import Path

import numpy as np

folder = Path(__file__).resolve().parent / "files"
folder.mkdir(exist_ok=True)
# Each has 0 … 5 in (2, 3), but for the bools.
numbers = np.arange(6).reshape(2, 3)
arrays = {kind: numbers.astype(kind) for kind in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()}
arrays |= {kind + "_big": numbers.astype(">" + kind) for kind in "i2 i8 u4 f2 f4 f8".split()}
arrays |= {
    "b1": numbers % 2 == 1,
    "fortran": np.asfortranarray(numbers.astype("f4")),
    "fortran_big": np.asfortranarray(numbers.astype(">f8")),
    "scalar": np.float64(7),
    "nothing": np.zeros((0, 3), "f4"),
    "cube": np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype("i2")),
    "special": np.array([np.inf, -np.inf, np.nan, -0.0, 65504, 6e-8, 6.1e-5], "f2"),
    "größe": np.float32(3),
}
np.savez(folder / "numpy.npz", **arrays)
np.savez_compressed(folder / "numpy-deflated.npz", **arrays)
