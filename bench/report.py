#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Prints results of collect.py as tables, and on demand as plots and in the README."""
import argparse
import json
import math
import pathlib
import re
import sys

BASES = {"idle": "host", "elsewhere_sequential": "host", "elsewhere_lineage": "host",
         "beside_sequential": "pidns", "beside_lineage": "pidns",
         "sequential": "pidns", "lineage": "pidns", "recorded": "lineage", "strict": "pidns"}
COLUMNS = ["host", "idle", "elsewhere_sequential", "elsewhere_lineage", "pidns",
           "beside_sequential", "beside_lineage", "sequential", "lineage", "recorded",
           "strict"]
# What the README shows.
CHOSEN = ["fork", "vfork_exec", "thread", "clone3", "capget"]
CHOSEN_COLUMNS = ["pidns", "sequential", "lineage", "beside_sequential", "beside_lineage",
                  "host", "elsewhere_sequential", "elsewhere_lineage"]
KINDS = {"plain": "#9aa0a6", "sequential": "#0072b2", "lineage": "#009e73"}
COLOURS = {"idle": "#9aa0a6", "elsewhere_sequential": "#e69f00", "elsewhere_lineage": "#d55e00",
           "beside_sequential": "#56b4e9", "beside_lineage": "#8172b2",
           "sequential": "#0072b2", "lineage": "#009e73", "recorded": "#a0522d", "strict": "#cc79a7"}
# What is aimed at, as ratios and as instructions more.
RATIOS = {("fork", "sequential"): 1.003, ("fork", "lineage"): 1.006,
          ("clone3", "sequential"): 1.012, ("clone3", "lineage"): 1.020,
          ("posix_spawn", "sequential"): 1.010, ("thread", "sequential"): 1.020,
          ("fork", "recorded"): 1.020, ("thread", "recorded"): 1.020}
MORE = {("fork", "sequential"): 450, ("fork", "lineage"): 650,
        ("clone3", "sequential"): 300, ("clone3", "lineage"): 500,
        **{(bench, f"{place}_{numbering}"): more for bench in ("fork", "clone3")
           for place, more in (("elsewhere", 90), ("beside", 150))
           for numbering in ("sequential", "lineage")}}
WORST = {("range", "99.9"): 1.05, ("range", "full"): 1.30, ("flight", "1000"): 1.02}
NAMED, BIND = 20000, 50


def target(bench, where):
    """The ratio that is aimed at, or None."""
    if bench in ("getpid", "gettid", "kill0") or where == "idle":
        return 1.000
    return RATIOS.get((bench, where))


class Results:
    def __init__(self, path):
        self.text = json.loads(path.read_text())
        self.rows = {(row["bench"], row["where"]): row for row in self.text["instructions"]}
        self.benches = list(dict.fromkeys(row["bench"] for row in self.text["instructions"]))

    def ratio(self, bench, where):
        base = self.rows[bench, BASES[where]]["value"]
        return round(self.rows[bench, where]["value"] / base, 3)

    def more(self, bench, where):
        """Instructions more than at the place that this one is compared with."""
        return round(self.rows[bench, where]["value"] - self.rows[bench, BASES[where]]["value"])

    def verdict(self, bench, where):
        """ok, MISS, ~ (off, by no more than boots differ), or nothing where no target is."""
        aim, more = target(bench, where), MORE.get((bench, where))
        if aim is None and more is None:
            return ""
        base = self.rows[bench, BASES[where]]["value"]
        excess = max(self.ratio(bench, where) - aim if aim else 0,
                     (self.more(bench, where) - more) / base if more else 0)
        if aim == 1.000 and where != "idle":
            excess = abs(excess)
        if round(excess, 3 if aim else 6) <= 0:
            return "ok"
        return "~" if excess <= self.spread(bench, (where, BASES[where])) else "MISS"

    def spread(self, bench, places):
        return max(self.rows[bench, place]["spread"] for place in places)


def table(results, benches, columns):
    """A line a bench: instructions, or ratio, difference and verdict."""
    lines = [["", *columns, "spread"]]
    for bench in benches:
        line = [bench]
        for where in columns:
            if where in BASES:
                line.append(f"{results.ratio(bench, where):.3f} ({results.more(bench, where):+,})"
                            f" {results.verdict(bench, where):4}")
            else:
                line.append(f"{results.rows[bench, where]['value']:,.0f}")
        line.append(f"{results.spread(bench, columns):.2%}")
        lines.append(line)
    return markdown(lines)


def markdown(lines):
    """Lines of cells, the first a heading, as a table."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    rows = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def by_size(results, of):
    """{size: {kind: row}} of what there were many of."""
    sizes = {}
    for row in results.text["scale"]:
        if row["of"] == of:
            sizes.setdefault(row["size"], {})[row["kind"]] = row
    return sizes


def scale_table(results, of):
    """A line for each size; ratios are to plain namespaces, as many of them."""
    sizes = by_size(results, of)
    groups = [kind for kind in KINDS if kind != "plain"]
    lines = [[of, "fork, plain", *groups, "one more, plain", *groups, "KiB, plain", *groups]]
    for size, row in sizes.items():
        line = [f"{size:,}"]
        for key in ("fork", "one_more"):
            line.append(f"{row['plain'][key]:,}" if row["plain"][key] else "")
            line.extend(f"{row[kind][key] / row['plain'][key]:.3f}" if row["plain"][key] else ""
                        for kind in groups)
        line.extend(f"{row[kind]['bytes'] / 1024:.1f}" if row[kind]["bytes"] else ""
                    for kind in KINDS)
        lines.append(line)
    return markdown(lines)


def growth(results, of, kind):
    """What a fork costs among the most, over what it costs alone."""
    sizes = by_size(results, of)
    return sizes[max(sizes)][kind]["fork"] / sizes[1][kind]["fork"]


def judged(value, aim, form=".3f"):
    return f"target {aim:{form}}: {'ok' if value <= aim else 'MISS'}"


def verdict_of_scale(results):
    """The sentences that have targets."""
    most = max(by_size(results, "groups"))
    worst = max(("sequential", "lineage"), key=lambda kind: growth(results, "groups", kind))
    ratio = growth(results, "groups", worst)
    yield (f"A fork among {most:,} groups costs {ratio:.3f} of what it costs in a single one "
           f"({worst}; {judged(ratio, 1.02)}); plain namespaces "
           f"grow by {growth(results, 'groups', 'plain'):.3f}.")
    for row in results.text["parallel"]:
        where = "one group" if row["namespaces"] == 1 else "two groups"
        yield (f"Two CPUs that fork at once in {where} take {row['ratio']:.3f} "
               f"({row['low']:.3f}-{row['high']:.3f}) of what they take "
               f"in plain namespaces, by the clock ({judged(row['ratio'], 1.05)}).")


WORST_ROWS = {("range", "empty"): "fork, 4,096 numbers, none in use",
              ("range", "half"): "half in use", ("range", "99"): "99% in use",
              ("range", "99.9"): "99.9% in use", ("range", "full"): "none free: EAGAIN",
              ("flight", "0"): "fork, no clone in flight", ("flight", "1000"): "1,000 in flight"}


def worst_table(results):
    """What a fork takes on average; ratios are to a plain namespace in the same state."""
    values = {(row["of"], row["at"], row["kind"]): row["value"] for row in results.text["worst"]}
    lines = [["", *KINDS]]
    for (of, at), name in WORST_ROWS.items():
        plain = values[of, at, "plain"]
        line = [name, f"{plain:,}"]
        for kind in ("sequential", "lineage"):
            ratio = values[of, at, kind] / plain
            aim = WORST.get((of, at))
            line.append(f"{ratio:.3f} {('ok' if ratio <= aim else 'MISS') if aim else '':4}")
        lines.append(line)
    return markdown(lines)


def verdict_of_worst(results):
    values = {(row["of"], row["at"], row["kind"]): row["value"] for row in results.text["worst"]}
    for call in ("create", "open"):
        groups, value = next((at, value) for (of, at, kind), value in values.items()
                             if (of, kind) == ("names", call))
        yield (f"{call.upper()} of a group by its name among {int(groups):,} takes {value:,} "
               f"instructions ({judged(value, NAMED, ',')}).")
    off = next(row for row in results.text["bind"] if row["when"] == "off")
    worst = max(results.text["bind"], key=lambda row: row["longest"])
    late = worst["longest"] - off["median"]
    yield (f"CREATE and BIND beside four busy tasks take {off['median']:.0f} ms with the hooks off; "
           f"the longest ({worst['when']}) took {late:.0f} ms more "
           f"({judged(late, BIND, 'd')} ms, by the clock).")


LEFT, RIGHT, TOP, BAR, GAP, WIDTH = 100, 70, 74, 9, 12, 760


def scale(results):
    """A function from percent to pixels: square roots, so that 0.1 shows beside 30."""
    most = max(abs(results.ratio(bench, where) - 1) * 100
               for bench in results.benches for where in BASES)
    unit = (WIDTH - LEFT - RIGHT) / math.sqrt(max(most, 1))
    return lambda percent: math.copysign(math.sqrt(abs(percent)), percent) * unit


def bars(results, bench, top, pixels):
    yield f'<text x="{LEFT - 14}" y="{top + 2.5 * BAR + 4}" text-anchor="end">{bench}</text>'
    for i, where in enumerate(COLOURS):
        y = top + i * BAR
        percent = round((results.ratio(bench, where) - 1) * 100, 1)
        end = pixels(percent)
        yield (f'<rect x="{LEFT + min(end, 0):.1f}" y="{y}" width="{abs(end):.1f}" '
               f'height="{BAR - 1}" fill="{COLOURS[where]}"/>')
        aim = target(bench, where)
        tick = pixels((aim - 1) * 100) if aim else 0
        if aim:
            yield f'<path d="M{LEFT + tick:.1f} {y - 0.5}v{BAR}" stroke="black"/>'
        missed = " missed" if results.verdict(bench, where) == "MISS" else ""
        yield (f'<text class="small" x="{LEFT + max(end, tick) + 5:.1f}" y="{y + BAR - 1.5}">'
               f'{percent + 0:.1f}{missed}</text>')


def plot(results):
    """Bars of what each place adds to its base; the ticks are the targets."""
    pixels = scale(results)
    step = len(COLOURS) * BAR + GAP
    height = TOP + len(results.benches) * step
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">',
        '<style>text { font: 11px sans-serif } .small { font-size: 8px }</style>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="16">Instructions more than the base, in percent (tick: target). '
        f'Linux {results.text["kernel"]}, {results.text["date"]}</text>']
    for i, where in enumerate(COLOURS):
        x, y = 10 + i % 5 * 150, 26 + i // 5 * 14
        svg.append(f'<rect x="{x}" y="{y}" width="9" height="9" fill="{COLOURS[where]}"/>'
                   f'<text class="small" x="{x + 13}" y="{y + 8}">{where}/{BASES[where]}</text>')
    for percent in (0, 0.2, 1, 3, 10, 20, 30):
        x = LEFT + pixels(percent)
        if x <= WIDTH:
            svg.append(f'<path d="M{x:.1f} {TOP - 6}V{height - 6}" stroke="#ccc"/><text class="small" '
                       f'x="{x:.1f}" y="{TOP - 9}" text-anchor="middle">{percent}</text>')
    for i, bench in enumerate(results.benches):
        svg.extend(bars(results, bench, TOP + i * step, pixels))
    return "\n".join([*svg, "</svg>", ""])


def curve(results, of, key, kind, place):
    """A polyline; place is a function from size and value to pixels."""
    points = [place(size, rows[kind][key]) for size, rows in by_size(results, of).items()
              if rows[kind][key]]
    return (f'<polyline fill="none" stroke="{KINDS[kind]}" stroke-width="1.5" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')


def growth_plot(results):
    """Log-log: what a fork costs, and one more takes, as groups or members become many."""
    panels = [(of, key) for of in ("groups", "members") for key in ("fork", "one_more", "bytes")]
    names = {"fork": "instructions a fork", "one_more": "instructions for one more",
             "bytes": "bytes for one more"}
    width, height = 250, 190
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * width}" '
           f'height="{2 * height + 40}" viewBox="0 0 {3 * width} {2 * height + 40}">',
           '<style>text { font: 11px sans-serif } .small { font-size: 8px }</style>',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="16">Growth, log-log. Linux {results.text["kernel"]}, '
           f'{results.text["date"]}</text>']
    for i, (kind, colour) in enumerate(KINDS.items()):
        svg.append(f'<rect x="{10 + i * 100}" y="24" width="9" height="9" fill="{colour}"/>'
                   f'<text x="{23 + i * 100}" y="32">{kind}</text>')
    for i, (of, key) in enumerate(panels):
        left, top = i % 3 * width + 45, i // 3 * height + 62
        wide, high = width - 65, height - 50
        values = [row[key] for row in results.text["scale"] if row["of"] == of and row[key]]
        low = math.floor(math.log10(min(values)))
        decades = max(math.ceil(math.log10(max(values))) - low, 1)
        most = math.log10(max(by_size(results, of)))

        def place(size, value):
            return (left + math.log10(size) / most * wide,
                    top + high - (math.log10(value) - low) / decades * high)

        svg.append(f'<text x="{left}" y="{top - 6}">{names[key]}, {of}</text>')
        svg.append(f'<path d="M{left} {top}V{top + high}H{left + wide}" fill="none" stroke="black"/>')
        for decade in range(decades + 1):
            y = top + high - decade / decades * high
            svg.append(f'<path d="M{left} {y:.1f}h{wide}" stroke="#ddd"/><text class="small" '
                       f'x="{left - 4}" y="{y + 3:.1f}" text-anchor="end">1e{low + decade}</text>')
        for size in by_size(results, of):
            x, _ = place(size, 1)
            svg.append(f'<text class="small" x="{x:.1f}" y="{top + high + 11}" '
                       f'text-anchor="middle">{size}</text>')
        svg.extend(curve(results, of, key, kind, place) for kind in KINDS)
    return "\n".join([*svg, "</svg>", ""])


TIMES = {"warm": "start", "cold": "cold start", "fork": "fork", "vfork_exec": "vfork_exec",
         "thread": "thread", "gettid": "gettid", "make": "make -j2"}
# What peers.py found out, and what the table calls it.
FACTS = {"tid": "first TID", "chosen": "5000 asked for", "failed-clone": "clone that fails",
         "same": "one after the other", "racing": "racing", "clone3 NEWPID": "clone3 NEWPID",
         "clone3 NEWUSER": "NEWUSER", "clone VM without VFORK": "VM alone",
         "capget": "capget", "bounding": "bounding set", "user": "as a user"}


def times_table(peers):
    """Ratios to unshare, and between which quartiles they lay."""
    lines = [["to unshare", *TIMES.values()]]
    times = {(row["name"], row["what"]): row for row in peers["times"]}
    for name in dict.fromkeys(row["name"] for row in peers["times"]):
        rows = [times[name, what] for what in TIMES]
        lines.append([name, *(f"{row['ratio']:.2f} ({row['low']:.2f}-{row['high']:.2f})"
                              for row in rows)])
    return markdown(lines)


def facts_table(peers):
    # Behind a colon it is why.
    facts = {(row["name"], row["fact"]): row["value"].partition(":")[0]
             for row in peers["facts"]}
    return markdown([["", *FACTS.values()],
                     *([peer["name"], *(facts.get((peer["name"], fact), "") for fact in FACTS)]
                       for peer in peers["peers"])])


def verdict_of_peers(peers):
    """The start, warm and cold, has a target, which the medians must meet as well as the pairs."""
    for row in peers["times"]:
        if row["name"] == "vprocns" and row["what"] in ("warm", "cold"):
            medians = row["value"] / row["base"]
            yield (f"`vprocns run` starts, {row['what']}, in {row['ratio']:.2f} of unshare's time by "
                   f"the median of {row['rounds']} pairs, in {medians:.2f} by the medians, "
                   f"{row['value'] / 1e6:,.0f} and {row['base'] / 1e6:,.0f} ms "
                   f"({judged(max(row['ratio'], medians), 1.5, '.2f')}).")
    for row in peers["absent"]:
        yield f"{row['name']} could not be measured: {row['why']}."


def peers_section(results):
    """What Documentation/peers.md says between its marks."""
    peers = results.text["peers"]
    commands = "".join(f"\n- {peer['name']} ({peer['version']}): `{peer['command']}`"
                       for peer in peers["peers"])
    return (f"{peers['date']}:\n\n{times_table(peers)}\n"
            + "".join(f"\n- {line}" for line in verdict_of_peers(peers))
            + f"\n\n{facts_table(peers)}\n{commands}\n")


def boots(results):
    return (f"Linux {results.text['kernel']}, {results.text['date']}, "
            f"the median of {results.text['boots']} boots:\n\n")


def readme_section(results):
    """What the README says between its marks."""
    return f"{boots(results)}{table(results, CHOSEN, CHOSEN_COLUMNS)}\n"


def section(results):
    """What results/bench.md says between its marks."""
    text = f"{boots(results)}{table(results, results.benches, COLUMNS)}\n"
    for of in ("groups", "members"):
        text += f"\n{scale_table(results, of)}\n"
    text += f"\n{worst_table(results)}\n"
    return text + "".join(f"\n- {line}" for line in
                          [*verdict_of_scale(results), *verdict_of_worst(results)]) + "\n"


def write_between_marks(path, written):
    text = path.read_text()
    new, found = re.subn(r"(<!-- make bench writes this -->\n).*(<!-- to here -->)",
                         lambda match: match[1] + written + match[2], text, flags=re.S)
    if not found:
        sys.exit(f"{path} lacks the marks that tell where the table goes")
    path.write_text(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svg", type=pathlib.Path, help="also write the plot of ratios there")
    parser.add_argument("--growth", type=pathlib.Path, help="also write the plot of growth there")
    parser.add_argument("--readme", type=pathlib.Path, help="also write the chosen rows there")
    parser.add_argument("--tables", type=pathlib.Path, help="also write the tables there")
    parser.add_argument("--peers", type=pathlib.Path, help="also write what is about peers there")
    parser.add_argument("results", type=pathlib.Path, help="the JSON file")
    arguments = parser.parse_args()
    results = Results(arguments.results)
    print(readme_section(results), section(results), peers_section(results), sep="\n", end="")
    if arguments.svg:
        arguments.svg.write_text(plot(results))
    if arguments.growth:
        arguments.growth.write_text(growth_plot(results))
    if arguments.readme:
        write_between_marks(arguments.readme, readme_section(results))
    if arguments.tables:
        write_between_marks(arguments.tables, section(results))
    if arguments.peers:
        write_between_marks(arguments.peers, peers_section(results))


if __name__ == "__main__":
    main()
