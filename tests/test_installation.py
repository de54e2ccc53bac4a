"""Installations that cannot be written, homes that are elsewhere or nowhere, and two that start at once.

The packages are copied, so that nothing of the checkout is written or found. Root may write anywhere; a child
that is to find a folder read-only gives up that right, and says first that it cannot write there.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dealtrace
import dealtrace_engine
import dealtrace_ext

DROP_FROM_BOUNDING_SET, DAC_OVERRIDE = 24, 1
"""Of Linux: without this capability root, too, is bound by the permissions of its own files."""
JOB = """
import pyarrow as pa
import dealtrace as dt
from dealtrace import where as w
from dealtrace_engine.warmup import kernels
log = dt.from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "b", "a"],
                              "time": ["2024-01-01", "2024-01-03", "2024-01-02"]}))
part = log.filter(w.contains("b") & ~w.rework())
print(part.cases, dt.directly_follows(part).edges["mean_s"].to_pylist())
used = [kernel.stats for kernel in kernels().values() if kernel.signatures]
print(len(used) > 1, sum(sum(stats.cache_misses.values()) for stats in used), used[0].cache_path)
"""
NO_ENTRY = """
import pwd
def unknown(user): raise KeyError(user)
pwd.getpwuid = unknown
"""
UNTESTED = "NOT TESTED: no folder can be made read-only for this user here"
ANSWER = ["1 [172800.0]"]


class Installation:
    """A copy of the packages in a folder, and how to run it."""

    def __init__(self, folder: Path) -> None:
        self.site, self.home, self.stand = (folder / name for name in ("site", "home", "stand"))
        for path in (self.home, self.stand):
            path.mkdir()
        for package in (dealtrace, dealtrace_engine, dealtrace_ext):
            source = Path(package.__file__).parent
            ignored = shutil.ignore_patterns("__pycache__", "*.pyx", "*.c", "*.cpp")
            shutil.copytree(source, self.site / source.name, ignore=ignored)

    def close(self, *folders: Path) -> None:
        """Make folders read-only."""
        for top in folders:
            for folder, _, _ in os.walk(top):
                os.chmod(folder, 0o555)

    def open(self) -> None:
        """Let everything be written, and deleted, again."""
        for top in (self.site, self.home, self.stand):
            for folder, _, _ in os.walk(top):
                os.chmod(folder, 0o755)

    def start(self, *command: str, **around: str | None) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(self.site), "HOME": str(self.home),
            "PYTHONDONTWRITEBYTECODE": "1", **around,
        }  # fmt: skip
        given = {name: text for name, text in environment.items() if text is not None}
        return subprocess.Popen(
            [sys.executable, *command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=given,
            cwd=self.stand, preexec_fn=_bound_by_permissions,
        )  # fmt: skip

    def run(self, code: str = JOB, **around: str | None) -> list[str]:
        """Return what the job prints."""
        code, out, err = ended(self.start("-c", code, **around))
        assert (code, err) == (0, "")
        return out.splitlines()

    def warm_up(self) -> tuple[int, str, str]:
        """Return the code of the command, and what it says."""
        return ended(self.start("-m", "dealtrace", "warmup"))

    def is_read_only(self, folder: Path) -> bool:
        code = "import sys, tempfile; tempfile.TemporaryFile(dir=sys.argv[1])"
        return "Permission" in ended(self.start("-c", code, str(folder)))[2]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def _bound_by_permissions() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def installed(tmp_path):
    installation = Installation(tmp_path)
    yield installation
    installation.open()


@pytest.fixture
def read_only(installed):
    installed.close(installed.site)
    if not installed.is_read_only(installed.site):
        pytest.skip(UNTESTED)
    return installed


def told(lines: list[str]) -> tuple[int, str]:
    """Return how many kernels were compiled, and where the cache is."""
    assert lines[:-1] == ANSWER
    several, misses, place = lines[-1].split(" ", 2)
    assert several == "True"
    return int(misses), place


def test_a_read_only_installation_keeps_its_code_in_the_home_of_the_user(read_only, tmp_path):
    misses, place = told(read_only.run())
    assert misses > 1
    assert Path(place).is_relative_to(read_only.home)
    assert told(read_only.run()) == (0, place)
    (tmp_path / "elsewhere").mkdir()
    misses, other = told(read_only.run(HOME=str(tmp_path / "elsewhere")))
    assert misses > 1
    assert Path(other).is_relative_to(tmp_path / "elsewhere")


def test_what_was_compiled_ahead_is_used_where_nothing_can_be_written(installed):
    installed.run()
    installed.close(installed.site, installed.home)
    if not installed.is_read_only(installed.site):
        pytest.skip(UNTESTED)
    misses, place = told(installed.run())
    assert misses == 0
    assert Path(place).is_relative_to(installed.site)
    misses, _ = told(installed.run(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES=""))
    assert misses > 1  # compiled on another machine: of no use, and no harm


def test_no_place_at_all(read_only):
    read_only.close(read_only.home, read_only.stand)
    misses, _ = told(read_only.run())
    assert misses > 1
    assert told(read_only.run())[0] == misses
    process = read_only.start("-m", "dealtrace", "warmup")
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err.startswith(
        "dealtrace: error: no folder for compiled kernels can be written; set NUMBA_CACHE_DIR"
    )


def test_a_folder_that_is_named(read_only, tmp_path):
    wanted = tmp_path / "wanted"
    misses, place = told(read_only.run(NUMBA_CACHE_DIR=str(wanted)))
    assert misses > 1
    assert Path(place).is_relative_to(wanted)
    read_only.close(wanted, read_only.home)
    assert told(read_only.run(NUMBA_CACHE_DIR=str(wanted))) == (0, place)


@pytest.mark.skipif(sys.platform == "win32", reason="users have no entry in a list there")
def test_a_user_without_entry_and_home(read_only):
    misses, _ = told(read_only.run(NO_ENTRY + JOB, HOME=None))
    assert misses > 1
    assert not list(read_only.stand.iterdir()), "a folder called ~ was made"


def test_two_that_start_together_on_an_empty_cache(installed):
    both = [installed.start("-c", JOB) for _ in range(2)]
    for code, out, err in map(ended, both):
        assert (code, err) == (0, "")
        told(out.splitlines())
    assert told(installed.run())[0] == 0


@pytest.mark.slow
def test_two_warm_ups_that_start_together_and_one_that_finds_all_there(installed):
    both = [installed.start("-m", "dealtrace", "warmup") for _ in range(2)]
    assert [ended(process)[0] for process in both] == [0, 0]
    assert told(installed.run())[0] == 0
    installed.close(installed.site, installed.home)
    code, out, _ = installed.warm_up()
    assert code == 0
    assert "0 compiled now" in out
