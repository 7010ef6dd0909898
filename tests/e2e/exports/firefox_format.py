# SPDX-License-Identifier: Apache-2.0
"""What the Firefox Profiler's processed profile format, version 63, asks of a profile: the tables of its
src/types/profile.ts, each column by its type, each index by its table."""

NUMBER = (int, float)
COLORS = {"transparent", "purple", "green", "orange", "yellow", "lightblue", "blue", "brown", "magenta", "red",
          "lightred", "darkgrey", "grey"}
GRAPH_COLORS = {"blue", "green", "grey", "ink", "magenta", "orange", "purple", "red", "teal", "yellow"}


def is_a(value, kinds):
    return isinstance(value, kinds) and (not isinstance(value, bool) or kinds is bool)


def check_table(name, table, columns):
    """`columns`: by name what holds for each entry."""
    assert set(table) == set(columns) | {"length"}, (name, set(table) ^ (set(columns) | {"length"}))
    for column, holds in columns.items():
        assert len(table[column]) == table["length"], (name, column)
        wrong = [(i, entry) for i, entry in enumerate(table[column]) if not holds(entry)]
        assert not wrong, (name, column, wrong[:3])


def index_of(length):
    return lambda entry: is_a(entry, int) and 0 <= entry < length


def none_or(holds):
    return lambda entry: entry is None or holds(entry)


def natural(entry):
    return is_a(entry, int) and entry >= 0


def positive(entry):
    return is_a(entry, int) and entry > 0


def is_none(entry):
    return entry is None


def rising(times):
    assert all(is_a(time, NUMBER) and time >= 0 for time in times)
    assert all(a <= b for a, b in zip(times, times[1:])), "time goes backwards"


def check_meta(meta):
    kinds = {"interval": NUMBER, "startTime": NUMBER, "processType": int, "product": str, "stackwalk": int, "version": int,
             "preprocessedProfileVersion": int, "symbolicated": bool, "markerSchema": list, "arguments": str,
             "profilingStartTime": NUMBER, "profilingEndTime": NUMBER, "importedFrom": str}
    for key, kind in kinds.items():
        assert is_a(meta[key], kind), key
    assert meta["interval"] > 0 and meta["preprocessedProfileVersion"] == 63 and meta["symbolicated"] is True
    assert meta["sampleUnits"] == {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns"}
    for category in meta["categories"]:
        assert category["color"] in COLORS and category["subcategories"][0] == "Other", category
    assert any(category["color"] == "grey" for category in meta["categories"])
    for section in meta["extra"]:
        assert all(set(entry) == {"label", "format", "value"} for entry in section["entries"])


def check_shared(shared, libs, categories):
    assert set(shared) == {"stackTable", "frameTable", "funcTable", "resourceTable", "nativeSymbols", "sources", "stringArray"}
    frames, functions, symbols = shared["frameTable"], shared["funcTable"], shared["nativeSymbols"]
    string = index_of(len(shared["stringArray"]))
    assert all(is_a(text, str) for text in shared["stringArray"])
    assert len(set(shared["stringArray"])) == len(shared["stringArray"])
    stacks = shared["stackTable"]
    check_table("stackTable", stacks, {"frame": index_of(frames["length"]), "prefix": none_or(natural)})
    assert all(prefix is None or prefix < i for i, prefix in enumerate(stacks["prefix"])), "a stack before its caller's"
    check_table("frameTable", frames, {
        "address": lambda entry: entry == -1 or natural(entry), "inlineDepth": natural, "category": index_of(len(categories)),
        "subcategory": lambda entry: entry == 0, "func": index_of(functions["length"]),
        "nativeSymbol": none_or(index_of(symbols["length"])), "innerWindowID": lambda entry: entry == 0,
        "line": none_or(positive), "column": is_none})
    check_table("funcTable", functions, {
        "name": string, "isJS": lambda entry: entry is False, "relevantForJS": lambda entry: entry is False,
        "resource": lambda entry: entry == -1 or index_of(shared["resourceTable"]["length"])(entry),
        "source": none_or(index_of(shared["sources"]["length"])), "lineNumber": none_or(positive), "columnNumber": is_none})
    check_table("resourceTable", shared["resourceTable"], {
        "lib": index_of(len(libs)), "name": string, "host": is_none, "type": lambda entry: entry == 1})
    check_table("nativeSymbols", symbols, {
        "libIndex": index_of(len(libs)), "address": positive, "name": string, "functionSize": is_none})
    check_table("sources", shared["sources"], {
        "id": is_none, "filename": string, "startLine": positive, "startColumn": positive, "sourceMapURL": is_none})
    check_inlining(shared)


def check_inlining(shared):
    """An inlined frame is called by the one it is inlined into: of the same address and symbol, one less deep."""
    frames, stacks = shared["frameTable"], shared["stackTable"]
    for frame, prefix in zip(stacks["frame"], stacks["prefix"]):
        if frames["inlineDepth"][frame] == 0:
            continue
        assert prefix is not None
        outer = stacks["frame"][prefix]
        assert frames["inlineDepth"][outer] == frames["inlineDepth"][frame] - 1
        for column in ("address", "nativeSymbol"):
            assert frames[column][outer] == frames[column][frame], column
    for i, symbol in enumerate(frames["nativeSymbol"]):
        if symbol is not None:
            assert 0 < shared["nativeSymbols"]["address"][symbol] <= frames["address"][i]


def check_libs(libs):
    for lib in libs:
        assert set(lib) == {"arch", "name", "path", "debugName", "debugPath", "breakpadId", "codeId"}
        assert len(lib["breakpadId"]) == 33 and int(lib["breakpadId"], 16) >= 0


def check_thread(thread, stacks):
    for key, kind in {"name": str, "isMainThread": bool, "processType": str, "processName": str, "pid": str, "tid": int,
                      "processStartupTime": NUMBER, "registerTime": NUMBER, "pausedRanges": list}.items():
        assert is_a(thread[key], kind), key
    samples = thread["samples"]
    assert samples["weightType"] in ("samples", "tracing-ms", "bytes")
    columns = {"stack": none_or(index_of(stacks)), "time": lambda entry: is_a(entry, NUMBER),
               "weight": lambda entry: is_a(entry, NUMBER) and entry > 0}
    if samples["weightType"] == "tracing-ms":
        columns["threadCPUDelta"] = natural
    check_table("samples", {key: column for key, column in samples.items() if key != "weightType"}, columns)
    rising(samples["time"])
    if "nativeAllocations" in thread:
        allocations = thread["nativeAllocations"]
        assert allocations["weightType"] == "bytes"
        check_table("nativeAllocations", {key: column for key, column in allocations.items() if key != "weightType"}, {
            "stack": index_of(stacks), "time": lambda entry: is_a(entry, NUMBER), "weight": positive})
        rising(allocations["time"])
    markers = thread["markers"]
    assert markers == {"data": [], "name": [], "startTime": [], "endTime": [], "phase": [], "category": [], "length": 0}


def check_counter(counter, threads):
    assert counter["category"] == "Memory" and counter["display"]["color"] in GRAPH_COLORS
    assert counter["display"]["graphType"] == "line-accumulated" and counter["display"]["tooltipRows"]
    assert threads[counter["mainThreadIndex"]]["pid"] == counter["pid"]
    check_table("counter", counter["samples"],
                {"time": lambda entry: is_a(entry, NUMBER), "count": lambda entry: is_a(entry, int)})
    rising(counter["samples"]["time"])
    level = 0
    for change in counter["samples"]["count"]:
        level += change
        assert level >= 0


def check(profile):
    assert set(profile) == {"meta", "libs", "shared", "counters", "threads"}
    check_meta(profile["meta"])
    check_libs(profile["libs"])
    check_shared(profile["shared"], profile["libs"], profile["meta"]["categories"])
    for thread in profile["threads"]:
        check_thread(thread, profile["shared"]["stackTable"]["length"])
    for counter in profile["counters"]:
        check_counter(counter, profile["threads"])
    assert all(index_of(len(profile["threads"]))(each) for each in profile["meta"]["initialSelectedThreads"])
