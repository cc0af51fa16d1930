#!/usr/bin/env python3
"""Has scripts/site build the static site, and checks that it is whole: there is a page for each of the guide's, and every link of a page
of the guide leads to a file of the site, and to a heading that is in it. Doxygen's warnings are failures, where it is installed.

usage: site.py      skipped where cmark-gfm is not installed
The last line is "N passed, N failed"."""
import html
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

here = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
links = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("links", here / "links.py"))
spec.loader.exec_module(links)

if not shutil.which("cmark-gfm"):
    print("skipped: cmark-gfm is not installed (Debian: apt-get install cmark-gfm doxygen)")
    sys.exit(77)

passed = failed = 0


def check(holds, text):
    global passed, failed
    passed, failed = passed + holds, failed + (not holds)
    if not holds:
        print("failed:", text)


with tempfile.TemporaryDirectory() as folder:
    site = pathlib.Path(folder)
    run = subprocess.run([here.parent / "scripts" / "site", site], capture_output=True, text=True)
    check(run.returncode == 0, f"scripts/site: {run.stdout}{run.stderr}")
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html") if not page.is_relative_to(site / "api")}
    guide = [page for page in pages if not page.is_relative_to(site / "files")]
    check(len(guide) == len(links.pages), f"{len(guide)} pages of {len(links.pages)}")
    if shutil.which("doxygen"):
        check((site / "api" / "index.html").exists(), "there is no API reference")
    for page, text in pages.items():
        for link in sorted({html.unescape(link) for link in re.findall(r'\b(?:href|src)="([^"]+)"', text)}):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
            there = target.is_file() and (not anchor or target not in pages or f'id="{anchor}"' in pages[target])
            check(there, f"{page.relative_to(site)}: {link}")

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
