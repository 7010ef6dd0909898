# SPDX-License-Identifier: Apache-2.0
"""The programs that heap recording is measured with. Each does the same at every run, and says or writes what came out."""
import dataclasses
import hashlib
import os
import pathlib
import subprocess

from harness import BenchError, need_command


@dataclasses.dataclass
class Program:
    name: str
    command: list
    environment: dict = dataclasses.field(default_factory=dict)
    threads: int = 1  # its most at a time, with the main one
    output: pathlib.Path = None  # the file it writes; without one its own account tells a checksum
    tells_itself: bool = True  # whether it writes an account of its own (bench/self_account.h)
    # GCC's containers come out otherwise with other addresses; python3 copies the environment, which profilers add to.
    count_varies_by: int = 0

    @property
    def cpu(self):
        return os.cpu_count() - 1 if self.threads == 1 else None

    def outcome(self, run):
        """What must be the same with every profiler."""
        if self.output is not None:
            return hashlib.sha256(self.output.read_bytes()).hexdigest()
        return {name: run.own[name] for name in ("checksum", "allocations") if name in run.own}


def template_source(count):
    """A program that is nearly all templates."""
    lines = [f"#include <{name}>" for name in ("algorithm", "functional", "map", "string", "tuple", "variant", "vector")]
    lines.append("template <int N> struct Tag { int value = N; friend bool operator<(Tag a, Tag b) { return a.value < b.value; } };")
    for i in range(count):
        lines += [f"int use{i}(std::map<Tag<{i}>, std::vector<std::tuple<Tag<{i}>, std::string>>>& map, std::variant<int, Tag<{i}>>& choice) {{",
                  "  for (auto& [key, values] : map)",
                  "    std::sort(values.begin(), values.end(), [](auto& a, auto& b) { return std::get<1>(a) < std::get<1>(b); });",
                  f'  map[Tag<{i}>()].emplace_back(Tag<{i}>(), "word");',
                  f"  std::function<int(Tag<{i}>)> function = [](Tag<{i}> tag) {{ return tag.value; }};",
                  "  return std::visit([&](auto& each) -> int {",
                  "    if constexpr (std::is_same_v<decltype(each), int&>) return each; else return function(each);",
                  "  }, choice);", "}"]
    return "\n".join(lines) + "\n"


def compiler(scratch, count):
    listing = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isabs(listing):
        raise BenchError("cc1plus is not there; try: apt-get install g++")
    source = scratch / f"templates{count}.cc"
    source.write_text(template_source(count))
    output = scratch / "templates.s"
    multiarch = subprocess.run(["g++", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    return Program("cc1plus", [listing, "-quiet", "-std=c++17", "-imultiarch", multiarch, "-D_GNU_SOURCE", str(source), "-o", str(output)],
                   output=output, tells_itself=False, count_varies_by=100)


SQL = """.output {output}
CREATE TABLE word (id INTEGER PRIMARY KEY, name TEXT, weight REAL, parent INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
  INSERT INTO word SELECT i, 'the name of word ' || (i * 7919 % {rows}), i / 7.0, i / 3 FROM n;
CREATE INDEX by_name ON word (name);
CREATE INDEX by_parent ON word (parent, weight);
SELECT count(*), sum(length(a.name)), group_concat(DISTINCT substr(b.name, 1, 19))
  FROM word a JOIN word b ON a.parent = b.id WHERE b.name LIKE '%word 1%';
SELECT substr(name, 1, 20) AS start, count(*), max(upper(name)), json_group_array(weight) FROM word GROUP BY start ORDER BY 2 DESC, 1;
UPDATE word SET name = replace(name, 'word', 'changed') WHERE id % 3 = 0;
DELETE FROM word WHERE id % 5 = 0;
SELECT json_object('id', id, 'name', name) FROM word ORDER BY name, id;
"""


def sqlite(scratch, rows):
    output = scratch / "sqlite.out"
    script = scratch / f"sqlite{rows}.sql"
    script.write_text(SQL.format(output=output, rows=rows))
    return Program("sqlite3", [need_command("sqlite3", "sqlite3"), ":memory:", f".read {script}"], output=output, tells_itself=False)


def heap_workload(build, *arguments):
    return [str(build / "bench/heap_workload"), *map(str, arguments)]


def programs(build, scratch, part):
    """part: how much of the full work they do."""
    def times(full):
        return max(1, round(full * part))

    script = pathlib.Path(__file__).resolve().parent / "heap_workload.py"
    # Debian's own interpreter, and its allocations by malloc.
    python = os.path.realpath("/usr/bin/python3")
    return [
        Program("tree of maps", heap_workload(build, "tree", times(15))),
        Program("json, 26 frames", heap_workload(build, "json", times(300), 6)),
        Program("json, 86 frames", heap_workload(build, "json", times(300), 66)),
        Program("python3", [python, str(script), str(times(15))], {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
                count_varies_by=10),
        sqlite(scratch, times(120_000)),
        compiler(scratch, times(3)),
        Program("8-thread storm", heap_workload(build, "storm", times(10_000_000), 8), threads=9),
        Program("hand-off", heap_workload(build, "handoff", times(8_000_000)), threads=5),
    ]
