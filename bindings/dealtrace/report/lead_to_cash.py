"""What sales and finance ask, answered once more for a result folder: a table a question, with its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.report.schemas import columns_of, documented, labelled
from dealtrace_engine.analyses.money import amounts_of, usual_amount
from dealtrace_engine.analyses.working_time import calendars_of
from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.lead_to_cash.findings_context import Context
from dealtrace_engine.lead_to_cash.kpi_formulas import DSO_DAYS
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.results import Result, plain

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace_engine.calendar import Calendars, WorkingCalendar
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.parallel import Progress

    Step = Callable[[str], AbstractContextManager[Progress | None]]
    """A context in which a step is shown, under a name."""

FORMAT = 2
LEFT_OUT = {
    "what_if": "asks for a change: dealtrace.what_if(log, changes)",
}
"""Question to why it is not asked here, and how to ask it."""
MAIN = {"forecast": "revenue"}
"""Question to what its table is called in its result, where that is not ``table``."""
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
    tables : mapping of str to pyarrow.Table
        All tables by the names of their files, with what they are as metadata. That of a question is called
        like it, any other one like the question and itself.
    unanswered : mapping of str to str
        Question to the reason.
    notes : sequence of str
        Amounts that cannot be used.
    """

    results: Mapping[str, Result]
    tables: Mapping[str, pa.Table]
    unanswered: Mapping[str, str]
    notes: Sequence[str] = ()

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
        file, told = f"{question}_{name}", name
        if name == "table":
            file, told = question, MAIN.get(question, name)
        yield file, labelled(table, documented(type(result), told), question=question, **about)


def answers(
    log: EventLog, threads: int | None, step: Step, calendar: WorkingCalendar | Calendars | None = None, *,
    value: str | None = None, currency: str | None = None,
) -> Answers:  # fmt: skip
    """Ask everything, side by side; what the log cannot answer is named with the reason.

    Amounts are those in the attribute `value`, by default the first usual one, in the currency that the
    attribute `currency` says. With a calendar, times are working time, except payments (`receivables`), which
    go by the clock.

    Raises
    ------
    SchemaError, ArgumentError
        There is no such attribute, or a case has no calendar.
    """
    if calendar is not None:
        calendars_of(log, calendar)  # one that does not fit is no reason why each question has no answer
    money, notes = usual_amount(log) if value is None else (value, [])
    if money is not None:
        amounts_of(log, money, currency)  # nor is an amount or a currency that is no such column
    questions = _questions(log, {"value": money, "currency": currency, "threads": threads}, calendar)

    def asked(name: str) -> tuple[Result, dict[str, pa.Table]] | DealtraceError:
        try:
            result = questions[name]()
            return result, dict(_tables(name, result))
        except DealtraceError as error:
            return error

    with step("lead to cash") as progress:
        found = map_blocks(asked, list(questions), threads=threads, progress=progress)
    results: dict[str, Result] = {}
    tables: dict[str, pa.Table] = {}
    unanswered: dict[str, str] = {}
    for name, answer in zip(questions, found, strict=True):
        if isinstance(answer, DealtraceError):
            unanswered[name] = str(answer)
        else:
            results[name] = answer[0]
            tables |= answer[1]
    return Answers(results, tables, unanswered, [note.reason for note in notes])


def _questions(
    log: EventLog, more: dict[str, Any], calendar: WorkingCalendar | Calendars | None
) -> dict[str, Callable[[], Result]]:
    import dealtrace as dt

    threads: int | None = more["threads"]
    timed: dict[str, Any] = {**more, "calendar": calendar}
    deals = Context(log, None, threads=threads)
    won = "is_won" in log.attribute_names
    return {
        "segments": lambda: dt.segments(log, **timed),
        "survival": lambda: dt.segment_survival(log, calendar=calendar, threads=threads),
        "stages": lambda: dt.stages(log, **timed),
        "funnel": lambda: dt.funnel(log, **timed),
        "bottlenecks": lambda: dt.bottlenecks(log, **timed),
        "rework": lambda: dt.rework(log, **timed),
        "handovers": lambda: dt.handovers(log, calendar=calendar, threads=threads),
        "rep_benchmark": lambda: dt.rep_benchmark(log, calendar=calendar, threads=threads),
        "journeys": lambda: dt.journeys(log, **timed),
        "rules": lambda: dt.check_rules(log, **timed),
        "receivables": lambda: dt.receivables(log, period_days=DSO_DAYS, **more),
        "discounts": lambda: dt.discounts(log, **{**more, "value": more["value"] or "amount"}),
        "drivers_won": lambda: dt.drivers(
            log, "is_won" if won else deals.is_won, where=deals.is_closed, **more
        ),
        "drivers_throughput": lambda: dt.drivers(log, "throughput", where=deals.is_won, **timed),
        "kpis": lambda: dt.kpis(log, **timed),
        "forecast": lambda: dt.forecast(log, **more),
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
    text = json.dumps(
        found.to_dict(), ensure_ascii=False, allow_nan=False
    )  # indented, it takes ten times as long
    (folder / names[0]).write_text(f"{text}\n", "utf-8")
    return names
