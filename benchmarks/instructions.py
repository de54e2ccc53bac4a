"""Count the instructions of the hot kernels of `ext`, so that a regression shows on a noisy machine.

Each kernel runs twice under valgrind's callgrind, with few and with more repeats; the difference is the
kernel's own, without the interpreter and the imports: ``(more - few) / (events * repeats between)``. Inputs
are fixed. Counts hold for one compiler and one architecture; valgrind knows no AVX-512, so that dispatch at
run time takes the next best.

`python -m benchmarks.instructions` records instructions.json and the table in README.md; ``--check`` compares
with what is recorded, says what grew by more than 3 %, and ends with 1 if anything did.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks import table
from benchmarks.instruction_kernels import KERNELS, make_inputs
from benchmarks.measure import ROOT, environment

FEW, MORE = 1, 3
GROWTH = 0.03
RECORD = ROOT / "benchmarks" / "instructions.json"
START, END = "<!-- instructions table -->", "<!-- /instructions table -->"
STEADY = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Growth(NamedTuple):
    """A kernel that takes more instructions an event than recorded."""

    kernel: str
    recorded: float
    counted: float

    def __str__(self) -> str:
        more = 100 * (self.counted / self.recorded - 1) if self.recorded else float("inf")
        return (
            f"{self.kernel}: {self.recorded:.2f} -> {self.counted:.2f} instructions an event (+{more:.1f} %)"
        )


def counted(inputs: Path, kernel: str, repeats: int) -> tuple[int, int]:
    """Return the instructions of a process that runs a kernel so often, and its events per run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable,
                   "-m", "benchmarks.instruction_kernels", str(inputs), kernel, str(repeats)]  # fmt: skip
        around = environment() | STEADY
        done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{kernel}: {done.stderr.strip().splitlines()[-1]}")
        return total(out.read_text()), int(done.stdout)


def total(output: str) -> int:
    """Return the sum of the parts of a callgrind file.

    Examples
    --------
    >>> total("version: 1\\nsummary: 1200\\nfn=(0)\\ntotals: 1234\\n")
    1234
    """
    found = re.findall(r"^(?:totals|summary): (\d+)", output, re.MULTILINE)
    if not found:
        raise SystemExit("callgrind wrote no totals")
    return int(found[-1])


def per_event(inputs: Path, kernel: str) -> float:
    """Return the instructions an event of a kernel."""
    (few, events), (more, _) = (counted(inputs, kernel, repeats) for repeats in (FEW, MORE))
    return (more - few) / (events * (MORE - FEW))


def count_all(kernels: list[str], jobs: int) -> dict[str, float]:
    """Count some kernels, a few processes at once: counts, unlike times, do not mind."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        inputs = Path(folder, "inputs.npz")
        make_inputs(inputs)
        found = pool.map(lambda kernel: per_event(inputs, kernel), kernels)
        return {kernel: round(count, 3) for kernel, count in zip(kernels, found, strict=True)}


def grown(recorded: dict[str, float], now: dict[str, float], growth: float = GROWTH) -> list[Growth]:
    """Return what takes more than the recorded instructions, and a share more.

    Examples
    --------
    >>> [change.kernel for change in grown({"a": 10.0, "b": 10.0}, {"a": 10.2, "b": 10.4, "c": 1.0})]
    ['b']
    """
    changes = (Growth(name, recorded[name], count) for name, count in now.items() if name in recorded)
    return [change for change in changes if change.counted > change.recorded * (1 + growth)]


def setting() -> str:
    """Say what the counts depend on."""
    asked = (["valgrind", "--version"], [os.environ.get("CC", "cc"), "--version"])
    lines = [subprocess.run(words, capture_output=True, text=True, check=False).stdout for words in asked]
    return ", ".join(line.splitlines()[0] for line in lines if line) + f", {os.uname().machine}"


def markdown(counts: dict[str, float], where: str) -> str:
    lines = ["| kernel | instructions an event |", "|---|---|"]
    lines += [f"| `{kernel}` | {count:.2f} |" for kernel, count in counts.items()]
    return "\n".join([*lines, "", f"Counted with {where}: `python -m benchmarks.instructions`."])


def arguments() -> argparse.Namespace:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    add = parser.add_argument
    add("--check", action="store_true", help="compare with what is recorded, change nothing")
    add("--kernels", default=",".join(KERNELS), help="some of: %(default)s")
    add("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at once")
    options = parser.parse_args()
    options.kernels = options.kernels.split(",")
    unknown = [name for name in options.kernels if name not in KERNELS]
    if unknown:
        parser.error(f"{unknown[0]!r} is none of {', '.join(KERNELS)}")
    if not shutil.which("valgrind"):
        parser.error("valgrind is not installed")
    return options


def check(now: dict[str, float], recorded: dict[str, float]) -> int:
    """Print counts beside the recorded ones and what grew; return the exit code."""
    for kernel, count in now.items():
        print(f"{kernel:32} {recorded.get(kernel, float('nan')):10.2f} {count:10.2f}")
    changes = grown(recorded, now)
    print(*(f"grew: {change}" for change in changes), sep="\n")
    return 1 if changes else 0


def main() -> None:
    options = arguments()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"instructions_per_event": {}}
    recorded = record["instructions_per_event"]
    now = count_all(options.kernels, options.jobs)
    if options.check:
        sys.exit(check(now, recorded))
    both = recorded | now
    counts = {kernel: both[kernel] for kernel in KERNELS if kernel in both}
    where = setting()
    RECORD.write_text(json.dumps({"counted_with": where, "instructions_per_event": counts}, indent=2) + "\n")
    text = markdown(counts, where)
    table.put(ROOT / "benchmarks" / "README.md", text, (START, END))
    print(text)


if __name__ == "__main__":
    main()
