"""Measure dealtrace beside its rivals and write the tables: `python -m benchmarks.run --help`.

Answers are compared before times are: each rival first answers once, and what differs from our answer is
reported beside its times. Then the rivals take turns, each run in a fresh process. From the file, a run is
timed from exec to exit; in memory, the process reads the log, answers once to be warm, and times itself.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, table
from benchmarks.logs import NET, SEED, csv_beside, generated, own_file, rows
from benchmarks.measure import ROOT, Bench, compare
from benchmarks.questions import MODULES, QUESTIONS, Log
from benchmarks.table import Cell

NAIVE_LIMIT, PM4PY_LIMIT = 2_000_000, 2_000_000


@dataclass(frozen=True)
class Plan:
    """What is measured on one log."""

    bench: Bench
    events: int
    questions: tuple[str, ...]
    rivals: tuple[str, ...]
    runs: int
    pm4py_limit: int

    def once(self, rival: str) -> bool:
        """Whether the run that answers is the only one: pm4py on a large log."""
        return rival == "pm4py" and self.events > self.pm4py_limit

    def rivals_here(self) -> list[str]:
        """Return who takes part: plain Python does not on a large log."""
        return [name for name in self.rivals if name != "naive" or self.events <= NAIVE_LIMIT]

    def rivals_of(self, question: str) -> list[str]:
        scripts = list(self.bench.scripts) if question == "everything" else []
        return [name for name in self.rivals_here() if name in QUESTIONS[question].rivals] + scripts

    def groups(self) -> list[list[str]]:
        """Return the questions that take turns: those from the file, which are set beside each other."""
        whole = [name for name in self.questions if QUESTIONS[name].from_file]
        alone = [[name] for name in self.questions if name not in whole]
        return [*alone, whole] if whole else alone


def measure(plan: Plan) -> dict[tuple[str, str], Cell]:
    """Answer, compare and time every question of a plan."""
    cells: dict[tuple[str, str], Cell] = {}
    order = random.Random(SEED)
    for group in plan.groups():
        for question in group:
            own = {name: Cell() for name in plan.rivals_of(question)}
            with tempfile.TemporaryDirectory() as folder:
                answer_once(plan, question, own, Path(folder))
            cells |= {(question, name): cell for name, cell in own.items()}
        here = [(*key, cell) for key, cell in cells.items() if key[0] in group]
        for _ in range(plan.runs):
            # Who comes behind a process that took much memory finds none of it at hand, so the order changes.
            order.shuffle(here)
            for question, name, cell in here:
                if not (plan.once(name) or cell.failure):
                    cell.runs.append(plan.bench.run(name, question))
                    note(f"  {question} {name} {cell.runs[-1]}")
    return cells


def answer_once(plan: Plan, question: str, cells: dict[str, Cell], folder: Path) -> None:
    """Let each rival answer once and compare; a rival that runs once only, or fails, is not run again."""
    for name, cell in cells.items():
        run = plan.bench.run(name, question, folder / name)
        if run.failure or plan.once(name):
            cell.runs.append(run)
        if name != "ours" and not run.failure and (folder / "ours").exists():
            summary = name in plan.bench.scripts
            cell.differs = compare(folder / "ours", folder / name, summary=summary)
        if QUESTIONS[question].interactive and not run.failure:
            cell.kept = kept(folder / name)
        note(f"  {question} {name} answers {cell.kept} {cell.differs} {run.failure}")


def kept(answer: Path) -> str:
    """Say which share of the cases an answer is about."""
    section = json.loads(answer.read_text()).get("kept")
    if section is None:
        return ""
    cases, of = section["cases"]
    return f"{100 * cases / of:.1f} % of cases"


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def heading(plan: Plan) -> str:
    log = plan.bench.log
    net = f", net {Path(log.net).name}" if log.net else ""
    return f"{plan.events:,} events ({Path(log.path).name}{net}), median of {plan.runs} runs"


def footer(options: argparse.Namespace) -> str:
    """Say what all of it was measured with."""
    ours = ", ".join(f"{k} {v}" for k, v in machine.versions(machine.OURS).items())
    theirs = machine.versions_in(options.rivals_python, machine.RIVALS)
    rivals = ", ".join(f"{k} {v}" for k, v in theirs.items())
    command = shlex.join(["python", "-m", "benchmarks.run", *public(sys.argv[1:])])
    return (
        f"Machine: {machine.machine()}.\nOurs: {ours}.\nRivals: {rivals}.\nCommand: `{command}`.\n\n"
        "In memory: the log is read and the question answered once before; then the median of repeated runs. "
        "Filters and sequences: the same, on dealtrace's own file, opened, and on the rivals' tables, "
        "sorted, encoded and with the attributes they filter by. "
        "From the file: exec to exit of a fresh process, with its peak memory. In parentheses: times ours. "
        f"Page cache warm; pm4py on more than {options.pm4py_limit:,} events runs once, not warmed."
    )


def public(arguments: list[str]) -> list[str]:
    """Return the arguments with paths cut to their names."""
    cut = [re.sub(r"(?<==)[^=]*/", "", word) for word in arguments]
    return [Path(word).name if "/" in word and not word.startswith("--") else word for word in cut]


def arguments() -> argparse.Namespace:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    add = parser.add_argument
    add("--sizes", default="1e6", help="events of generated logs, such as 1e6,1e7")
    add("--log", action="append", default=[], help="an existing Parquet file instead; repeatable")
    add("--columns", default="case_id,activity,timestamp", help="its case id, activity, timestamp")
    add("--net", default="", help="PNML file for token replay; with --log and without it there is no replay")
    add("--questions", default=",".join(QUESTIONS), help="some of: %(default)s")
    add("--rivals", default=",".join(MODULES), help="some of: %(default)s")
    add("--runs", type=int, default=5)
    add("--rivals-python", default=sys.executable, help="interpreter with requirements.txt installed")
    add("--pm4py-limit", type=float, default=PM4PY_LIMIT, help="on more events pm4py runs once")
    add("--limit", type=float, default=1800, help="seconds of one run, then it is ended and reported")
    add("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    add("--no-write", action="store_true", help="print the table, change no README")
    add("--script", action="append", default=[], metavar="NAME=PATH",
        help="a further rival from the file: it takes the Parquet file and prints a line of JSON "
             "with edges, variants, p; repeatable")  # fmt: skip
    options = parser.parse_args()
    options.scripts = scripts(parser, options.script)
    options.pm4py_limit = int(options.pm4py_limit)
    options.questions = chosen(parser, options.questions, list(QUESTIONS))
    options.rivals = chosen(parser, options.rivals, list(MODULES))
    return options


def chosen(parser: argparse.ArgumentParser, text: str, known: list[str]) -> tuple[str, ...]:
    """Split a comma-separated choice; end with what is known when a name is not."""
    names = tuple(text.split(","))
    for name in names:
        if name not in known:
            parser.error(f"{name!r} is none of {', '.join(known)}")
    return names


def scripts(parser: argparse.ArgumentParser, texts: list[str]) -> dict[str, str]:
    """Return name to path of further rivals."""
    found = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not path or name in MODULES or not Path(path).is_file():
            parser.error(f"--script is NAME=PATH, of a file and with a new name, got {text!r}")
        found[name] = str(Path(path).resolve())
    return found


def plans(options: argparse.Namespace) -> list[Plan]:
    """Return one plan per log."""
    case_id, activity, timestamp = options.columns.split(",")
    net = str(Path(options.net).resolve()) if options.net else "" if options.log else str(NET)
    sizes = [] if options.log else [int(float(size)) for size in options.sizes.split(",")]
    paths = [Path(path).resolve() for path in options.log]
    paths += [generated(size, Path(options.cache)) for size in sizes]
    questions = tuple(
        name for name in options.questions
        if (net or not QUESTIONS[name].replays) and not (options.log and QUESTIONS[name].interactive)
    )  # fmt: skip
    opened = any(QUESTIONS[name].interactive for name in questions)
    from_csv = any(QUESTIONS[name].from_csv for name in questions)
    found = []
    for path in paths:
        own = str(own_file(path, Path(options.cache))) if opened else ""
        csv = str(csv_beside(path)) if from_csv else ""
        log = Log(str(path), case_id, activity, timestamp, net, own, csv)
        bench = Bench(log, options.rivals_python, options.limit, options.scripts)
        events = rows(sys.executable, log)
        found.append(Plan(bench, events, questions, options.rivals, options.runs, options.pm4py_limit))
    return found


def main() -> None:
    options = arguments()
    long, short = [], []
    for plan in plans(options):
        note(heading(plan))
        cells = measure(plan)
        names = [
            name for name in (*plan.rivals, *options.scripts) if any(rival == name for _, rival in cells)
        ]
        text = table.markdown(cells, plan.questions, names)
        differs = table.differences(cells)
        long.append("\n".join([f"### {heading(plan)}", "", text, "", *differs]).strip())
        whole = [name for name in plan.questions if QUESTIONS[name].from_file] or list(plan.questions)
        short.append(f"**{heading(plan)}**\n\n{table.markdown(cells, whole, names)}")
    made = f"Logs made by dealtrace's own generator, seed {SEED}." if not options.log else ""
    full = "\n\n".join([*long, made, footer(options)])
    print(full)
    if not options.no_write:
        table.put(ROOT / "benchmarks" / "README.md", full)
        table.put(ROOT / "README.md", "\n\n".join([*short, f"Measured on {machine.machine()}; "
                  "all figures: [benchmarks/README.md](benchmarks/README.md)."]))  # fmt: skip


if __name__ == "__main__":
    main()
