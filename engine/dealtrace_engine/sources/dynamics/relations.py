"""Which record came of which: opportunities of leads, quotes of these and so on, by the first link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.by_account import by_account
from dealtrace_engine.sources.dynamics.evidence import OBJECTS
from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

CHAIN = ("lead", "opportunity", "quote", "order", "invoice")
"""Each can come of those before it."""
TABLES = {name: table for table, name in OBJECTS.items()}
"""What records are, to the logical name of their table."""
LOOKUPS = {
    ("quote", "opportunity"): (("quote", "opportunityid"),),
    ("order", "opportunity"): (("salesorder", "opportunityid"),),
    ("order", "quote"): (("salesorder", "quoteid"),),
    ("invoice", "opportunity"): (("invoice", "opportunityid"),),
    ("invoice", "order"): (("invoice", "salesorderid"),),
}
"""Kinds of records and what they came of, to the tables and columns that say so."""
LINES = {
    ("order", "quote"): ("salesorder", "salesorderdetail", "quotedetail"),
    ("invoice", "order"): ("invoice", "invoicedetail", "salesorderdetail"),
}
"""The same for lines: the table of the records, that of their lines and that of the lines these came of."""
PAIR = ("record_id", "parent_id", "via", "confidence")


def lookup(tables: CrmTables, table: str, column: str, to: str) -> pl.LazyFrame:
    """Return records with the record that a lookup names, where that one is there.

    Parameters
    ----------
    tables : CrmTables
    table, column : str
        Where the lookup is.
    to : str
        What it names: ``"quote"``.
    """
    rows = tables.table(table).select(record_id=KEYS[table], parent_id=column).drop_nulls()
    rows = rows.unique(maintain_order=True)
    return _told(_there(rows, tables, to), f"{table}.{column}")


def _there(pairs: pl.LazyFrame, tables: CrmTables, what: str) -> pl.LazyFrame:
    """Keep pairs whose parent is in its table; a lead that was merged is the one it was merged into."""
    import polars as pl

    if what == "lead":
        pairs = pairs.join(
            winners(tables, "lead").rename({"record_id": "parent_id"}), on="parent_id", maintain_order="left"
        )
        return pairs.with_columns(parent_id="winner").drop("winner")
    there = tables.table(TABLES[what]).select(parent_id=pl.col(KEYS[TABLES[what]]))
    return pairs.join(there, on="parent_id", how="semi")


def chained(first: pl.LazyFrame, then: pl.LazyFrame) -> pl.LazyFrame:
    """Return what records come of by way of what they come of."""
    import polars as pl

    onward = then.select(parent_id="record_id", _next="parent_id", _via="via", _sure="confidence")
    return first.join(onward, on="parent_id", maintain_order="left").select(
        "record_id",
        parent_id="_next",
        via=pl.concat_str("via", "_via", separator=" > "),
        confidence=pl.col("confidence") * pl.col("_sure"),
    ).unique(["record_id", "parent_id"], keep="first", maintain_order=True)  # fmt: skip


def first_hit(ways: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Return, of each record, the pairs of the first way that has any."""
    import polars as pl

    rows = pl.concat([way.with_columns(_way=pl.lit(place)) for place, way in enumerate(ways)])
    first = rows.filter(pl.col("_way") == pl.col("_way").min().over("record_id")).drop("_way")
    return first.unique(["record_id", "parent_id"], keep="first", maintain_order=True)


def parents(tables: CrmTables, mapping: CrmMapping, what: str, of: str) -> pl.LazyFrame:
    """Return records with those that they came of.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        May ask for links by account and time.
    what : {"opportunity", "quote", "order", "invoice"}
        The records.
    of : {"lead", "opportunity", "quote", "order"}
        What they came of; before `what` in `CHAIN`.

    Returns
    -------
    LazyFrame
        record_id, parent_id, via, confidence (from 0 to 1).
    """
    key = f"{what} of {of} {mapping.link_by_account}"
    return tables.once(key, lambda: _parents(tables, mapping, what, of))


def _parents(tables: CrmTables, mapping: CrmMapping, what: str, of: str) -> pl.LazyFrame:
    ways = _direct(tables, what, of)
    between = CHAIN[CHAIN.index(of) + 1 : CHAIN.index(what)]
    ways += [
        chained(parents(tables, mapping, what, middle), parents(tables, mapping, middle, of))
        for middle in reversed(between)
    ]
    if of == "opportunity" and mapping.link_by_account:
        ways.append(by_account(tables, TABLES[what]))
    return first_hit(ways)


def _direct(tables: CrmTables, what: str, of: str) -> list[pl.LazyFrame]:
    """Return the links between two kinds of records without another between them, the best first."""
    if (what, of) == ("opportunity", "lead"):
        return [_converted(tables)]
    ways = [lookup(tables, *place, of) for place in LOOKUPS.get((what, of), ())]
    if (what, of) in LINES:
        ways.append(_by_lines(tables, *LINES[what, of], of))
    return ways


def _converted(tables: CrmTables) -> pl.LazyFrame:
    """Return opportunities with the leads that they came of, each lead by the first link that it has."""
    import polars as pl

    forth = lookup(tables, "opportunity", "originatingleadid", "lead")
    back = lookup(tables, "lead", "qualifyingopportunityid", "opportunity")
    process = "leadtoopportunitysalesprocess"
    flows = tables.table(process).select(
        record_id=pl.coalesce("leadid", "bpf_leadid"),
        parent_id=pl.coalesce("opportunityid", "bpf_opportunityid"),
    )
    flow = _told(_there(flows.drop_nulls().unique(maintain_order=True), tables, "opportunity"), process)
    leads = first_hit([_turned(forth), _of_winners(back, tables), _of_winners(flow, tables)])
    return _turned(leads)


def _of_winners(pairs: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return pairs of leads with each lead as the one that it was merged into."""
    merged = winners(tables, "lead")
    joined = pairs.join(merged, on="record_id", maintain_order="left")
    return joined.with_columns(record_id="winner").select(PAIR)


def _turned(pairs: pl.LazyFrame) -> pl.LazyFrame:
    return pairs.rename({"record_id": "parent_id", "parent_id": "record_id"}).select(PAIR)


def _by_lines(tables: CrmTables, table: str, line: str, other: str, of: str) -> pl.LazyFrame:
    """Return records by their lines: what the lines that these were made of belong to."""
    whose, key = KEYS[TABLES[of]], KEYS[other]
    lines = tables.table(line).select(key, record_id=KEYS[table])
    others = tables.table(other).select(key, parent_id=whose)
    pairs = lines.join(others, on=key).select("record_id", "parent_id").drop_nulls()
    return _told(_there(pairs.unique(maintain_order=True), tables, of), f"{line}.{key}")


def _told(pairs: pl.LazyFrame, via: str) -> pl.LazyFrame:
    import polars as pl

    return pairs.with_columns(via=pl.lit(via), confidence=pl.lit(1.0)).select(PAIR)
