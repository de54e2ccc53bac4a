"""What sales and finance ask, answered once more for a result folder: a table a question, with its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.report.schemas import columns_of, documented, labelled
from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.lead_to_cash.findings_amounts import usual_amount
from dealtrace_engine.lead_to_cash.findings_context import Context
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.results import Result, plain

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace.report.analysis import Step
    from dealtrace_engine.log import EventLog

FORMAT = 2
LEFT_OUT = {
    "forecast": "takes longer than all other answers together: dealtrace.forecast(log)",
    "what_if": "asks for a change: dealtrace.what_if(log, changes)",
}
"""Question to why it is not asked here, and how to ask it."""
MORE = {"kpis": ("definitions",)}
"""Question to tables that are not in the JSON of its result."""
MOST_ROWS = 2_000
"""Of a table in JSON; all rows are in its Parquet file."""


@dataclass(frozen=True)
class Answers:
    """Answers by the name of their question, and why others could not be answered.

    Amounts are those of the log in their own currencies, which are never added; only `findings` ranks by
    converted ones.

    Attributes
    ----------
    results : mapping of str to Result
    unanswered : mapping of str to str
        Question to the reason.
    notes : sequence of str
        Amounts that cannot be used.
    """

    results: Mapping[str, Result]
    unanswered: Mapping[str, str]
    notes: Sequence[str] = ()

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """All tables by the names of their files, with what they are as metadata.

        That of a question is called like it, any other one like the question and itself.
        """
        return dict(chain.from_iterable(_tables(name, result) for name, result in self.results.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values: of each table its schema and its first rows."""
        return {
            "schema": f"dealtrace.lead_to_cash/{FORMAT}",
            "answers": {name: described(table) for name, table in self.tables.items()},
            "unanswered": dict(self.unanswered),
            "left_out": LEFT_OUT,
            "notes": list(self.notes),
        }


def described(table: pa.Table) -> dict[str, Any]:
    """Return a table with metadata as plain values: what it is, its columns, its first rows.

    Examples
    --------
    >>> from dealtrace.report.schemas import labelled
    >>> import pyarrow as pa
    >>> told = described(labelled(pa.table({"cases": [3]}), "One row.", definition="size 1"))
    >>> told["definition"], told["columns"], told["table"]
    ('size 1', [{'name': 'cases', 'type': 'int64', 'unit': 'count'}], [{'cases': 3}])
    """
    about = {name.decode(): said.decode() for name, said in (table.schema.metadata or {}).items()}
    return {
        **about,
        "columns": columns_of(table),
        "rows": table.num_rows,
        "table": plain(table.slice(0, MOST_ROWS)),
    }


def _tables(question: str, result: Result) -> Iterator[tuple[str, pa.Table]]:
    about = {"definition": result.definition, "log_fingerprint": result.log_fingerprint}
    more = {name: getattr(result, name) for name in MORE.get(question, ())}
    for name, table in {"table": result.to_arrow(), **result.tables(), **more}.items():
        file = question if name == "table" else f"{question}_{name}"
        yield file, labelled(table, documented(type(result), name), question=question, **about)


def answers(log: EventLog, threads: int | None, step: Step) -> Answers:
    """Ask everything, side by side; what the log cannot answer is named with the reason."""
    money, notes = usual_amount(log)
    questions = _questions(log, money, threads)

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
        [note.reason for note in notes],
    )


def _questions(log: EventLog, money: str | None, threads: int | None) -> dict[str, Callable[[], Result]]:
    import dealtrace as dt

    more: dict[str, Any] = {"value": money, "threads": threads}
    deals = Context(log, None, threads=threads)
    won = "is_won" in log.attribute_names
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
        "receivables": lambda: dt.receivables(log, **more),
        "discounts": lambda: dt.discounts(log, value=money or "amount", threads=threads),
        "drivers_won": lambda: dt.drivers(
            log, "is_won" if won else deals.is_won, where=deals.is_closed, **more
        ),
        "drivers_throughput": lambda: dt.drivers(log, "throughput", where=deals.is_won, **more),
        "kpis": lambda: dt.kpis(log, **more),
    }


def write_answers(found: Answers, folder: Path) -> list[str]:
    """Write a Parquet file for each table and lead_to_cash.json for all of them; return the names.

    Raises
    ------
    OSError
        The disk does not take them.
    """
    import json

    import pyarrow.parquet as pq

    names = ["lead_to_cash.json"]
    for name, table in found.tables.items():
        names.append(f"{name}.parquet")
        pq.write_table(table, folder / names[-1], compression="zstd")
    text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / names[0]).write_text(f"{text}\n", "utf-8")
    return names
