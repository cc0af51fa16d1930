#!/usr/bin/env python3
"""Has a browser without a window open the page of a graph of 2503 operations, and that of one of 25 003, and looks at what its script
made of them. Says how many milliseconds after the page was asked for it was drawn, which is judged by nobody.

usage: graph_page.py PROGRAM      that of draw_graph.cpp, which writes the pages; skipped where Chromium is not installed
The last line is "N passed, N failed"."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not browser:
    print("skipped: there is no Chromium here (Debian: apt-get install chromium)")
    sys.exit(77)

passed = failed = 0


def check(holds, text):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print("failed:", text)


with tempfile.TemporaryDirectory() as folder:
    run = subprocess.run([sys.argv[1], "--no-intro", "--test-case=of 2503 operations*"], env={**os.environ, "XGRAD_PAGES": folder}, capture_output=True, text=True)
    check(run.returncode == 0, run.stdout)
    pages = sorted(pathlib.Path(folder).glob("*.html"), key=lambda page: int(page.stem))
    check(len(pages) == 2, f"{len(pages)} pages were written; there must be 2")
    for page in pages:
        try:
            run = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                  f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--run-all-compositor-stages-before-draw",
                                  "--virtual-time-budget=20000", "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=100)
        except subprocess.TimeoutExpired:
            check(False, f"{page.name}: the browser has not ended within 100 s")
            continue
        dom = run.stdout
        ready = re.search(r'<html[^>]*data-ready="(\d+)"', dom)
        check(ready, f"{page.name}: the script has not come to its end")
        check("Uncaught" not in run.stderr, f"{page.name}: {run.stderr[-2000:]}")
        boxes = len(re.findall(r"<rect\b", dom))
        check(boxes >= 3, f"{page.name}: {boxes} boxes are drawn")
        print(f"{page.stem} operations: {boxes} boxes, drawn {ready[1] if ready else '?'} ms after it was asked for; {page.stat().st_size / 1e6:.1f} MB")

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
