"""Which cases a record belongs to, whichever kind of record is the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import held
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.dynamics.by_account import by_account
from dealtrace_engine.sources.dynamics.main_quotes import ranked_quotes
from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.relations import CHAIN, PAIR, TABLES, chained, first_hit, parents

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

CONTACTS = {"phonecall": CHAIN, "appointment": CHAIN, "email": ("opportunity", "lead")}
"""Contacts with customers, and what they can be about; a message about a quote is how that was sent."""
COLUMNS = ("object", "record_id", "case_id", "via", "confidence")


def links(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Return the cases of every record, by the first link that leads to one.

    A record can have several cases: a lead that became two opportunities.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Says what the case is, whether to link by account and time, and whether only the main quote counts.

    Returns
    -------
    DataFrame
        object, record_id, case_id, via, confidence (1 but for links by account and time).
    """
    return tables.once(_key(mapping), lambda: _links(tables, mapping)).collect()


def links_of(tables: CrmTables, mapping: CrmMapping, *objects: str) -> pl.LazyFrame:
    """Return the links of some kinds of records."""
    import polars as pl

    return tables.once(_key(mapping), lambda: _links(tables, mapping)).filter(pl.col("object").is_in(objects))


def _key(mapping: CrmMapping) -> str:
    return f"links {mapping.leading} {mapping.link_by_account} {mapping.flatten} {mapping.fields}"


def _links(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    chain = {what: _cases_of(tables, mapping, what) for what in CHAIN}
    if mapping.flatten == "primary":
        chain = _through_main_quotes(chain, tables, mapping)
    found = [
        *({**chain, "lead": pl.concat([chain["lead"], _merged_leads(tables, chain["lead"])])}.items()),
        *(("contact", rows) for rows in _contacts(tables, chain)),
        ("case", _support_cases(tables, mapping, chain)),
    ]
    kind = pl.Enum(list(dict.fromkeys(what for what, _ in found)))
    # One after the other: what a join needs besides is as large as what it returns.
    each = [
        rows.rename({"parent_id": "case_id"})
        .with_columns(pl.col("via").cast(pl.Categorical), object=pl.lit(what, kind))
        .select(COLUMNS)
        .collect()
        for what, rows in found
    ]
    return pl.concat(each, rechunk=False).lazy()


def _cases_of(tables: CrmTables, mapping: CrmMapping, what: str) -> pl.LazyFrame:
    """Return records of the chain with their cases: themselves, what they came of, or what came of them."""
    import polars as pl

    place, case = CHAIN.index(what), CHAIN.index(mapping.leading)
    if place > case:
        return parents(tables, mapping, what, mapping.leading)
    if place < case:
        came = parents(tables, mapping, mapping.leading, what)
        return came.rename({"record_id": "parent_id", "parent_id": "record_id"}).select(PAIR)
    own = pl.col(KEYS[TABLES[what]])
    rows = tables.table(TABLES[what]).select(record_id=own, parent_id=own).drop_nulls()
    if what == "lead":
        rows = winners(tables, "lead").filter(pl.col("record_id") == pl.col("winner"))
        rows = rows.select("record_id", parent_id="record_id")
    return rows.select("record_id", "parent_id", via=pl.lit("itself"), confidence=pl.lit(1.0))


def _merged_leads(tables: CrmTables, cases: pl.LazyFrame) -> pl.LazyFrame:
    """Return leads that were merged into others with the cases of those."""
    import polars as pl

    lost = winners(tables, "lead").filter(pl.col("record_id") != pl.col("winner"))
    pairs = lost.select("record_id", parent_id="winner", via=pl.lit("lead.masterid"), confidence=pl.lit(1.0))
    return chained(pairs, cases)


def _contacts(tables: CrmTables, chain: dict[str, pl.LazyFrame]) -> list[pl.LazyFrame]:
    """Return contacts of each kind with the cases of what they are about."""
    import polars as pl

    merged = winners(tables, "lead").rename({"record_id": "regarding"})
    found = []
    for kind, about in CONTACTS.items():
        rows = tables.table(kind).select(record_id="activityid", regarding="regardingobjectid").drop_nulls()
        rows = rows.join(merged, on="regarding", how="left", maintain_order="left")
        rows = rows.with_columns(parent_id=pl.coalesce("winner", "regarding"))
        cases = pl.concat([chain[what] for what in about])
        told = rows.with_columns(via=pl.lit(f"{kind}.regardingobjectid"), confidence=pl.lit(1.0))
        found.append(chained(told, cases))
    return found


def _support_cases(tables: CrmTables, mapping: CrmMapping, chain: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return support cases by the lookups that the mapping names; by account and time if it asks for that."""
    import polars as pl

    ways = []
    for field, what in mapping.fields.items():
        table, _, column = field.partition(".")
        if table == "incident" and what in CHAIN and column in tables.catalog["incident"]:
            named = tables.table("incident").select(
                record_id="incidentid", parent_id=_as_id(tables, column), via=pl.lit(field),
                confidence=pl.lit(1.0),
            )  # fmt: skip
            ways.append(chained(named.drop_nulls(), chain[what]))
    if mapping.link_by_account:
        ways.append(chained(by_account(tables, "incident"), chain["opportunity"]))
    if not ways:
        return chain["quote"].clear()
    return first_hit(ways)


def _as_id(tables: CrmTables, column: str) -> pl.Expr:
    """Return a column of support cases as ids, whatever its kind."""
    import polars as pl

    if tables.catalog["incident"][column] is Kind.ID:
        return pl.col(column)
    return held(tables.ids, pl.col(column).str.to_lowercase().str.strip_chars("{} "))


def _through_main_quotes(
    chain: dict[str, pl.LazyFrame], tables: CrmTables, mapping: CrmMapping
) -> dict[str, pl.LazyFrame]:
    """Leave out, of each opportunity, the quotes but the main one, and what came of them."""
    import polars as pl

    quotes = ranked_quotes(tables, mapping)
    other = quotes.filter(~pl.col("is_main")).select("record_id")
    kept = {"quote": chain["quote"].join(other, on="record_id", how="anti")}
    for what in ("order", "invoice"):
        of_other = parents(tables, mapping, what, "quote").join(
            other.rename({"record_id": "parent_id"}), on="parent_id", how="semi"
        )
        kept[what] = chain[what].join(of_other.select("record_id"), on="record_id", how="anti")
    return {**chain, **kept}
