"""What happened in an organisation that works with Salesforce, and what of it a shape of export shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_ids import RecordIds
from dealtrace_engine.synthetic.crm.salesforce_shapes.tree import reference_names
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import SHAPES, shown_tables
from dealtrace_engine.synthetic.crm.salesforce_traces import TRACES
from dealtrace_engine.synthetic.crm.traces import traced
from dealtrace_engine.synthetic.crm.truth_file import with_cases_shown, with_user_names

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts
    from dealtrace_engine.synthetic.crm.traces import Tables

CASES = {"opportunity": ("Opportunity", "Id"), "lead": ("Lead", "Id")}
OBJECTS = {
    "lead": "Lead", "opportunity": "Opportunity", "quote": "Quote", "contract": "Contract", "order": "Order",
    "invoice": "Invoice", "payment": "PaymentLineInvoice", "case": "Case", "call": "Task",
    "email": "EmailMessage", "meeting": "Event",
}  # fmt: skip
"""Of contacts, by their kind."""
_FIRST, _LATER = _CONTACTS = ("first_customer_contact", "customer_contact")


def salesforce_truth(facts: Facts, shape: str, tables: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the truth activity by activity, as `write_truth` takes it.

    The revisions of a quote are one record. Where a shape hides earlier contacts of a case, the first that it
    shows is the first.

    Parameters
    ----------
    facts : Facts
    shape : str
    tables : mapping of str to DataFrame
        All of the organisation.
    """
    shown, ids = shown_tables(tables, shape), RecordIds()
    references = _references(shown) if shape == "tree" else None
    for activities in _groups(facts["truth"]["activity"].unique().sort().to_list()):
        events = _identified(facts, ids, activities)
        known = traced(events, shown, TRACES.get(activities[0], ()))
        if activities == list(_CONTACTS):
            known = _first_shown(known)
        told = _told(with_cases_shown(known, shown, CASES), SHAPES[shape].precision)
        yield told if references is None else _renamed(told, references)


def _groups(activities: Sequence[str]) -> Iterator[list[str]]:
    """Yield lists of activities; contacts are one."""
    for activity in activities:
        if activity not in _CONTACTS:
            yield [activity]
    yield list(_CONTACTS)


def _identified(facts: Facts, ids: RecordIds, activities: Sequence[str]) -> pl.DataFrame:
    """Return the events of activities with the ids of case, record and user."""
    import polars as pl

    events = facts["truth"].filter(pl.col("activity").is_in(list(activities)))
    roots = facts["quotes"].select(pl.lit("quote").alias("object"), "root", record="quote")
    kinds = facts["contacts"].select(pl.lit("contact").alias("object"), "kind", record="contact")
    for frame in (roots, kinds):
        events = events.join(frame, on=["object", "record"], how="left", maintain_order="left")
    events = events.with_columns(
        pl.coalesce("kind", "object").alias("@kind"), pl.coalesce("root", "record").alias("@key")
    )
    return with_user_names(
        events.with_columns(
            _ids(ids, events, "@kind", "@key").alias("record_id"),
            _ids(ids, events, "case_object", "case").alias("case_id"),
            ids.of("User", events["resource"] + 1).alias("resource_id"),
        ),
        facts,
    )


def _ids(ids: RecordIds, events: pl.DataFrame, kind: str, key: str) -> pl.Series:
    import polars as pl

    found = pl.Series([None] * events.height, dtype=pl.String)
    for name in events[kind].drop_nulls().unique().sort():
        own = events.select(pl.when(pl.col(kind) == name).then(pl.col(key))).to_series()
        found = pl.select(pl.coalesce(found, ids.of(OBJECTS[name], own))).to_series()
    return found


def _first_shown(contacts: pl.DataFrame) -> pl.DataFrame:
    """Name the first contact of each case that the export shows the first."""
    import polars as pl

    there = pl.col("derivable")
    ordered = contacts.sort("timestamp", "record", maintain_order=True)
    first = there & (pl.col("record") == pl.col("record").filter(there).first().over("case_object", "case"))
    shown = pl.when(first).then(pl.lit(_FIRST)).when(there).then(pl.lit(_LATER)).otherwise("activity")
    changed = first & (pl.col("activity") != _FIRST)
    note = pl.when(changed).then(pl.lit("earlier contacts are not in the export")).otherwise("note")
    return ordered.with_columns(shown.alias("activity"), note.alias("note"))


def _told(events: pl.DataFrame, precision: str) -> pl.DataFrame:
    import polars as pl

    cut = pl.when(pl.col("precision") == "instant").then(pl.lit(precision)).otherwise("precision")
    return events.with_columns(cut.alias("precision")).sort("timestamp", "record_id", maintain_order=True)


def _references(tables: Tables) -> pl.DataFrame:
    """Return `id` and `reference`, which stands for it in a tree."""
    import polars as pl

    names = reference_names(tables)
    return pl.concat(
        table.select(
            pl.col("Id").alias("id"),
            pl.format("{}{}", pl.lit(names[name]), pl.int_range(1, pl.len() + 1)).alias("reference"),
        )
        for name, table in tables.items()
        if "Id" in table.columns
    )


def _renamed(events: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    for column in ("case_id", "record_id", "resource_id"):
        known = references.rename({"id": column})
        named = events.join(known, on=column, how="left", maintain_order="left")["reference"]
        events = events.with_columns(named.alias(column))
    return events
