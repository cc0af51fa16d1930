#!/usr/bin/env python3
"""Compiles and runs every C++ block of README.md and docs/*.md that has a main(); compiles the others that include a header.

The blocks of a page run one after the other in a folder of the page's own. So one may read what another has written: a page with blocks
of Python runs as a whole where Python has what these import, and is only compiled elsewhere.

usage: readme.py ROOT BUILD COMPILER...
The last line is "N passed, N failed"."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def pkg_config(what):
    return subprocess.run(["pkg-config", what, "xtensor", "fmt"], capture_output=True, text=True, check=True).stdout.split()


root, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
cflags, libs = pkg_config("--cflags"), pkg_config("--libs")
library = build.resolve() / "src"
passed = failed = 0


def python_with(modules):
    for name in filter(shutil.which, ("python3", "/usr/bin/python3")):
        if subprocess.run([name, "-c", "\n".join(f"import {m}" for m in sorted(modules))], capture_output=True).returncode == 0:
            return name
    return None


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    blocks = re.findall(r"^```(cpp|python)\n(.*?)^```", page.read_text(), re.S | re.M)
    modules = {name for language, block in blocks if language == "python" for name in re.findall(r"^import (\w+)", block, re.M)}
    python = python_with(modules)
    if not python:
        print(f"{page.name}: not run but compiled: no python3 with {', '.join(sorted(modules))} here")
    with tempfile.TemporaryDirectory() as folder:
        for number, (language, block) in enumerate(blocks, 1):
            if language == "python":
                if not python:
                    continue
                result = run([python, "-c", block], folder)
            else:
                if "#include" not in block:
                    continue
                runs = "int main(" in block
                source, program = pathlib.Path(folder) / "program.cpp", pathlib.Path(folder) / "program"
                source.write_text(block)
                command = [*compiler, "-std=c++20", "-Wall", "-Wextra", "-O1", f"-I{root / 'include'}", *cflags, str(source)]
                command += ["-o", str(program), f"-L{library}", f"-Wl,-rpath,{library}", "-lxgrad", *libs] if runs else ["-fsyntax-only"]
                result = run(command, folder)
                if result.returncode == 0 and runs and python:
                    result = run([str(program)], folder)
            if result.returncode or "warning:" in result.stderr:
                failed += 1
                print(f"{page.name}: block {number}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
            else:
                passed += 1
                print(f"{page.name}: block {number}: {result.stdout.strip() or 'compiles'}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
