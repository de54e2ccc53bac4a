"""One rival, one question, in a process of its own; started by `benchmarks.measure`, prints one line of JSON.

From the file: the process reads the log, answers and exits, and the caller times it. In memory: the process
reads the log, answers once to be warm, and times itself; short answers are repeated and the median is taken.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from benchmarks.questions import QUESTIONS, Log, rival

REPEAT_SECONDS, REPEATS = 1.0, 21
"""A question in memory is repeated for so long or so often, whichever comes first."""


def timed(ask: Callable[[Any], Any], loaded: Any) -> float:
    """Return the median of repeated runs, in seconds."""
    from statistics import median  # not on the way from a file

    runs: list[float] = []
    while not runs or (sum(runs) < REPEAT_SECONDS and len(runs) < REPEATS):
        start = perf_counter()
        ask(loaded)
        runs.append(perf_counter() - start)
    return median(runs)


def work(name: str, question: str, log: Log, answer: str) -> dict[str, float]:
    tool = rival(name, interactive=QUESTIONS[question].interactive)
    start = perf_counter()
    loaded = cast(Any, tool).load_csv(log) if QUESTIONS[question].from_csv else tool.load(log)
    asked = perf_counter()
    found = tool.ASK[question](loaded)
    report = {"load_s": asked - start, "first_s": perf_counter() - asked}
    if not QUESTIONS[question].from_file:
        report["seconds"] = report["first_s"] if answer else timed(tool.ASK[question], loaded)
    report["peak_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = perf_counter()
    if answer:
        Path(answer).write_text(json.dumps(tool.TELL[question](found)))
    return report | {"tell_s": perf_counter() - told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rival")
    parser.add_argument("question")
    parser.add_argument("--log", type=json.loads, required=True, help="fields of questions.Log, as JSON")
    parser.add_argument("--answer", default="", help="write the answer here; asked only once then")
    options = parser.parse_args()
    print(json.dumps(work(options.rival, options.question, Log(**options.log), options.answer)))


if __name__ == "__main__":
    main()
