#!/usr/bin/env python3
"""Holds a page, as the browser made it, against the results it was made from: `marks.py RESULTS.json DOM.html`.

Counts what each figure draws and compares it with what the results demand of it, and the page's medians with Python's. Prints one
line for each difference and ends with status 1 if there was one.
"""

import collections
import html.parser
import itertools
import json
import math
import statistics
import sys

VOID = {"meta", "br", "hr", "link", "img", "input"}


class Figures(html.parser.HTMLParser):
    """Of each figure its class, and how often each class of shape is in it; and the JSON of script#figures."""

    def __init__(self):
        super().__init__()
        self.figures, self.depth, self.in_script, self.made = [], 0, False, ""

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.in_script = tag == "script" and attributes.get("id") == "figures"
        if tag == "figure":
            self.figures.append((attributes["class"], collections.Counter()))
            self.depth = 1
        elif self.depth and tag not in VOID:
            self.depth += 1
        if self.depth and tag in ("circle", "rect", "path", "line", "tr") and "data-key" not in attributes:
            self.figures[-1][1][f"{tag}.{attributes.get('class', '').strip()}"] += 1

    def handle_endtag(self, tag):
        self.in_script = False
        if self.depth:
            self.depth -= 1

    def handle_data(self, data):
        if self.in_script:
            self.made += data


def subject_of(one):
    return tuple(one["subject"].values())


def rows_of(results):
    """Of each subject: its series by way."""
    rows = {}
    for series in results["series"]:
        rows.setdefault(subject_of(series), {"subject": series["subject"], "ways": {}})["ways"][series["way"]] = series["samples"]
    return list(rows.values())


def is_ratio(row):
    return "direct" in row["ways"] and min(row["ways"]["direct"]) > 0


def shown(row):
    return {way: samples for way, samples in row["ways"].items() if not (is_ratio(row) and way == "direct")}


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row["subject"]), []).append(row)
    return list(groups.values())


def expected(results):
    """What the figures hold, in any order: class -> list of (shape, count)..."""
    rows = rows_of(results)
    boxes = [{"circle.sample": sum(len(samples) for row in group for samples in shown(row).values()),
              "rect.box": sum(len(shown(row)) for row in group), "line.median": sum(len(shown(row)) for row in group),
              "rect.band": sum(is_ratio(row) and "direct again" in row["ways"] for row in group)}
             for group in grouped(rows, lambda one: (one["part"], one["test"], one["services"], one["endpoints"]))]
    costs = [group for group in grouped((row for row in rows if row["subject"]["services"]),
                                        lambda one: tuple(value for name, value in one.items() if name != "services"))
             if len(group) > 1]
    cost = [{"line.spread": sum(len(shown(row)) for row in group)} for group in costs]
    curves = itertools.groupby(sorted(results["latencies"], key=subject_of), key=subject_of)
    latencies = [{"path.curve": len(list(group))} for _, group in curves]
    return {"boxes": boxes, "cost": cost, "latencies": latencies}


def differences(results, page):
    for kind, wanted in expected(results).items():
        names = sorted({name for one in wanted for name in one})
        # Two ways are drawn dashed.
        drawn = [{name: shapes[name] + shapes[name + " again"] for name in names} for of, shapes in page.figures if of == kind]
        order = [tuple(one[name] for name in names) for one in drawn]
        demanded = [tuple(one[name] for name in names) for one in wanted]
        if not wanted:
            yield f"{kind}: the results have nothing to draw"
        if sorted(order) != sorted(demanded):
            yield f"{kind}: figures with {names} of {sorted(order)}, not {sorted(demanded)}"
    made = json.loads(page.made)
    rows = {subject_of(row): row for row in made["rows"]}
    for row in rows_of(results):
        cells = {cell["way"]: cell for cell in rows[subject_of(row)]["cells"]}
        for way, samples in row["ways"].items():
            if not math.isclose(cells[way]["absolute"]["median"], statistics.median(samples)):
                yield f"{row['subject']}, {way}: median"
            if is_ratio(row):
                ratios = [one / direct for one, direct in zip(samples, row["ways"]["direct"])]
                quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
                if not all(map(math.isclose, [cells[way]["ratio"][name] for name in ("low", "median", "high")], quartiles)):
                    yield f"{row['subject']}, {way}: ratio"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    page = Figures()
    with open(sys.argv[2], encoding="utf-8") as file:
        page.feed(file.read())
    found = list(differences(results, page))
    print("\n".join(found) or f"{len(page.figures)} figures")
    sys.exit(1 if found else 0)


main()
