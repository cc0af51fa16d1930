#!/usr/bin/env python3
"""Compiles and runs every C++ block of README.md and docs/*.md that has a main(); compiles the others that include a header.

usage: readme.py ROOT BUILD COMPILER...
The last line is "N passed, N failed"."""
import pathlib
import re
import subprocess
import sys
import tempfile


def pkg_config(what):
    return subprocess.run(["pkg-config", what, "xtensor", "fmt"], capture_output=True, text=True, check=True).stdout.split()


root, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
cflags, libs = pkg_config("--cflags"), pkg_config("--libs")
library = build.resolve() / "src"
passed = failed = 0
for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    for number, block in enumerate(re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.S | re.M), 1):
        if "#include" not in block:
            continue
        runs = "int main(" in block
        with tempfile.TemporaryDirectory() as folder:
            source, program = pathlib.Path(folder) / "program.cpp", pathlib.Path(folder) / "program"
            source.write_text(block)
            command = [*compiler, "-std=c++20", "-Wall", "-Wextra", "-O1", f"-I{root / 'include'}", *cflags, str(source)]
            command += ["-o", str(program), f"-L{library}", f"-Wl,-rpath,{library}", "-lxgrad", *libs] if runs else ["-fsyntax-only"]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode == 0 and runs:
                result = subprocess.run([str(program)], cwd=folder, capture_output=True, text=True)
        if result.returncode or "warning:" in result.stderr:
            failed += 1
            print(f"{page.name}: block {number}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        else:
            passed += 1
            print(f"{page.name}: block {number}: {result.stdout.strip() or 'compiles'}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
