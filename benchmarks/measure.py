"""A run: one rival, one question, one fresh process, timed from exec to exit, with its peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from benchmarks.questions import QUESTIONS, Log

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes
    ----------
    seconds : float
        Exec to exit for a question from the file, else what the process measured on the log in memory.
    peak_mb : float
        The largest resident set of the process until it had the answer (ru_maxrss), in 2**20 bytes.
    failure : str
        Empty, or why there is no time.
    """

    seconds: float
    peak_mb: float
    failure: str = ""


@dataclass(frozen=True)
class Bench:
    """Where runs take place.

    Attributes
    ----------
    log : Log
    rivals_python : str
        Interpreter of the rivals; ours runs in the one that runs the benchmark.
    limit_s : float
        A run that takes longer is ended and reported.
    scripts : mapping of str to str
        Name to path of further scripts, which take the Parquet file and print a line of JSON.
    """

    log: Log
    rivals_python: str
    limit_s: float
    scripts: Mapping[str, str] = field(default_factory=dict)

    def python(self, rival: str) -> str:
        return sys.executable if rival == "ours" else self.rivals_python

    def command(self, rival: str, question: str) -> list[str]:
        log = self.log if QUESTIONS[question].replays else self.log._replace(net="")
        fields = json.dumps(log._asdict())
        return [self.python(rival), "-m", "benchmarks.worker", rival, question, "--log", fields]

    def run(self, rival: str, question: str, answer: Path | None = None) -> Run:
        """Start a process, wait for it, and return what it took.

        With `answer` it also writes its answer there, which does not count, and answers only once.
        """
        if rival in self.scripts:
            return self._run_script(self.scripts[rival], answer)
        extra = ["--answer", str(answer)] if answer else []
        process = timed_process([*self.command(rival, question), *extra], self.limit_s)
        if process.failure:
            return Run(process.seconds, process.peak_mb, process.failure)
        report = json.loads(process.output.strip().splitlines()[-1])
        exec_to_exit = process.seconds - report["tell_s"]
        return Run(report.get("seconds", exec_to_exit), report["peak_kb"] / 1024)

    def _run_script(self, script: str, answer: Path | None) -> Run:
        process = timed_process([self.rivals_python, script, self.log.path], self.limit_s)
        if answer and not process.failure:
            answer.write_text(process.output.strip().splitlines()[-1])
        return Run(process.seconds, process.peak_mb, process.failure)


@dataclass(frozen=True)
class Process:
    """A process that has ended."""

    seconds: float
    peak_mb: float
    output: str
    failure: str


def timed_process(command: list[str], limit_s: float, **variables: str) -> Process:
    """Run a command from exec to exit, at most `limit_s` seconds, with more environment variables."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = perf_counter()
        around = environment() | variables
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=ROOT, env=around)
        timer = threading.Timer(limit_s, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        failure = _failure(process.returncode, seconds, limit_s, errors.read())
        return Process(seconds, usage.ru_maxrss / 1024, output.read(), failure)


def environment() -> dict[str, str]:
    """Return the environment of the workers: quiet, compiled once, and the checkout is on the path."""
    folders = [str(ROOT / name) for name in ("bindings", "engine", "ext")]
    paths = [*folders, *filter(None, [os.environ.get("PYTHONPATH")])]
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**compiled, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore"}


def _failure(code: int, seconds: float, limit_s: float, errors: str) -> str:
    if code == 0:
        return ""
    if seconds >= limit_s:
        return f"over {limit_s:g} s"
    lines = errors.strip().splitlines() or [f"exit code {code}"]
    return f"failed: {lines[-1][:200]}"


def compare(ours: Path, theirs: Path, *, summary: bool = False) -> str:
    """Say what differs between two answers; in a process of its own, for they may be large."""
    words = [str(ours), str(theirs), *(["--summary"] if summary else [])]
    process = timed_process([sys.executable, "-m", "benchmarks.answers", *words], 600)
    return process.failure or process.output.strip()
