# SPDX-License-Identifier: Apache-2.0
"""check.py PAGE NUMBER TRACE [FILTERS...]: the data in the page of `flarestack view`, decoded, say of every metric and every
function what `flarestack report` says of the trace (report/view_data.h)."""
import base64
import collections
import gzip
import json
import os
import re
import struct
import subprocess
import sys

NONE, LOST = 0xFFFFFFFF, 0xFFFFFFFE


def decoded(head, data):
    values, value, shift, last = [], 0, 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if head["code"] == "delta":
                last += (value >> 1) ^ -(value & 1)
                value = last
            values.append(value)
            value = shift = 0
    assert len(values) == head["count"] and shift == 0, head
    assert head["type"] == "f64" or all(0 <= each <= NONE for each in values), head
    return values


class Page:
    def __init__(self, path, number):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.startswith("<!DOCTYPE html>") and not re.search(r"https?://(?!www\.w3\.org)", text), "it loads something"
        packed = re.search(rf'<script id="profile-{number}" type="application/octet-stream">([^<]*)</script>', text)[1]
        data = gzip.decompress(base64.b64decode(packed, validate=True))
        at = 4 + struct.unpack("<I", data[:4])[0]
        self.meta = json.loads(data[4:at])
        self.columns = {}
        for head in self.meta["columns"]:
            self.columns[head["name"]] = decoded(head, data[at:at + head["bytes"]])
            at += head["bytes"]
        assert at == len(data)
        assert self.meta["schema"] == "flarestack.view/1"
        self.functions_of_stack = self.stacks()

    def rows(self, table):
        """The rows of a table as dictionaries."""
        columns = {name.split(".")[1]: values for name, values in self.columns.items() if name.startswith(table + ".")}
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    def stacks(self):
        strings = self.meta["strings"]
        functions = [(strings[each["name"]], strings[each["path"]]) for each in self.rows("function")]
        locations = [functions[each["function"]] for each in self.rows("location")]
        frames = [[locations[i] for i in self.columns["frame.location"][each["first"]:each["first"] + each["count"]]]
                  for each in self.rows("frame")]
        lost = [("[lost]", "")]
        stacks = []
        for number, each in enumerate(self.rows("stack")):
            assert each["parent"] in (NONE, LOST) or each["parent"] < number
            rest = [] if each["parent"] == NONE else lost if each["parent"] == LOST else stacks[each["parent"]]
            stacks.append((frames[each["frame"]] if each["frame"] != LOST else lost) + rest)
        return stacks

    def stack(self, number):
        return [("[no stack]", "")] if number == NONE else [("[lost]", "")] if number == LOST else self.functions_of_stack[number]

    def peaks(self):
        """By process: the slice of its greatest peak."""
        best = {}
        for each in self.rows("heap_slice"):
            known = best.get(each["process"])
            if known is None or (-each["peak_bytes"], each["peak_time"]) < (-known["peak_bytes"], known["peak_time"]):
                best[each["process"]] = each
        return best

    def entries(self, metric):
        """(stack, value) of all that the metric counts."""
        if metric in ("cpu", "wall"):
            return [(each["stack"], each["value"]) for each in self.rows("sample") if metric == "wall" or not each["waiting"]]
        if metric == "leaked":
            return [(each["stack"], each["bytes"]) for each in self.rows("leak") if each["counted"]]
        rows = [each for each in self.rows("allocation") if each["kind"] == 0]
        column = {"allocated": "allocated_bytes", "allocations": "allocations", "temporary": "temporary"}.get(metric)
        if column:
            return [(each["stack"], each[column]) for each in rows]
        live = [(each["stack"], each["allocated_bytes"] - each["deallocated_bytes"]) for each in rows]
        if metric == "live":
            return live
        starts, peaks, entries = self.columns["slice.start"], self.peaks(), []
        for each, (stack, left) in zip(rows, live):
            peak = peaks.get(self.columns["thread.process"][each["thread"]])
            start = starts[each["slice"]]
            if peak and start < peak["start"]:
                entries.append((stack, left))
            elif peak and start < max(peak["start"] + peak["length"], peak["start"] + 1):
                entries.append((stack, each["peak_bytes"]))
        return entries


def main(path, number, trace, *filters):
    page = Page(path, number)
    assert page.columns["slice.start"] == sorted(page.columns["slice.start"])
    for table in ("sample", "allocation"):
        slices = page.columns.get(table + ".slice", [])
        assert slices == sorted(slices), table
    for metric in page.meta["metrics"]:
        name = metric["name"]
        report = json.loads(subprocess.run([os.environ["FLARESTACK"], "report", "--metric", name, "--format", "json", "--threshold", "0",
                                            *filters, trace], check=True, capture_output=True, timeout=60).stdout)
        entries = page.entries(name)
        assert metric["total"] == report["total"] == sum(value for _, value in entries), (name, metric, report["total"])
        assert metric["unit"] == report["unit"]
        own, total = collections.Counter(), collections.Counter()
        for stack, value in entries:
            functions = page.stack(stack)
            own[functions[0]] += value
            for function in set(functions):
                total[function] += value
        expected_own, expected_total = collections.Counter(), collections.Counter()
        for each in report["functions"]:
            expected_own[each["name"], each["module_path"]] += each["self"]
            expected_total[each["name"], each["module_path"]] += each["total"]
        assert +own == +expected_own, (name, +own - expected_own, expected_own - +own)
        assert +total == +expected_total, (name, +total - expected_total, expected_total - +total)
        print(name, metric["total"])


main(*sys.argv[1:])
