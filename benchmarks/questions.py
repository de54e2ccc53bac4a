"""The registry: each question, and which rivals answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from benchmarks.answers import Answer

PERCENTILES = (50, 90, 95, 99)
TABLE_TOOLS = ("ours", "naive", "polars", "duckdb", "pm4py")
REPLAY_TOOLS = ("ours", "pm4py")


class Log(NamedTuple):
    """A Parquet file of events, its three columns, and the net to replay on."""

    path: str
    case_id: str = "case_id"
    activity: str = "activity"
    timestamp: str = "timestamp"
    net: str = ""


@dataclass(frozen=True)
class Question:
    """A question to an event log.

    Attributes
    ----------
    title : str
        As it stands in the table.
    from_file : bool
        Whether reading the log belongs to the time (exec to exit); else the log is in memory and warm.
    replays : bool
        Whether a net is needed.
    rivals : tuple of str
        Who answers.
    """

    title: str
    from_file: bool = False
    replays: bool = False
    rivals: tuple[str, ...] = TABLE_TOOLS


QUESTIONS = {
    "directly_follows": Question("directly-follows counts", rivals=(*TABLE_TOOLS, "r4pm")),
    "performance": Question("performance graph: mean, median, min, max, sum, stdev per edge"),
    "percentiles": Question("p50, p90, p95, p99 per edge"),
    "variants": Question("variants with counts", rivals=(*TABLE_TOOLS, "r4pm")),
    "throughput": Question("throughput time percentiles"),
    "replay": Question("token replay", replays=True, rivals=REPLAY_TOOLS),
    "everything": Question("from the file: all but replay", from_file=True),
    "everything_replay": Question(
        "from the file: all and replay", from_file=True, replays=True, rivals=REPLAY_TOOLS
    ),
}

MODULES = {
    "ours": "benchmarks.rivals.ours",
    "naive": "benchmarks.rivals.naive",
    "polars": "benchmarks.rivals.polars_expert",
    "duckdb": "benchmarks.rivals.duckdb_sql",
    "pm4py": "benchmarks.rivals.pm4py_calls",
    "r4pm": "benchmarks.rivals.r4pm_calls",
}


class Rival(Protocol):
    """What the module of a rival offers.

    `load` reads the log into the form the tool works on; ``ASK[question]`` takes that and returns what the
    tool returns; ``TELL[question]`` turns that into the canonical plain form and is never timed.
    """

    @property
    def ASK(self) -> Mapping[str, Callable[[Any], Any]]: ...
    @property
    def TELL(self) -> Mapping[str, Callable[[Any], Answer]]: ...
    def load(self, log: Log) -> Any: ...


def rival(name: str) -> Rival:
    """Import the module of a rival."""
    return cast(Rival, import_module(MODULES[name]))
