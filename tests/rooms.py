#!/usr/bin/env python3
"""Checks who includes whom: a room (directory) may include only itself and the rooms above it. Operations make arrays by make_array. The
version in packaging/ is that of core/api.hpp.

usage: rooms.py PROJECT_ROOT
"""
import re
import sys
from pathlib import Path

ROOMS = ["core", "kernels", "formula", "graph", "ops", "autodiff", "state", "nn", "optim", "data", "onnx", "mpi", "profile", "draw", "config", "testing"]  # top to bottom
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# An array that is made without make_array: Array<T> x(shape), Labels(shape), from_shape, xt::zeros<T>(shape). Not the declaration of
# a function, whose first parameter is a type and a name, and not what is made of an array (*x, std::move(x)).
MADE = re.compile(r"\b(?:Array<[^<>;]*>|Labels|Mask)(?:\s+\w+)?\s*\((?!\s*(?:const\b|\)|[\w:<>]+[&*]*\s+\w|\*|std::move))"
                  r"|::from_shape\b|\bxt::(?:empty|zeros|ones|full)\w*<|\bxt::\w+_like\(")

root = Path(sys.argv[1]).resolve()
public, private = root / "include", root / "src"
everything = public / "xgrad" / "xgrad.hpp"
problems = []


def check(good, message):
    if not good:
        problems.append(message)


def includes(file):
    """What a file includes: a path inside the project where there is one, else the name as written."""
    for name in INCLUDE.findall(file.read_text(encoding="utf-8")):
        candidates = [public / name, private / name, file.parent / name]
        yield next((c.resolve() for c in candidates if c.is_file()), name)


def place(file):
    """("public", "nn") for include/xgrad/nn/init.hpp, ("private", "nn") for src/nn/init.cpp; no room for xgrad.hpp."""
    for kind, top in (("public", public / "xgrad"), ("private", private)):
        if file.is_relative_to(top):
            parts = file.relative_to(top).parts
            return kind, parts[0] if len(parts) > 1 else None
    return None, None


def reachable(file):
    seen, todo = set(), [file]
    while todo:
        for included in includes(todo.pop()):
            if included not in seen:
                seen.add(included)
                if isinstance(included, Path):
                    todo.append(included)
    return seen


def files(top):
    return sorted(f.resolve() for f in top.rglob("*") if f.suffix in (".hpp", ".cpp"))


checked = files(public) + [f for f in files(private) if f.parent.name != "pch"]
failed, blas_users = 0, []
for file in checked:
    before = len(problems)
    if any(str(included).startswith("xtensor-blas/") for included in includes(file)):
        blas_users.append(file)
        check(len(blas_users) == 1 and file.suffix == ".cpp",
              f"{file.relative_to(root)} includes xtensor-blas: one .cpp does, {blas_users[0].relative_to(root)}")
    kind, room = place(file)
    name = file.relative_to(root)
    if file == everything:
        order = [place(i)[1] for i in includes(file) if isinstance(i, Path) and place(i)[1]]
        check(order == sorted(order, key=ROOMS.index), f"xgrad.hpp does not include the rooms in order: {order}")
        seen = reachable(file)
        for other in files(public):
            check(other == file or other in seen or place(other)[1] in ("onnx", "mpi"), f"{other.relative_to(root)}: xgrad.hpp, which stands for everything, lacks it")
        failed += len(problems) > before
        continue
    check(room in ROOMS, f"{name}: is in no room")
    for included in includes(file):
        if not isinstance(included, Path):
            continue
        other_kind, other = place(included)
        what = f"{name} includes {included.relative_to(root)}"
        check(included != everything, f"{what}: inside the library, include what is used")
        check(kind == "private" or other_kind == "public", f"{what}: a public header cannot include a private one")
        if room in ROOMS and other in ROOMS:
            check(ROOMS.index(other) <= ROOMS.index(room), f"{what}: {other} is below {room}")
    if room == "ops":
        text = file.read_text(encoding="utf-8")
        for made in MADE.finditer(text):
            line = text.count("\n", 0, made.start()) + 1
            check(False, f"{name}:{line} makes an array by {made.group()}: make_array does, which checks the size first")
    if room == "kernels":
        for included in reachable(file):
            inside = isinstance(included, Path)
            foreign = place(included)[1] if inside else included.split("/")[0]
            check(foreign not in [*ROOMS[2:], "xtensor", "xtl"],
                  f"{name} includes {included.relative_to(root) if inside else included}, at least indirectly: "
                  "a kernel sees pointers and sizes, no graph and no xtensor")
    failed += len(problems) > before

version = ".".join(re.findall(r"#define XGRAD_VERSION_\w+ (\d+)", (public / "xgrad/core/api.hpp").read_text()))
ported = re.search(r'"version-semver": "([^"]*)"', (root / "packaging/vcpkg/vcpkg.json").read_text())[1]
check(ported == version, f"packaging/vcpkg/vcpkg.json says version {ported}; it must be {version}, as include/xgrad/core/api.hpp has it")
failed += ported != version
checked.append(root / "packaging/vcpkg/vcpkg.json")

print(*problems, sep="\n", end="\n" if problems else "")
print(f"{len(checked) - failed} passed, {failed} failed")
sys.exit(bool(failed or not checked))
