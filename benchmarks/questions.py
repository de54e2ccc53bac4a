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
CSV_TOOLS = ("ours", "polars", "duckdb")
INTERACTIVE_TOOLS = ("ours", "polars", "duckdb")

HALF = ("DACH", "North America", "France")
"""Regions with about half of the cases of a generated log."""
TWENTIETH = ("DACH", "Analytics")
"""A region and a product that about one case in twenty has."""
SEQUENCE = ("Quote Created", "Quote Revised", "Quote/Proposal Issued")
"""A quote is created, and later revised once or more and issued right after."""
ATTRIBUTES = ("region", "product")
"""Columns that the interactive questions filter by; the generator makes them."""


class Log(NamedTuple):
    """A Parquet file of events, its three columns, and the net to replay on.

    The same log as dealtrace's own file is beside it where interactive questions are asked, and as CSV where
    that is read.
    """

    path: str
    case_id: str = "case_id"
    activity: str = "activity"
    timestamp: str = "timestamp"
    net: str = ""
    own_file: str = ""
    csv: str = ""


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
    interactive : bool
        Whether it filters a log that is open: dealtrace's own file, the rivals' sorted and encoded tables,
        with the attributes of `ATTRIBUTES`.
    from_csv : bool
        Whether the file is the one in CSV.
    rivals : tuple of str
        Who answers.
    """

    title: str
    from_file: bool = False
    replays: bool = False
    interactive: bool = False
    from_csv: bool = False
    rivals: tuple[str, ...] = TABLE_TOOLS


def _interactive(title: str, *, rivals: tuple[str, ...] = INTERACTIVE_TOOLS) -> Question:
    return Question(title, interactive=True, rivals=rivals)


QUESTIONS = {
    "directly_follows": Question("directly-follows counts", rivals=(*TABLE_TOOLS, "r4pm")),
    "performance": Question("performance graph: mean, median, min, max, sum, stdev per edge"),
    "percentiles": Question("p50, p90, p95, p99 per edge"),
    "variants": Question("variants with counts", rivals=(*TABLE_TOOLS, "r4pm")),
    "throughput": Question("throughput time percentiles"),
    "replay": Question("token replay", replays=True, rivals=REPLAY_TOOLS),
    "filter_half": _interactive("filter by three regions + counts, percentiles, variants"),
    "filter_twentieth": _interactive("filter by region and product + counts, percentiles, variants"),
    "filter_rework": _interactive("filter of cases with rework + counts, percentiles, variants"),
    "sequence": _interactive("cases with the sequence " + "{} -> ... -> {}+ -> {}".format(*SEQUENCE)),
    "open": _interactive("open the log's own file", rivals=("ours", "polars")),
    "everything": Question("from the file: all but replay", from_file=True),
    "everything_csv": Question(
        "from a CSV file: all but replay", from_file=True, from_csv=True, rivals=CSV_TOOLS
    ),
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
INTERACTIVE_MODULES = {
    "ours": "benchmarks.rivals.ours_open",
    "polars": "benchmarks.rivals.polars_open",
    "duckdb": "benchmarks.rivals.duckdb_open",
}


class Rival(Protocol):
    """What the module of a rival offers.

    `load` reads the log into the form the tool works on, `load_csv` (of `CSV_TOOLS`) does so from CSV;
    ``ASK[question]`` takes that and returns what the tool returns; ``TELL[question]`` turns that into the
    canonical plain form and is never timed.
    """

    @property
    def ASK(self) -> Mapping[str, Callable[[Any], Any]]: ...
    @property
    def TELL(self) -> Mapping[str, Callable[[Any], Answer]]: ...
    def load(self, log: Log) -> Any: ...


def rival(name: str, *, interactive: bool = False) -> Rival:
    """Import the module of a rival."""
    return cast(Rival, import_module((INTERACTIVE_MODULES if interactive else MODULES)[name]))
