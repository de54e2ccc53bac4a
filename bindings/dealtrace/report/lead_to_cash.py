"""What sales and finance ask, answered once more for a result folder: a table a question, with its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.lead_to_cash.findings import CONVERTED, VALUES
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.results import Result, plain

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace.report.analysis import Step
    from dealtrace_engine.log import EventLog

FORMAT = 1
MOST_ROWS = 2_000
"""Of a table in JSON; all rows are in its Parquet file."""


@dataclass(frozen=True)
class Answers:
    """Answers by the name of their question, and why others could not be answered.

    Attributes
    ----------
    results : mapping of str to Result
    unanswered : mapping of str to str
        Question to the reason.
    """

    results: Mapping[str, Result]
    unanswered: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values: of each table its schema and its first rows."""
        return {
            "schema": f"dealtrace.lead_to_cash/{FORMAT}",
            "answers": {name: described(result) for name, result in self.results.items()},
            "unanswered": dict(self.unanswered),
        }


def described(result: Result) -> dict[str, Any]:
    """Return a result's main table as plain values: what it is, its columns, its rows.

    Examples
    --------
    >>> import dealtrace as dt
    >>> log = dt.from_arrow(dt.lead_to_cash(50).events)
    >>> told = described(dt.funnel(log))
    >>> sorted(told), told["columns"][0]
    (['columns', 'definition', 'rows', 'table'], {'name': 'step', 'type': 'string'})
    """
    table: pa.Table = result.to_arrow()
    return {
        "definition": result.definition,
        "columns": [{"name": field.name, "type": str(field.type)} for field in table.schema],
        "rows": table.num_rows,
        "table": plain(table.slice(0, MOST_ROWS)),
    }


def answers(log: EventLog, threads: int | None, step: Step) -> Answers:
    """Ask everything, side by side; what the log cannot answer is named with the reason."""
    questions = _questions(log, threads)

    def asked(name: str) -> Result | DealtraceError:
        try:
            result = questions[name]()
            result.to_arrow()
        except DealtraceError as error:
            return error
        return result

    with step("lead to cash") as progress:
        found = map_blocks(asked, list(questions), threads=threads, progress=progress)
    told = dict(zip(questions, found, strict=True))
    return Answers(
        {name: answer for name, answer in told.items() if isinstance(answer, Result)},
        {name: str(answer) for name, answer in told.items() if not isinstance(answer, Result)},
    )


def _questions(log: EventLog, threads: int | None) -> dict[str, Callable[[], Result]]:
    import dealtrace as dt

    money = next((name for name in (CONVERTED, *VALUES) if name in log.attribute_names), None)
    more: dict[str, Any] = {"value": money, "threads": threads}
    return {
        "segments": lambda: dt.segments(log, **more),
        "survival": lambda: dt.segment_survival(log, threads=threads),
        "stages": lambda: dt.stages(log, **more),
        "funnel": lambda: dt.funnel(log, **more),
        "bottlenecks": lambda: dt.bottlenecks(log, **more),
        "rework": lambda: dt.rework(log, **more),
        "handovers": lambda: dt.handovers(log, threads=threads),
        "rep_benchmark": lambda: dt.rep_benchmark(log, threads=threads),
        "journeys": lambda: dt.journeys(log, **more),
        "rules": lambda: dt.check_rules(log, **more),
        "receivables": lambda: dt.receivables(log, threads=threads),
        "discounts": lambda: dt.discounts(log, threads=threads),
        "kpis": lambda: dt.kpis(log, **more),
    }


def write_answers(found: Answers, folder: Path) -> list[str]:
    """Write a Parquet file for each answer and lead_to_cash.json for all of them; return the names.

    Raises
    ------
    OSError
        The disk does not take them.
    """
    import json

    import pyarrow.parquet as pq

    names = ["lead_to_cash.json"]
    for name, result in found.results.items():
        names.append(f"{name}.parquet")
        pq.write_table(result.to_arrow(), folder / names[-1], compression="zstd")
    text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / names[0]).write_text(f"{text}\n", "utf-8")
    return names
