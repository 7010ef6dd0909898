# SPDX-License-Identifier: Apache-2.0
"""    readers.py FORMAT FILE REPORT.json

FORMAT: one of `export`, or firefox_allocations for what is beside the time in one of Firefox's profiles.
Reads an export as its readers do, and holds it to what `report --format json --threshold 0` says of the same metric: its
total and, where the format knows functions, the self and total values of each."""
import collections
import csv
import json
import os
import re
import subprocess
import sys

import firefox_format


class Values:
    """By function, as a report counts them: a recursive function once for each stack."""

    def __init__(self):
        self.own = collections.Counter()
        self.inclusive = collections.Counter()

    def add(self, stack, value):  # root first
        self.own[stack[-1]] += value
        for name in set(stack):
            self.inclusive[name] += value

    def add_tree(self, name_of, parent_of, own_of):
        """`name_of` and so on: lists by node, parents first, -1 for none."""
        stacks = []
        for name, parent, own in zip(name_of, parent_of, own_of):
            stacks.append((stacks[parent] if parent >= 0 else []) + [name])
            if own:
                self.add(stacks[-1], own)


def read_collapsed(path, _):
    values = Values()
    for line in open(path):
        stack, value = line.rstrip("\n").rsplit(" ", 1)
        values.add(stack.split(";"), int(value))
    return values


def read_json(path, report):
    document = json.load(open(path))
    assert document["schema"] == "flarestack.profile/1"
    assert [document[key] for key in ("metric", "unit", "total")] == [report[key] for key in ("metric", "unit", "total")]
    tree, functions, values = document["call_tree"], document["functions"], Values()
    values.add_tree([functions[i]["name"] for i in tree["function"]], tree["parent"], tree["self"])
    assert len(tree["total"]) == len(tree["count"]) == len(tree["inlined"]) == tree["nodes"]
    assert sum(total for total, parent in zip(tree["total"], tree["parent"]) if parent < 0) == report["total"]
    for part in ("threads", "slices"):
        assert sum(each["value"] for each in document["samples"][part]) == report["total"], part
    assert collections.Counter({f["name"]: 0 for f in functions}).keys() == {f["name"] for f in report["functions"]}
    return values


def read_csv(path, report):
    raw = open(path, newline="").read()
    assert raw.count("\n") == raw.count("\r\n")
    rows = list(csv.DictReader(raw.splitlines(keepends=True), strict=True))
    assert list(rows[0]) == ["name", "module", "file", "line", "self", "total", "unit"]
    expected = [[f["name"], f["module"], f["file"], str(f["line"] or ""), str(f["self"]), str(f["total"]), report["unit"]]
                for f in report["functions"]]
    assert [list(row.values()) for row in rows] == expected
    return None


def read_speedscope(path, report):
    document = json.load(open(path))
    names = [frame["name"] for frame in document["shared"]["frames"]]
    unit = {"ns": "nanoseconds", "bytes": "bytes", "allocations": "none"}[report["unit"]]
    values, threads = Values(), Values()
    for number, profile in enumerate(document["profiles"]):
        assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", unit, 0)
        assert len(profile["samples"]) == len(profile["weights"]) and sum(profile["weights"]) == profile["endValue"]
        for stack, weight in zip(profile["samples"], profile["weights"]):
            (threads if number else values).add([names[i] for i in stack], weight)
    if len(document["profiles"]) > 1:
        assert threads.own == values.own and threads.inclusive == values.inclusive
    return values


def read_firefox(path, report, table="samples"):
    profile = json.load(open(path))
    firefox_format.check(profile)
    shared, values = profile["shared"], Values()
    names = [shared["stringArray"][shared["funcTable"]["name"][f]] for f in shared["frameTable"]["func"]]
    scale = {"tracing-ms": 1e6, "bytes": 1, "samples": 1}
    own = collections.Counter()
    for thread in profile["threads"]:
        samples = thread.get(table, {"stack": [], "weight": []})
        for stack, weight in zip(samples["stack"], samples["weight"]):
            own[stack] += round(weight * scale[samples["weightType"]])
    values.add_tree([names[f] for f in shared["stackTable"]["frame"]],
                    [-1 if prefix is None else prefix for prefix in shared["stackTable"]["prefix"]],
                    [own[i] for i in range(shared["stackTable"]["length"])])
    return values


def read_firefox_allocations(path, report):
    return read_firefox(path, report, "nativeAllocations")


def read_calls(events):
    """Complete events: what is within another one of the same thread is called by it."""
    values = Values()
    threads = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            start = round(event["ts"] * 1000)
            threads[event["pid"], event["tid"]].append((start, start + round(event["dur"] * 1000), event["name"]))
    for calls in threads.values():
        calls.sort(key=lambda call: (call[0], -call[1]))  # stable: callers come first
        open_calls = []
        for start, end, name in calls:
            while open_calls and open_calls[-1][1] <= start:
                open_calls.pop()
            assert not open_calls or end <= open_calls[-1][1], "a call outlives its caller"
            if name not in [each[2] for each in open_calls]:
                values.inclusive[name] += end - start
            values.own[name] += end - start
            if open_calls:
                values.own[open_calls[-1][2]] -= end - start
            open_calls.append((start, end, name))
    return values


def read_chrome(path, report):
    document = json.load(open(path))
    events = document["traceEvents"]
    named = {(e["name"], e["pid"], e["tid"]) for e in events if e["ph"] == "M"}
    counters = {e["name"] for e in events if e["ph"] == "C"}
    assert {"live heap", "resident memory"} <= counters, counters
    if report["unit"] == "ns":
        assert {("thread_name", e["pid"], e["tid"]) for e in events if e["ph"] == "X"} <= named
        assert {("process_name", e["pid"], e["pid"]) for e in events if e["ph"] == "X"} <= named
        return read_calls(events)
    frames, values = document["stackFrames"], Values()
    for sample in document["samples"]:
        stack, frame = [], sample["sf"]
        while frame is not None:
            stack.insert(0, frames[frame]["name"])
            frame = frames[frame].get("parent")
        values.add(stack, sample["weight"])
        assert ("thread_name", sample["pid"], sample["tid"]) in named
    return values


def annotated(path, *options):
    """What callgrind_annotate says: the program's total, and the first event of each function, a list of rows by name."""
    command = ["callgrind_annotate", "--auto=no", "--threshold=100", *options, os.path.abspath(path)]
    # Somewhere else: it shortens the names of files below the folder it runs in, but not those of what is called.
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd="/")
    assert not done.stderr, done.stderr[:500]
    total, rows = None, collections.defaultdict(list)
    for line in done.stdout.splitlines():
        found = re.match(r"\s*([\d,]+)(?: +\( *[\d.]+%\))?(?: +[\d,]+(?: +\( *[\d.]+%\))?)*  +(\S.*)$", line)
        if line.endswith("PROGRAM TOTALS"):
            total = int(found[1].replace(",", ""))
        elif found:
            name = re.sub(r" \[[^\]]*\]$", "", found[2].split(":", 1)[1])
            rows[name].append(int(found[1].replace(",", "")))
    return total, rows


def read_callgrind(path, report):
    """By our own reading, by the format's specification; and callgrind_annotate's."""
    values, names, current, is_call = Values(), {}, None, False

    def uncompressed(kind, text):
        number, _, name = text.partition(" ")
        if name:
            assert names.setdefault((kind, number), name) == name
        return names[kind, number]

    totals = {}
    processes = set()
    for line in open(path):
        key, is_position, text = line.rstrip("\n").partition("=")
        if is_position and key in ("ob", "cob", "fl", "fi", "fe", "cfi"):
            uncompressed("ob" if key in ("ob", "cob") else "fl", text)
        elif is_position and key == "fn":
            current = uncompressed("fn", text)
        elif is_position and key == "cfn":
            called = uncompressed("fn", text)
        elif is_position and key == "calls":
            assert int(text.split()[0]) > 0
            is_call = True
        elif line[:1].isdigit():
            value = int(line.split()[1])
            if is_call:
                values.inclusive[called] += value
            else:
                values.own[current] += value
            is_call = False
        elif line.startswith(("summary:", "totals:")):
            totals[line.split(":")[0]] = int(line.split()[1])
    assert totals == {"summary": report["total"], "totals": report["total"]}
    total, rows = annotated(path)
    assert total == report["total"], (total, report["total"])
    assert {name: sum(each) for name, each in rows.items() if sum(each)} == dict(+values.own)
    # Lines of another file have a row of their own there, which is a part.
    _, rows = annotated(path, "--inclusive=yes")
    assert all(max(rows[name]) == value for name, value in values.inclusive.items()), "inclusive"
    return values


READERS = {name[5:]: function for name, function in globals().items() if name.startswith("read_")}


def main():
    form, path, report_path = sys.argv[1:]
    report = json.load(open(report_path))
    values = READERS[form](path, report)
    if values is None:
        return
    expected = Values()
    largest = collections.Counter()  # functions of one name, of several modules, may call each other
    for function in report["functions"]:
        expected.own[function["name"]] += function["self"]
        expected.inclusive[function["name"]] += function["total"]
        largest[function["name"]] = max(largest[function["name"]], function["total"])
    assert report["total"] > 0 and sum(expected.own.values()) == report["total"]
    for what in ("own", "inclusive"):
        theirs, ours = +getattr(values, what), +getattr(expected, what)
        least = largest if what == "inclusive" else ours
        different = {name: (theirs[name], ours[name]) for name in theirs | ours if not least[name] <= theirs[name] <= ours[name]}
        assert not different, (form, report["metric"], what, list(different.items())[:5])


if __name__ == "__main__":
    main()
