#!/usr/bin/env python3
"""Adds up what the tests themselves counted and prints "N passed, N failed" as the last line.

usage: count.py TESTLOG CODE    the testlog.json that `meson test` writes, and its exit code

A test's own totals are doctest's "test cases:" lines or a line "N passed, N failed". A test without any, such as an example
program, counts as one. A test that failed without saying so (a crash, a timeout) counts as one failure more, and so does
`meson test` itself (the build failed). The exit code is 1 when anything failed or nothing ran.
"""
import json
import re
import sys

TOTALS = re.compile(
    r"^(?:\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed|(\d+) passed, (\d+) failed$)", re.MULTILINE
)


def count(entry):
    found = TOTALS.findall(re.sub(r"\x1b\[[\d;]*m", "", entry.get("stdout", "")))
    passed = sum(int(a or c) for a, _, c, _ in found)
    failed = sum(int(b or d) for _, b, _, d in found)
    if entry["result"] == "SKIP":
        return 0, 0
    if entry["result"] != "OK":
        return passed, max(failed, 1)
    return (passed, failed) if found else (1, 0)


def main(log, code):
    try:
        with open(log, encoding="utf-8") as lines:
            counts = [count(json.loads(line)) for line in lines]
    except FileNotFoundError:
        counts = []
    passed = sum(p for p, _ in counts)
    failed = sum(f for _, f in counts)
    if code != "0" and not failed:
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
