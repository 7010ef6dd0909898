#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each program of the leak corpus bare, recorded, under memcheck and with LeakSanitizer, and compares what they found
site by site (peers.py says what a site is).

    tests/leaks/compare.py --flarestack PROGRAM [--work FOLDER] [--only WORD]... [--jobs N] [--markdown | --details]
    tests/leaks/compare.py --peers-only [--repeat N] ...

Held are: the program behaves alike; what memcheck and LeakSanitizer both do not report as lost is not definitely lost here;
definite, indirect, possible and reachable are memcheck's for each site, in blocks and bytes; definite and indirect together
are LeakSanitizer's. differences.json lists the exceptions, each with its numbers and its reason; one that does not occur
is a failure too. The first of these rules has no exceptions.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import sys
import tempfile
import time

import peers

VERDICTS = ("definite", "indirect", "possible", "reachable")
OURS = {"definitely_lost": "definite", "indirectly_lost": "indirect", "possibly_lost": "possible", "still_reachable": "reachable"}
LOST = ("definite", "indirect")
# The lists of the report. What the built-in suppressions leave out, and what a child has from its parent, are no verdicts.
LISTS = {"sites": None, "suppressed_sites": "suppressed", "inherited_sites": "inherited"}
ALL = (*VERDICTS, "suppressed", "inherited")


def text_of(found, site, verdicts=ALL):
    """What a checker says of a site, as it stands in differences.json: "definite 1/40, indirect 2/80", blocks and bytes."""
    words = []
    for verdict in verdicts:
        blocks, size = found.get((site, verdict), (0, 0))
        if blocks:
            words.append(f"{verdict} {blocks}/{size}")
    return ", ".join(words) or "nothing"


def lost(found, site):
    blocks, size = (sum(found.get((site, verdict), (0, 0))[i] for verdict in LOST) for i in range(2))
    return {(site, "lost"): [blocks, size]}


def sites_of(*tallies):
    return sorted({site for found in tallies for site, _ in found})


def total(found, verdict):
    entries = [entry for (site, kind), entry in found.items() if site and kind == verdict]
    return f"{sum(e[0] for e in entries)}/{sum(e[1] for e in entries)}" if entries else "."


class Program:
    """One program, what was found, and what is wrong."""

    def __init__(self, name, source, options):
        self.name, self.source, self.options = name, source, options
        self.folder = os.path.join(options.work, "runs", name)
        self.ours, self.memcheck, self.lsan = {}, {}, {}
        self.problems = []
        self.differences = []  # (peer, site, peer's text, our text)
        self.false_leaks = []
        self.seconds = 0.0

    def examine(self):
        begun = time.monotonic()
        try:
            self.program = peers.build(self.source, self.options.build)
            self.look()
            for _ in range(1, self.options.repeat):
                self.look_again()
        except peers.Trouble as trouble:
            self.problems.append(str(trouble))
        self.seconds = time.monotonic() - begun
        return self

    def look(self):
        self.bare = peers.run([self.program], self.folder + "/bare")
        checked, self.memcheck = peers.memcheck([self.program], self.folder + "/memcheck")
        self.expect_alike("under memcheck", self.bare[:2], checked[:2])
        sanitized, self.lsan = peers.lsan(self.program, self.folder + "/lsan")
        self.expect_alike("with LeakSanitizer", self.bare[:2], sanitized[:2])
        if self.options.flarestack:
            self.record()
            self.compare()
            # Under memcheck the loader's own data can hold the address of a block: it counts cycles there (load_time and
            # relocate_time of glibc's rtld.c), and memcheck's heap lies where such numbers do.
            for _ in range(2):
                if not self.disagrees_with_memcheck():
                    break
                self.memcheck = peers.memcheck([self.program], self.folder + "/memcheck")[1]
                self.compare()

    def look_again(self):
        before = self.memcheck, self.lsan, self.ours
        self.look()
        for who, one, other in zip(("memcheck", "LeakSanitizer", "flarestack"), before, (self.memcheck, self.lsan, self.ours)):
            for site in sites_of(one, other):
                verdicts = ("lost",) if who == "LeakSanitizer" else ALL
                if site and text_of(one, site, verdicts) != text_of(other, site, verdicts):
                    self.problems.append(f"{who} says of {site} {text_of(one, site, verdicts)}, then {text_of(other, site, verdicts)}")

    def expect_alike(self, where, bare, other):
        if bare != other:
            self.problems.append(f"{where} it behaves otherwise: {bare} bare, {other}")

    def record(self):
        trace = os.path.join(self.folder, "t.flare")
        command = [self.options.flarestack, "record", "--quiet", "--no-cpu", "-o", trace, "--", self.program]
        self.expect_alike("recorded", self.bare, peers.run(command, self.folder + "/recorded"))
        told = peers.run([self.options.flarestack, "leaks", "--format", "json", "--top", "0", trace], self.folder + "/report")
        if told.status != 0:
            raise peers.Trouble(f"flarestack leaks: exit status {told.status}: {told.err[-300:]}")
        report = json.loads(told.out)
        self.ours = peers.tally()
        for name, instead in LISTS.items():
            for entry in report.get(name, ()):
                site = peers.site_of(frame["function"] for frame in entry["stack"])
                found = self.ours[site, instead or OURS[entry["verdict"]]]
                found[0] += entry["blocks"]
                found[1] += entry["bytes"]
        for process in report.get("no_verdict", ()):
            if "(exec)" in process["reason"]:
                continue  # memcheck does not look at what was then left either
            self.problems.append(f"a process has no verdict: {process}")

    def disagrees_with_memcheck(self):
        """In a way that is not listed."""
        return any(peer == "memcheck" and (self.name, site, peer) not in self.options.listed
                   for peer, site, _, _ in self.differences)

    def compare(self):
        self.differences = []
        self.false_leaks = []
        for site in sites_of(self.ours, self.memcheck, self.lsan):
            said = (self.memcheck.get((site, "definite")), self.memcheck.get((site, "indirect")), self.lsan.get((site, "lost")))
            if (site, "definite") in self.ours and not any(said):
                self.false_leaks.append(f"false leak: {site or 'of the runtime'}: {text_of(self.ours, site)}; "
                                     f"memcheck: {text_of(self.memcheck, site)}; LeakSanitizer: nothing")
            if not site:
                continue
            ours, theirs = text_of(self.ours, site), text_of(self.memcheck, site)
            if ours != theirs:
                self.differences.append(("memcheck", site, theirs, ours))
            ours, theirs = text_of(lost(self.ours, site), site, ("lost",)), text_of(self.lsan, site, ("lost",))
            if ours != theirs:
                self.differences.append(("lsan", site, theirs, ours))

    def judge(self, listed):
        """Takes from the list what occurs, complains about what is not on it."""
        self.problems += self.false_leaks
        for peer, site, theirs, ours in self.differences:
            entry = listed.pop((self.name, site, peer), None)
            if entry is None:
                self.problems.append(f"{site}: {ours}; {peer}: {theirs}")
            elif (entry["theirs"], entry["ours"]) != (theirs, ours):
                self.problems.append(f"{site}: {ours}; {peer}: {theirs}; listed is {entry['ours']}, {entry['theirs']}")

    def line(self):
        cells = " ".join(f"{total(self.ours or self.memcheck, verdict):>13}" for verdict in VERDICTS)
        runtime = self.memcheck.get(("", "reachable"), (0, 0))
        return (f"{self.name:24}{cells}  memcheck {'=' if not self.counted('memcheck') else self.counted('memcheck'):>2}"
                f"  lsan {'=' if not self.counted('lsan') else self.counted('lsan'):>2}  runtime {runtime[0]:>3}/{runtime[1]:<6} "
                f"{self.seconds:5.1f} s  {'FAILED' if self.problems else 'ok'}")

    def counted(self, peer):
        return sum(1 for difference in self.differences if difference[0] == peer)

    def details(self):
        for site in sites_of(self.ours, self.memcheck, self.lsan):
            yield (f"    {site or '(runtime)':20} flarestack: {text_of(self.ours, site)}; memcheck: {text_of(self.memcheck, site)}; "
                   f"lsan: {text_of(self.lsan, site, ('lost',))}")


def load_differences(options):
    """The reasons, and the exceptions by (program, site, peer); only of the programs that are run."""
    with open(os.path.join(peers.HERE, "differences.json")) as file:
        document = json.load(file)
    reasons = document["reasons"]
    chosen = peers.programs(options.only)
    listed, unknown = {}, []
    for entry in document["differences"]:
        if entry["reason"] not in reasons:
            unknown.append(f"differences.json: no reason is called {entry['reason']}")
        if entry["program"] in chosen:
            listed[entry["program"], entry["site"], entry["peer"]] = entry
        elif entry["program"] not in peers.programs():
            unknown.append(f"differences.json: there is no program {entry['program']}")
    unused = set(reasons) - {entry["reason"] for entry in document["differences"]}
    unknown += [f"differences.json: nothing has the reason {name}" for name in sorted(unused)]
    return reasons, listed, unknown


def print_markdown(programs, reasons, entries):
    """The table of docs/leaks.md: one section a reason."""
    by_reason = collections.defaultdict(list)
    for program in programs:
        for peer, site, theirs, ours in program.differences:
            entry = entries.get((program.name, site, peer), {"reason": ""})
            by_reason[entry["reason"], peer].append((program.name, site, theirs, ours))
    for (reason, peer), rows in sorted(by_reason.items()):
        who = {"memcheck": "memcheck", "lsan": "LeakSanitizer"}[peer]
        print(f"\n{reasons.get(reason, 'Not explained.')}\n\n| program | site | flarestack | {who} |\n|---|---|---|---|")
        for name, site, theirs, ours in rows:
            print(f"| {name} | `{site}` | {ours} | {theirs} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description="compares the leak corpus with memcheck and LeakSanitizer")
    parser.add_argument("--flarestack", help="the program under test")
    parser.add_argument("--peers-only", action="store_true", help="memcheck and LeakSanitizer alone")
    parser.add_argument("--work", help="where programs are built and kept (default: a folder that is removed)")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="programs with WORD in their name")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each program, which have to agree")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--details", action="store_true", help="every site of every program")
    parser.add_argument("--markdown", action="store_true", help="the table of differences for docs/leaks.md")
    options = parser.parse_args()
    if bool(options.flarestack) == options.peers_only:
        parser.error("give either --flarestack PROGRAM or --peers-only")
    if options.flarestack:
        options.flarestack = os.path.abspath(options.flarestack)
    return options


def compare_all(options):
    options.build = os.path.join(options.work, "programs")
    os.makedirs(options.build, exist_ok=True)
    os.environ["CORPUS_BUILD"] = options.build
    reasons, listed, problems = load_differences(options)
    entries = options.listed = dict(listed)
    programs = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(Program(name, source, options).examine) for name, source in peers.programs(options.only).items()]
        for future in running:
            program = future.result()
            program.judge(listed)
            programs.append(program)
            if not options.markdown:
                print(program.line(), *(program.details() if options.details else ()), sep="\n", flush=True)
                for problem in program.problems:
                    print("    " + problem, flush=True)
    if options.flarestack:
        problems += [f"{name}, {site}: no difference from {peer} any more, though it is listed" for name, site, peer in listed]
    if options.markdown:
        print_markdown(programs, reasons, entries)
    print(*problems, sep="\n", end="\n" if problems else "")
    failed = [program.name for program in programs if program.problems]
    print(f"{len(programs)} programs, {len(failed)} failed{': ' if failed else ''}{' '.join(failed)}", file=sys.stderr)
    return 1 if failed or problems or not programs else 0


def main():
    options = parse_arguments()
    peers.require_valgrind()
    if options.work:
        options.work = os.path.abspath(options.work)
        return compare_all(options)
    with tempfile.TemporaryDirectory() as options.work:
        return compare_all(options)


if __name__ == "__main__":
    sys.exit(main())
