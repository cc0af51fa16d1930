#!/usr/bin/env python3
"""Compiles and runs every C++ block of README.md and of the pages in docs/.

A block is a whole program. One of lines that stand in a file of examples/ or models/, in this order, is not compiled again; "…" stands
for those left out.

All others share one precompiled header and are compiled side by side. The blocks of a page run one after the other in a folder of the
page's own, so that one may read what another has written; pages run side by side. A page with blocks of Python runs as a whole where Python
has what these import, and is only compiled elsewhere.

usage: readme.py ROOT BUILD COMPILER...
The last line is "N passed, N failed"."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(cpp|python)([^\n]*)\n(.*?)^```", re.S | re.M)
# A header of a library beside xgrad: what it is linked with.
LIBRARIES = {"<xgrad/onnx/": "xgrad-onnx", "<xgrad/mpi/": "xgrad-mpi"}
SHARED = "#include <fmt/core.h>\n#include <xgrad/xgrad.hpp>\n"  # what nearly all blocks begin with

root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
compiler = [word for word in sys.argv[3:] if not word.endswith("ccache")]  # no cache could know what is new here
library = build / "src"
is_clang = "clang" in subprocess.run([*compiler, "--version"], capture_output=True, text=True).stdout


def pkg_config(what):
    return subprocess.run(["pkg-config", what, "xtensor", "fmt"], capture_output=True, text=True, check=True).stdout.split()


def lines_of(code):
    return [line for line in map(str.strip, code.splitlines()) if line and line.strip("/ ") not in ("…", "...")]


def is_part(block):
    """Whether all lines of a block stand in one file of the project, in its order."""
    lines = lines_of(block)
    return any(all(line in rest for line in lines) for rest in map(iter, files))


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def python_with(modules):
    for name in filter(shutil.which, ("python3", "/usr/bin/python3")):
        if run([name, "-c", "\n".join(f"import {m}" for m in sorted(modules))], None).returncode == 0:
            return name
    return None


def missing(block):
    """What a block needs and this build lacks."""
    if "image_folder" in block and "#define XGRAD_PNG" not in (library / "features.hpp").read_text():
        return "libpng"
    return next((lib for header, lib in LIBRARIES.items() if header in block and not (library / f"lib{lib}.so").exists()), None)


class Block:
    def __init__(self, page, number, language, mark, code):
        self.page, self.number, self.language, self.code = page, number, language, code
        self.name = f"{page.relative_to(root)}: block {number}"
        self.failure = self.note = None
        if mark.strip():
            self.failure = f"is marked {mark.strip()}; it must not be marked"
        elif language == "cpp" and is_part(code):
            self.note = "lines of a file"
        elif language == "cpp" and "int main(" not in code:
            self.failure = "has no main(); it must be a whole program, or lines of one in examples/ or models/"
        elif language == "cpp" and (what := missing(code)):
            self.note = f"not compiled: there is no {what} here"
        self.runs = not self.failure and not self.note

    def check(self, result):
        if result.returncode or "warning:" in result.stderr:
            self.failure = f"exit code {result.returncode}\n{result.stdout}{result.stderr}"
        return not self.failure

    def compile(self):
        if not self.runs or self.language != "cpp":
            return
        self.program = work / re.sub(r"\W+", "-", self.name)
        source = self.program.with_suffix(".cpp")
        source.write_text(self.code)
        libraries = [f"-l{lib}" for header, lib in LIBRARIES.items() if header in self.code]
        self.check(run([*compiler, *flags, *shared, str(source), "-o", str(self.program), f"-L{library}", f"-Wl,-rpath,{library}",
                        *libraries, "-lxgrad", *pkg_config("--libs")], work))


def run_page(blocks):
    """The blocks of one page, until one fails: later ones may need what it should have left."""
    modules = {name for b in blocks if b.language == "python" for name in re.findall(r"^import (\w+)", b.code, re.M)}
    python = python_with(modules) if modules else None
    with tempfile.TemporaryDirectory() as folder:
        for b in blocks:
            if not b.runs or b.failure:
                continue
            if modules and not python:
                b.note = f"not run: no python3 with {', '.join(sorted(modules))} here"
                continue
            result = run([python, "-c", b.code] if b.language == "python" else [str(b.program)], folder)
            if not b.check(result):
                return
            b.note = result.stdout.strip() or "runs"


files = [lines_of(f.read_text()) for top in ("examples", "models") for f in sorted((root / top).rglob("*.?pp"))]
pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
by_page = [[Block(page, n, *found) for n, found in enumerate(BLOCK.findall(page.read_text()), 1)] for page in pages]
blocks = [block for page in by_page for block in page]
flags = ["-std=c++20", "-Wall", "-Wextra", "-O0", f"-I{root / 'include'}", f"-I{root / 'models'}", f"-I{root}", *pkg_config("--cflags")]
os.environ.setdefault("OMP_NUM_THREADS", "2")
with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    work = pathlib.Path(work)
    (work / "shared.hpp").write_text(SHARED)
    header = run([*compiler, *flags, "-x", "c++-header", "shared.hpp", "-o", "shared.hpp." + ("pch" if is_clang else "gch")], work)
    shared = ["-include", "shared.hpp"] if header.returncode == 0 else []
    list(pool.map(Block.compile, blocks))
    list(pool.map(run_page, by_page))

for block in blocks:
    print(f"{block.name}: {'FAILED: ' + block.failure if block.failure else block.note or 'not run, since one before failed'}")
failed = sum(block.failure is not None for block in blocks)
print(f"{len(blocks) - failed} passed, {failed} failed")
sys.exit(failed > 0 or not blocks)
