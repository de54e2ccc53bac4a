"""What of an organisation's truth a shape of Salesforce export shows: what its tables have rows for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_shapes.references import References
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import SHAPES, shown_tables
from dealtrace_engine.synthetic.crm.salesforce_traces import TRACES
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth
from dealtrace_engine.synthetic.crm.traces import traced
from dealtrace_engine.synthetic.crm.truth_file import with_cases_shown

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts
    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
    from dealtrace_engine.synthetic.crm.traces import Tables

CASES = {"opportunity": ("Opportunity", "Id"), "lead": ("Lead", "Id")}
_FIRST, _LATER = _CONTACTS = ("first_customer_contact", "customer_contact")


def traced_tables(tables: Mapping[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """Return of the tables that a shape shows what `shape_truth` looks at, so that the rest can be let go."""
    wanted: dict[str, set[str]] = {}
    for trace in (trace for traces in TRACES.values() for trace in traces):
        table, key, record = trace.via or (trace.table, "Id", "Id")
        wanted.setdefault(trace.table, {"Id"}).update({trace.record, trace.at, trace.column})
        wanted.setdefault(table, {"Id"}).update({key, record})
    every = {"Id"} if shape == "tree" else set()
    return {
        name: table.select(c for c in table.columns if c in wanted.get(name, every))
        for name, table in shown_tables(tables, shape).items()
        if name in wanted or every
    }


def shape_truth(
    facts: Facts,
    shape: str,
    tables: Tables,
    setup: SalesforceSetup | None = None,
    before: Mapping[str, int] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the truth activity by activity, as `write_truth` takes it.

    An event is derivable if the shape shows a row that tells it beyond doubt. Where a shape hides earlier
    contacts of a case, the first that it shows is the first.

    Parameters
    ----------
    facts : Facts
    shape : str
    tables : mapping of str to DataFrame
        What `traced_tables` returns.
    setup : SalesforceSetup, optional
        That of the tables.
    before : mapping of str to int, optional
        Rows that the shape shows of each table in earlier parts of the organisation.
    """
    import polars as pl

    references = References(tables, before or {}) if shape == "tree" else None
    truth = salesforce_truth(facts, setup, deleted_rows=SHAPES[shape].deleted).with_columns(
        facts["truth"]["case_object"], pl.col("derivable").alias("@certain"), resource="resource_name"
    )
    for activities in _groups(truth["activity"].unique().sort().to_list()):
        events = truth.filter(pl.col("activity").is_in(activities)).drop("derivable", "precision")
        known = _beyond_doubt(traced(events, tables, TRACES.get(activities[0], ())))
        if activities == list(_CONTACTS):
            known = _first_shown(known)
        told = _told(with_cases_shown(known, tables, CASES), SHAPES[shape].precision)
        yield told if references is None else _renamed(told, references)


def _groups(activities: Sequence[str]) -> Iterator[list[str]]:
    """Yield lists of activities; contacts are one."""
    for activity in activities:
        if activity not in _CONTACTS:
            yield [activity]
    yield list(_CONTACTS)


def _beyond_doubt(events: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    doubtful = pl.col("derivable") & ~pl.col("@certain")
    note = (
        pl.when(doubtful)
        .then(pl.concat_str("note", pl.lit(", which leaves room for doubt")))
        .otherwise("note")
    )
    certain = pl.col("derivable") & pl.col("@certain")
    precision = pl.when(certain).then("precision")
    return events.with_columns(note.alias("note"), precision.alias("precision"), certain.alias("derivable"))


def _first_shown(contacts: pl.DataFrame) -> pl.DataFrame:
    """Name the first contact of each case that the export shows the first."""
    import polars as pl

    there = pl.col("derivable")
    ordered = contacts.sort("timestamp", "record_id", maintain_order=True)
    of_case = pl.col("record_id").filter(there).first().over("case_object", "case_id")
    first = there & (pl.col("record_id") == of_case)
    shown = pl.when(first).then(pl.lit(_FIRST)).when(there).then(pl.lit(_LATER)).otherwise("activity")
    changed = first & (pl.col("activity") != _FIRST)
    note = pl.when(changed).then(pl.lit("earlier contacts are not in the export")).otherwise("note")
    return ordered.with_columns(shown.alias("activity"), note.alias("note"))


def _told(events: pl.DataFrame, precision: str) -> pl.DataFrame:
    import polars as pl

    cut = pl.when(pl.col("precision") == "instant").then(pl.lit(precision)).otherwise("precision")
    return events.with_columns(cut.alias("precision")).sort("timestamp", "record_id", maintain_order=True)


def _renamed(events: pl.DataFrame, references: References) -> pl.DataFrame:
    for column in ("case_id", "record_id", "resource_id"):
        known = references.of(events[column]).rename({"id": column})
        named = events.join(known, on=column, how="left", maintain_order="left")["reference"]
        events = events.with_columns(named.alias(column))
    return events
