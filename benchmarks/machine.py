"""What the figures were measured with: the machine and the versions."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OURS = ("dealtrace", "numpy", "numba", "pyarrow")
RIVALS = ("pm4py", "r4pm", "polars", "duckdb", "pandas", "numpy", "pyarrow")


def processor() -> str:
    """Return the model of the CPU."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def memory_gib() -> float:
    """Return the size of the main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def machine() -> str:
    """Describe the machine in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor()}, {cores} cores, {memory_gib():.0f} GiB, {platform.system()} {platform.machine()}"


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the packages that are installed here."""
    found = {"Python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def versions_in(python: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the packages that are installed in another interpreter."""
    command = [python, "-m", "benchmarks.machine", *names]
    root = Path(__file__).resolve().parents[1]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout
    return dict(json.loads(found))


if __name__ == "__main__":
    print(json.dumps(versions(tuple(sys.argv[1:]))))
