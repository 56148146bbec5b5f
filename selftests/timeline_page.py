#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The page of `vprocns timeline` in a real browser, as somebody uses it: TAP.

timeline_page.py [PICTURE]: needs chromium, chromium-driver and golang-src. Looks at pixels
and at what the page finds under the pointer; PICTURE receives a picture of the page.
"""
import base64
import functools
import glob
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.environ.get("VPROCNS", os.path.join(HERE, "../build/bin/vprocns"))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--force-device-scale-factor=1", "--hide-scrollbars"]
KEYS = {"up": "\ue013", "down": "\ue015", "left": "\ue012", "right": "\ue014", "ctrl": "\ue009", "escape": "\ue00c"}

results = []


def say(good, name, note=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)
    if not good and note != "":
        print(f"# {note}")


class Browser:
    """A chromium, driven by WebDriver, which is JSON over HTTP."""

    def __init__(self, profile, size):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.DEVNULL)
        for line in self.driver.stdout:
            if "started successfully on port " in line:
                self.base = f"http://127.0.0.1:{line.split('on port ')[1].strip().rstrip('.')}"
                break
        options = {"args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = "/session/" + answer["sessionId"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def visit(self, address):
        self.call("POST", self.session + "/url", {"url": address})

    def open(self, path):
        self.visit("file://" + os.path.abspath(path))

    def run(self, script, *args):
        """What the script returns once a frame was drawn."""
        return self.call("POST", self.session + "/execute/async", {
            "script": "const done = arguments[arguments.length - 1], args = arguments;"
                      "requestAnimationFrame(() => requestAnimationFrame(() => done((() => {" + script + "})())));",
            "args": list(args)})

    def act(self, *sources):
        self.call("POST", self.session + "/actions", {"actions": list(sources)})
        self.call("DELETE", self.session + "/actions")

    def press(self, *keys):
        self.act({"type": "key", "id": "k", "actions": [
            {"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]})

    def pointer(self, *actions):
        self.act({"type": "pointer", "id": "p", "parameters": {"pointerType": "mouse"}, "actions": list(actions)})

    def move(self, x, y):
        self.pointer({"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)})

    def click(self, x, y):
        self.pointer({"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)},
                     {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def wheel(self, x, y, by, ctrl=False):
        scroll = {"type": "wheel", "id": "w", "actions": [
            {"type": "pause"}, {"type": "scroll", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": by}]}
        keys = [{"type": "keyDown", "value": KEYS["ctrl"]}, {"type": "pause"}, {"type": "keyUp", "value": KEYS["ctrl"]}]
        self.act(scroll, *([{"type": "key", "id": "k", "actions": keys}] if ctrl else []))

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def log(self, kind):
        return self.call("POST", self.session + "/se/log", {"type": kind})

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()


# Where a task is drawn, in the window; what stands there, asked of the page itself.
WHERE = """const task = model.tasks.find(task => task.tid === args[0] && !(task.kind & KERNEL));
    const box = canvas.getBoundingClientRect(), [left, right] = barOf(view, task);
    return { x: box.left + (left + right) / 2, left: box.left + left, right: box.left + right,
             y: box.top + yOf(view, rowOf(task)) + ROW / 2, gutter: box.left + 100 };"""
# The colour of the canvas at a point of the window, as [r, g, b].
PIXEL = """const box = canvas.getBoundingClientRect();
    return [...canvas.getContext("2d").getImageData(args[0] - box.left, args[1] - box.top, 1, 1).data].slice(0, 3);"""
# How many different colours a row has right of its name.
COLOURS = """const box = canvas.getBoundingClientRect();
    const data = canvas.getContext("2d").getImageData(GUTTER, args[0] - box.top - ROW / 2, view.width - GUTTER, ROW).data;
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4)
        seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
    return seen.size;"""


def far(one, other):
    return sum(abs(a - b) for a, b in zip(one, other)) > 40


def make_page(work, name, *tree):
    recording, page = os.path.join(work, name + ".jsonl"), os.path.join(work, name + ".html")
    subprocess.run([os.path.join(HERE, "recordings.py"), "tree", *tree[:1], recording, *tree[1:]], check=True)
    with open(recording, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    # A name that would end the script, were it not kept from it.
    for line in lines:
        if line.get("tid") == 1003 and "comm" in line:
            line["comm"] = "</script><b>"
    with open(recording, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    subprocess.run([TOOL, "timeline", recording, "-o", page], check=True)
    return lines, page


def check_drawing(browser, lines):
    """Each task has its bar where its life is, and nothing beside it."""
    exits = {line["tid"]: line for line in lines if line["kind"] == "exit"}
    model = browser.run("return model.tasks.filter(task => task.tid > 1).map(task => "
                        "[task.tid, task.start, task.end, task.cloner ? task.cloner.tid : 0, task.comm]);")
    clones = {line["tid"]: line["cloner"] for line in lines if line["kind"] == "new"}
    say(sorted(model) == sorted([tid, line["start"], line["end"], clones[tid], line["comm"]]
                                for tid, line in exits.items()),
        "the page has every task, its life, its name and its cloner")
    empty = browser.run(PIXEL, *(lambda box: [box[0] + 300, box[1] - 4])(browser.run(
        "const box = canvas.getBoundingClientRect(); return [box.left, box.bottom];")))
    drawn = blank = 0
    for tid in (1000, 1001, 1002, 1007):
        where = browser.run(WHERE, tid)
        drawn += far(browser.run(PIXEL, where["x"], where["y"] + 5), empty)
        blank += not far(browser.run(PIXEL, min(where["right"] + 9, 960), where["y"] - 5), empty) or tid == 1000
    say(drawn == 4, "bars are drawn where the lives are", f"{drawn} of 4")
    say(blank == 4, "and nothing is drawn after their ends", f"{blank} of 4")


def check_pointer(browser, lines):
    where = browser.run(WHERE, 1002)
    browser.move(where["x"], where["y"])
    tip = browser.run("return [getComputedStyle(tip).visibility, tip.textContent];")
    say(tip[0] == "visible" and "1002" in tip[1] and "cloned by 1001 sh" in tip[1], "hover tells what it is, and its cloner", tip)
    browser.move(where["right"] + 200, where["y"])
    say(browser.run("return getComputedStyle(tip).visibility;") == "hidden", "and nothing where nothing is drawn")
    before = browser.run(PIXEL, where["left"], where["y"] - 9)
    browser.click(where["x"], where["y"])
    say(browser.run("return chosen && chosen.tid;") == 1002, "a click chooses it")
    say("1002" in browser.run("return byId('detail').textContent;"), "and shows all of it beside")
    browser.move(where["gutter"], where["y"] + 160)
    line = browser.run(PIXEL, where["left"], where["y"] - 9)
    say(far(line, before), "with a line from its cloner", f"{before} then {line}")
    refused = next(line for line in lines if line["kind"] == "refused")
    browser.run("choose(model.tasks.find(task => task.tid === args[0]), true); fitTask(chosen);", refused["tid"])
    spot = browser.run("const box = canvas.getBoundingClientRect(), task = chosen;"
                       "return [box.left + xOf(view, task.refusals[0].time), box.top + yOf(view, task.row) + ROW / 2];")
    red = browser.run(PIXEL, spot[0], spot[1] + 2)
    say(red[0] > 150 and red[1] < 110 and red[2] < 115, "a refusal is a red mark", red)
    browser.move(*spot)
    tip = browser.run("return tip.textContent;")
    say("EOPNOTSUPP" in tip and "unshare" in tip, "that tells the call and its errno", tip)
    browser.press("escape", "0")


def check_zoom(browser):
    where = browser.run(WHERE, 1002)
    browser.wheel(where["left"], where["y"], -600, ctrl=True)
    after = browser.run(WHERE, 1002)
    say(after["right"] - after["left"] > 2.5 * (where["right"] - where["left"]), "Ctrl and the wheel zoom in",
        f"{where} then {after}")
    say(abs(after["left"] - where["left"]) < 3, "about the pointer", f"{where['left']} then {after['left']}")
    browser.wheel(where["x"], where["y"], 100)
    say(browser.run("return view.top;") == 100, "the wheel scrolls")
    span = browser.run("return view.to - view.from;")
    browser.run("document.body.focus();")
    browser.press("-")
    say(browser.run("return view.to - view.from;") > 1.5 * span, "the key - zooms out")
    browser.press("0")
    say(browser.run("return view.from === model.begin && view.to === model.end && view.top === 0;"), "the key 0 shows all")
    where = browser.run(WHERE, 1002)
    browser.press("+", "+", "+")
    moved = browser.run("return view.from;")
    browser.pointer({"type": "pointerMove", "duration": 0, "x": 700, "y": 300}, {"type": "pointerDown", "button": 0},
                    {"type": "pointerMove", "duration": 50, "x": 600, "y": 300}, {"type": "pointerUp", "button": 0})
    say(browser.run("return view.from;") > moved, "a drag moves in time")
    browser.press("0", "escape")


def check_keys(browser):
    browser.press("down", "down", "down")
    say(browser.run("return chosen.row;") == 2, "the arrow keys choose a task")
    say(browser.run("return byId('said').textContent;").startswith("1001 sh"), "which is told to who can't see it")
    rows = browser.run("return model.rows.length;")
    browser.press(" ")
    say(browser.run("return model.rows.length;") < rows, "Space folds what it made")
    browser.press(" ")
    browser.press("p")
    say(browser.run("return chosen.tid;") == 1000, "p goes to its cloner")
    browser.press("/", "1", "0", "1", "1")
    say(browser.run("return chosen.tid;") == 1011, "/ finds a task")
    browser.press("escape", "escape")
    browser.run("byId('search').value = ''; model.match = ''; choose(null); fitAll();")


def check_theme(browser):
    light = browser.run("setTheme('light'); drawNow(); return 0;") or browser.run(PIXEL, 900, 420)
    dark = browser.run("setTheme('dark'); drawNow(); return 0;") or browser.run(PIXEL, 900, 420)
    say(sum(light) > 600 and sum(dark) < 150, "dark and light", f"{light} and {dark}")
    text = browser.run("""const lit = colour => { const c = colour.match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16) / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
        const least = [];
        for (const theme of ["light", "dark"]) {
            setTheme(theme);
            const back = lit(colours.panel);
            for (const name of ["text", "soft"]) {
                const front = lit(colours[name]);
                least.push((Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05));
            }
        }
        setTheme("light");
        return Math.min(...least);""")
    say(text >= 4.5, "text is readable in both (contrast 4.5 or more)", text)


def check_quiet(browser, name):
    # That pixels are read often is this test's doing.
    wrong = [entry["message"] for entry in browser.log("browser")
             if entry["level"] in ("SEVERE", "WARNING") and "readback" not in entry["message"]]
    say(not wrong, f"{name}: the browser has nothing to complain of", wrong)
    asked = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    asked = [event["params"]["request"]["url"] for event in asked if event["method"] == "Network.requestWillBeSent"]
    # The browser's own first page is chrome://.
    asked = [url for url in asked if not url.startswith(("file:", "data:", "chrome:"))]
    say(not asked, f"{name}: nothing is asked of the network", asked)


def check_many(browser, work):
    """Of many frames, each with all of it moved, few take longer than a screen's."""
    _, page = make_page(work, "many", "10000")
    start = time.time()
    browser.open(page)
    count = browser.run("return model.rows.length;")
    say(count >= 10000, "10,000 tasks: all have a row", count)
    print(f"# opened in {time.time() - start:.2f} s")
    times = browser.run("""const times = [];
        for (let i = 0; i < 120; i++) {
            const start = performance.now();
            if (i % 3 === 0)
                zoom(model, view, i % 2 ? 0.8 : 1.2, timeAt(view, 600));
            view.top += 400;
            if (i === 60)
                view.top = 0;
            drawNow();
            canvas.getContext("2d").getImageData(0, 0, 1, 1);
            times.push(performance.now() - start);
        }
        return times.sort((a, b) => a - b);""")
    middle, most = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"# a frame takes {middle:.1f} ms, 19 of 20 at most {most:.1f} ms")
    say(middle < 16.7, "10,000 tasks: a frame takes less than a sixtieth of a second", times[-10:])
    browser.run("fitAll();")
    # The quickest of some: a busy machine takes the processor away amid one.
    found = browser.run("""const found = [], times = [];
        for (const tid of [10100, 10300, 10500, 10700, 10900]) {
            const start = performance.now();
            byId("search").value = tid;
            byId("search").dispatchEvent(new Event("input"));
            found.push(chosen.tid);
            times.push(performance.now() - start);
        }
        return [found, Math.min(...times)];""")
    say(found[0] == [10100, 10300, 10500, 10700, 10900] and found[1] < 100, "10,000 tasks: one is found in a tenth of a second", found)
    check_quiet(browser, "10,000 tasks")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def check_trace(browser, work, lines):
    """The trace, as the importer of chrome://tracing reads it; Go's source has that one."""
    [viewer] = glob.glob("/usr/share/go-*/src/**/trace_viewer_full.html", recursive=True)[:1]
    for file in viewer, os.path.join(os.path.dirname(viewer), "webcomponents.min.js"):
        shutil.copy(file, work)
    with open(os.path.join(work, "viewer.html"), "w", encoding="utf-8") as file:
        file.write("<meta charset='utf-8'><script src='webcomponents.min.js'></script>"
                   "<link rel='import' href='trace_viewer_full.html'>")
    trace = os.path.join(work, "some.json")
    subprocess.run([TOOL, "timeline", os.path.join(work, "some.jsonl"), "-o", trace], check=True)
    # An import is not read from a file.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=work)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.visit(f"http://127.0.0.1:{server.server_port}/viewer.html")
        for _ in range(100):
            if browser.run("return typeof tr !== 'undefined' && 'importer' in tr;"):
                break
            time.sleep(0.2)
        with open(trace, encoding="utf-8") as file:
            text = file.read()
        warnings, arrows, slices = browser.run("""const read = new tr.Model();
            new tr.importer.Import(read).importTraces([args[0]]);
            const slices = [];
            for (const process of Object.values(read.processes))
                for (const thread of Object.values(process.threads))
                    for (const slice of thread.sliceGroup.slices)
                        slices.push([process.pid, thread.tid, slice.title, slice.start, slice.duration]);
            return [read.importWarnings.map(warning => warning.message),
                    read.flowEvents.map(flow => [flow.startSlice.parentContainer.tid, flow.endSlice.parentContainer.tid]), slices];""",
                                               text)
        server.shutdown()
    say(not warnings, "a trace: chrome://tracing's importer has nothing to warn of", warnings)
    say(sorted(arrows) == sorted([line["cloner"], line["tid"]] for line in lines if line["kind"] == "new"),
        "and has an arrow for each clone", arrows[:5])
    # It has a refusal as a slice without a duration.
    lives = sorted([pid, tid, name, round(start * 1e6), round(duration * 1e6)] for pid, tid, name, start, duration in slices
                   if tid > 1 and duration)
    say(lives == sorted([line["tgid"], line["tid"], line["comm"], line["start"], line["end"] - line["start"]]
                        for line in lines if line["kind"] == "exit"), "and each life", lives[:5])
    say(sum(not duration for *_, duration in slices) == sum(line["kind"] == "refused" for line in lines), "and each refusal")


def main():
    print("TAP version 13")
    work = tempfile.mkdtemp()
    browser = None
    try:
        lines, page = make_page(work, "some", "300")
        browser = Browser(os.path.join(work, "profile"), (1280, 720))
        browser.open(page)
        check_drawing(browser, lines)
        check_pointer(browser, lines)
        check_zoom(browser)
        check_keys(browser)
        check_theme(browser)
        say(browser.run("return model.tasks.find(task => task.tid === 1003).comm === '</script><b>' && "
                        "!document.querySelector('b:empty');"), "a name can't become a part of the page")
        check_quiet(browser, "300 tasks")
        if len(sys.argv) > 1:
            browser.run("const task = tid => model.tasks.find(task => task.tid === tid);"
                        "setTheme('light'); fitAll(); view.from = task(1009).start - 2e6; view.to = task(1009).start + 46e6;"
                        "choose(task(1017), true); view.top = task(1009).row * ROW; under = null; drawNow();")
            browser.picture(sys.argv[1])
        check_many(browser, work)
        check_trace(browser, work, lines)
    finally:
        if browser:
            browser.close()
        shutil.rmtree(work)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
