#!/usr/bin/env python3
"""Has a browser without a window open the page of a graph of 2503 operations, and that of one of 25 003, and works the first with mouse and
keyboard: opens layers, moves, zooms, searches, points at boxes. Says how many milliseconds after it was asked for a page was drawn (the least
of five times), and how long it took to open all layers, which is judged by nobody.

usage: graph_page.py PROGRAM      that of draw_graph.cpp, which writes the pages; skipped where Chromium is not installed
The last line is "N passed, N failed"."""
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not chromium:
    print("skipped: there is no Chromium here (Debian: apt-get install chromium)")
    sys.exit(77)

passed = failed = 0


def check(holds, text):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print("failed:", text)


class Browser:
    """A browser with one page, spoken to by the DevTools protocol: JSON with a zero byte behind it, through the pipes 3 and 4."""

    def __init__(self, folder):
        reads, self.to = os.pipe()
        self.answers, writes = os.pipe()
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{reads} 4>&{writes}', "-", chromium, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--window-size=1200,900", f"--user-data-dir={folder}/profile", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(reads), os.close(writes)
        self.number, self.rest, self.session, self.complaints = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable"), self.call("Runtime.enable")

    def end(self):
        os.close(self.to)  # with which it ends
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **({"sessionId": self.session} if self.session else {})}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(answer["params"]["exceptionDetails"])[:2000])
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def next(self):
        end = time.monotonic() + 100
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError("the browser has not answered within 100 s")
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self.rest += more
        answer, self.rest = self.rest.split(b"\0", 1)
        return json.loads(answer)

    def value(self, script):
        """What an expression of the page is, or the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def drawn(self):
        """Waits until what was changed has been drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def open(self, page):
        """The milliseconds from asking for a page until it was drawn; none if its script does not come to an end."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.as_uri())
        end = time.monotonic() + 100
        while time.monotonic() < end:
            if ready := self.value("document.documentElement?.dataset.ready"):
                return int(ready)
            if self.complaints:
                break
            time.sleep(0.01)
        return None

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, x, y, to=None):
        """Presses the mouse's button, and lets it go, there or elsewhere."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        if to:
            self.mouse("mouseMoved", *to, button="left", buttons=1)
        self.mouse("mouseReleased", *(to or (x, y)), button="left", clickCount=1)
        self.drawn()

    def key(self, key):
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.drawn()

    def middle(self, selector):
        return self.value(f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                          " return [r.x + r.width / 2, r.y + r.height / 2]; })()")

    def boxes(self):
        return self.value("document.querySelectorAll('rect').length")

    def card(self):
        """What is said of the box that is pointed at or was chosen: its name and its rows."""
        return self.value("document.getElementById('card').hidden ? {} : Object.fromEntries([['name', document.querySelector('#card b')"
                          ".textContent], ...[...document.querySelectorAll('#card dt')].map(t => [t.textContent, t.nextSibling.textContent])])")

    def view(self):
        """How far the drawing is moved, and how large it is."""
        numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", self.value("document.getElementById('scene').getAttribute('transform')"))
        return [float(number) for number in numbers]


def near(a, b, most):
    return all(abs(x - y) <= most for x, y in zip(a, b, strict=True))


def work(browser, data):
    """Mouse and keyboard on the page of 2503 operations, whose data say what must be seen then."""
    boxes, count = data["boxes"], browser.boxes()
    place = lambda path: f'g[data-k="{next(k for k, b in enumerate(boxes) if b.get("p") == path)}"] > rect'
    seen = lambda path: browser.value(f"!!document.querySelector({json.dumps(place(path))})")

    # a click opens a layer, a second one the layer in it
    check(seen("blocks") and not seen("blocks.1"), "blocks is closed at first")
    for path, inner in (("blocks", "blocks.1"), ("blocks.1", "blocks.1.second"), ("blocks.1.second", "blocks.1.second.weight")):
        browser.press(*browser.middle(place(path)))
        browser.key("f")
        check(seen(inner), f"a click on {path} opens it")
        check(browser.card().get("name") == path, f"a click on {path} chooses it: {browser.card()}")
    there = browser.value("[...document.querySelectorAll('g[data-k]')].map(g => Number(g.dataset.k))")
    k = next(k for k in there if boxes[k]["k"] == 1 and "lo" in boxes[k])
    browser.mouse("mouseMoved", *browser.middle(f'g[data-k="{k}"] > rect'))
    card, box = browser.card(), boxes[k]
    check(card.get("kind") == "operation" and card.get("operation") == box["o"], f"the pointer on an operation shows it: {card}")
    check(card.get("shape") == box["s"] and card.get("line") == box["w"] != "", f"its shape and line: {card}")
    low, high = (float(x) for x in card.get("values", "9 … 9").split(" … "))
    check(near((low, high), (box["lo"], box["hi"]), 1e-3) and low < high, f"the range of its values: {card}")
    check(card.get("bytes") == f"{box['b']} B" and box["b"] > 0, f"its bytes: {card}")
    check(card.get("forward", "").endswith(" ms") and card.get("backward", "").endswith(" ms"), f"its milliseconds: {card}")
    left, top = browser.value(f"(r => [r.x, r.y])(document.querySelector({json.dumps(place('blocks'))}).getBoundingClientRect())")
    browser.press(left + 3, top + 3)
    check(seen("blocks") and not seen("blocks.1") and browser.boxes() == count, "a click on what is open closes it")

    # the pointer on a box
    browser.key("Escape")
    check(browser.card() == {}, f"Escape chooses nothing: {browser.card()}")
    browser.mouse("mouseMoved", *browser.middle(place("out")))
    card, out = browser.card(), next(b for b in boxes if b.get("p") == "out")
    check(card.get("name") == "out" and card.get("last shape") == out["s"] == "(2, 3)", f"the pointer on out shows it: {card}")
    check(card.get("numbers trained") == "15" and card.get("gradient norm of parameters"), f"and what it trains: {card}")
    browser.mouse("mouseMoved", *browser.middle("h1"))
    browser.mouse("mouseMoved", *browser.middle("#help"))
    check(browser.card() == {}, f"elsewhere it shows nothing: {browser.card()}")

    # wheel and drag
    x, y, scale = browser.view()
    at = (500, 400)
    top = browser.value("document.querySelector('svg').getBoundingClientRect().top")
    browser.mouse("mouseWheel", *at, deltaX=0, deltaY=-200)
    browser.drawn()
    x1, y1, scale1 = browser.view()
    check(scale1 > 1.2 * scale, f"the wheel zooms: {scale} {scale1}")
    under = [((at[0] - dx) / s, (at[1] - top - dy) / s) for dx, dy, s in ((x, y, scale), (x1, y1, scale1))]
    check(near(*under, 0.01), f"what is under the pointer stays there: {under}")
    browser.press(*at, to=(at[0] + 70, at[1] - 40))
    check(near(browser.view(), (x1 + 70, y1 - 40, scale1), 0.01), f"a drag moves: {(x1, y1)} {browser.view()}")
    check(browser.card() == {}, f"a drag chooses nothing: {browser.card()}")

    # a search
    def look_for(text):
        browser.press(*browser.middle("#search"))
        browser.value("document.getElementById('search').select()")
        browser.call("Input.insertText", text=text)
        return browser.value("document.getElementById('found').textContent")

    check(look_for("there is nothing like it") == "0 found", "a search finds nothing where nothing is")
    path = "blocks.0.first.weight"
    said = look_for(path.upper())
    check(said == "1 found", f"a search finds a parameter: {said}")
    browser.key("Enter")
    check(seen(path) and browser.card().get("name") == path, f"Enter opens what it is in: {browser.card()}")
    check(browser.value(f"document.querySelector({json.dumps(place(path))}).parentNode.matches('.found.chosen')"), "and marks it")
    where, size = browser.middle(place(path)), browser.value("[innerWidth, innerHeight]")
    check(all(0 < a < b for a, b in zip(where, size)), f"and brings it into sight: {where} of {size}")
    tanhs = sum(b["o"] == "tanh" for b in boxes)
    said = look_for("tanh")
    check(tanhs == 500 and int(said.split()[0]) >= 500, f"a search finds 500 operations: {said}")

    # all layers at once
    begin = time.monotonic()
    browser.press(*browser.middle("#open"))
    took = time.monotonic() - begin
    browser.value("document.activeElement.blur()")
    browser.key("f")
    check(browser.boxes() == len(boxes) > 2500, f"all open, {browser.boxes()} boxes are drawn of {len(boxes)}")
    check(browser.value("![...document.querySelectorAll('text.n')].some(t => t.textContent.startsWith('▸'))"), "and none is closed")
    browser.press(*browser.middle("#close"))
    browser.value("document.activeElement.blur()")
    browser.key("f")
    check(browser.boxes() == count, f"all closed, {browser.boxes()} boxes are drawn; there were {count}")
    print(f"all {len(boxes)} boxes open within {1000 * took:.0f} ms")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    run = subprocess.run([sys.argv[1], "--no-intro", "--test-case=of 2503 operations*"], env={**os.environ, "XGRAD_PAGES": folder},
                         capture_output=True, text=True)
    check(run.returncode == 0, run.stdout)
    pages = sorted(pathlib.Path(folder).glob("*.html"), key=lambda page: int(page.stem))
    check(len(pages) == 2, f"{len(pages)} pages were written; there must be 2")
    browser = None
    try:
        browser = Browser(folder)
        for page in pages:
            times = [browser.open(page) for _ in range(5)]
            check(None not in times, f"{page.name}: the script has not come to its end")
            check(browser.boxes() >= 3, f"{page.name}: {browser.boxes()} boxes are drawn")
            print(f"{page.stem} operations: {browser.boxes()} boxes, drawn {min(filter(None, times), default='?')} ms after it was asked for; "
                  f"{page.stat().st_size / 1e6:.1f} MB")
            if page == pages[0]:
                work(browser, json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(), re.S)[1]))
            check(not browser.complaints, f"{page.name}: {browser.complaints}")
    except (RuntimeError, OSError, TypeError, StopIteration) as error:
        check(False, f"{error!r}; {browser and browser.complaints}")
    finally:
        if browser:
            browser.end()

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
