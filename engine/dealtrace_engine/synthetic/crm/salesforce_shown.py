"""What a shape of a Salesforce export shows of the truth, and under which ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_ids import RecordIds
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import SHAPES, shown_tables
from dealtrace_engine.synthetic.crm.truth_file import Shown

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

OBJECTS = {
    "lead": "Lead", "opportunity": "Opportunity", "quote": "Quote", "contract": "Contract", "order": "Order",
    "invoice": "Invoice", "payment": "PaymentLineInvoice", "case": "Case",
}  # fmt: skip
CASES = {"opportunity": ("Opportunity", "Id"), "lead": ("Lead", "Id")}


def salesforce_shown(facts: Facts, shape: str, tables: Mapping[str, pl.DataFrame]) -> Shown:
    """Return what `write_truth` asks about a Salesforce export.

    Parameters
    ----------
    facts : Facts
    shape : str
    tables : mapping of str to DataFrame
        All of the organisation.
    """
    ids, shown = RecordIds(), shown_tables(tables, shape)
    return Shown(
        "salesforce", shape, shown, CASES, SHAPES[shape].precision, _record_ids(facts, ids),
        ids.of("User", facts["users"].sort("user")["user"] + 1),
        renamed=_references(shown) if shape == "tree" else None,
    )  # fmt: skip


def _record_ids(facts: Facts, ids: RecordIds) -> Callable[[str, pl.Series], pl.Series]:
    import polars as pl

    roots = facts["quotes"].select("quote", "root")
    kinds = facts["contacts"].select("contact", "kind")

    def record_ids(kind: str, keys: pl.Series) -> pl.Series:
        if kind == "quote":  # its revisions are the same record
            keyed = pl.DataFrame({"quote": keys}).join(roots, on="quote", how="left", maintain_order="left")
            return ids.of("Quote", keyed["root"])
        if kind == "contact":
            keyed = pl.DataFrame({"contact": keys}).join(kinds, on="contact", how="left", maintain_order="left")
            return _contact_ids(ids, keyed)
        return ids.of(OBJECTS[kind], keys)

    return record_ids


def _contact_ids(ids: RecordIds, contacts: pl.DataFrame) -> pl.Series:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_activities import CONTACT_OBJECTS

    found = [
        ids.of(name, contacts.select(pl.when(pl.col("kind") == kind).then("contact")).to_series())
        for kind, name in CONTACT_OBJECTS.items()
    ]
    return pl.select(pl.coalesce(found)).to_series()


def _references(tables: Mapping[str, pl.DataFrame]) -> Callable[[pl.Series], pl.Series]:
    """Return what turns ids into the references that stand for them in a tree."""
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_shapes.tree import reference_names

    found = [
        table.select(
            pl.col("Id").alias("id"),
            pl.format("{}{}", pl.lit(name), pl.int_range(1, pl.len() + 1)).alias("reference"),
        )
        for (of, name), table in ((pair, tables[pair[0]]) for pair in reference_names(tables).items())
        if "Id" in table.columns and of in tables
    ]
    known = pl.concat(found)

    def renamed(ids: pl.Series) -> pl.Series:
        return pl.DataFrame({"id": ids}).join(known, on="id", how="left", maintain_order="left")["reference"]

    return renamed
