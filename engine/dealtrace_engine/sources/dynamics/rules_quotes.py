"""Quotes: created, issued, revised, accepted, rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import written
from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.dynamics.audit import REVISED
from dealtrace_engine.sources.dynamics.codes import option_labels, with_labels
from dealtrace_engine.sources.dynamics.emails import sent_about
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.transitions import audited_actions, became, living

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

ACTIVE, WON, CLOSED = 1, 2, 3
"""States of a quote after its draft."""
STATUS_LOST = 5
"""Status of a closed quote."""


def quotes(tables: CrmTables) -> pl.LazyFrame:
    """Return the quotes with the fact that a revision is: its number and which revision it is of it."""
    import polars as pl

    number = pl.col("revisionnumber").fill_null(0).cast(pl.Int64)
    return tables.table("quote").with_columns(
        revision=number, edition=_edition(tables, pl.col("quotenumber"), number, pl.col("quoteid"))
    )


def _edition(tables: CrmTables, number: pl.Expr, revision: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    import polars as pl

    text = pl.concat_str(number, revision.cast(pl.String), separator="/")
    return pl.coalesce(text, written(tables.ids, otherwise))


def _priced() -> dict[str, pl.Expr]:
    import polars as pl

    return {
        "amount": pl.col("totalamount"),
        "discount_pct": pl.col("discountpercentage"),
        "currency": pl.col("transactioncurrencyid"),
    }


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes were created: what is created later under the same number is a revision."""
    import polars as pl

    rows = quotes(tables).filter(pl.col("revision") == 0)
    return told(rows, "quote", at="createdon", by="createdby", **_priced())


def revised(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when revisions of quotes were created."""
    import polars as pl

    rows = quotes(tables).filter(pl.col("revision") > 0)
    return told(rows, "quote", at="createdon", by="createdby", fact="edition", **_priced())


def revised_by_action(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes were revised by the audit of it, which is of the revision before."""
    import polars as pl

    actions = audited_actions(tables, "quote", REVISED)
    rows = actions.join(
        quotes(tables).select("quotenumber", "revision", record_id="quoteid"), on="record_id",
        maintain_order="left",
    )  # fmt: skip
    following = _edition(tables, pl.col("quotenumber"), pl.col("revision") + 1, pl.col("record_id"))
    return told(rows, "quote", record="record_id", at="at", by="by", row="row_id", fact=following)


def issued(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes became active."""
    found = became(tables, "quote", "statecode", [ACTIVE], beside=["statuscode"])
    return _told_status(found, tables)


def _told_status(found: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    rows = tables.table("quote").select(
        "totalamount", "discountpercentage", "transactioncurrencyid", record_id="quoteid"
    )
    joined = with_labels(found, tables, "quote", "statuscode")
    joined = joined.join(rows, on="record_id", how="left", maintain_order="left")
    return told_change(joined, "quote", status_to=pl.col("statuscodename"), **_priced())


def issued_by_mail(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes were first sent: the first message out that is about each."""
    return sent_about(tables, "quote")


def issued_on_day(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the day from which a quote that left its draft is valid."""
    import polars as pl

    rows = tables.table("quote").filter(pl.col("statecode") >= ACTIVE)
    return told(rows, "quote", at="effectivefrom", **_priced())


def accepted(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes were won."""
    return _told_status(became(tables, "quote", "statecode", [WON], beside=["statuscode"]), tables)


def accepted_by_close(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes that are won now were closed: nothing else can have come of it."""
    import polars as pl

    return _closed(tables, pl.col("statecode") == WON)


def _closed(tables: CrmTables, which: pl.Expr) -> pl.LazyFrame:
    """Return the last closing activity of those quotes."""
    import polars as pl

    rows = with_labels(tables.table("quote").filter(which), tables, "quote", "statuscode")
    columns = ("quoteid", "statuscodename", "totalamount", "discountpercentage", "transactioncurrencyid")
    closes = tables.table("quoteclose").select(
        "activityid", "createdon", "createdby", quoteid=pl.coalesce("quoteid", "regardingobjectid")
    )
    joined = closes.join(rows.select(columns), on="quoteid").sort("createdon", "activityid")
    last = joined.unique("quoteid", keep="last", maintain_order=True)
    return told(
        last, "quote", at="createdon", by="createdby", row="activityid", status_to=pl.col("statuscodename"),
        **_priced(),
    )  # fmt: skip


def accepted_by_order(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when the first order was made of a quote, which only a quote that was won can become."""
    import polars as pl

    orders = tables.table("salesorder").select(
        "createdon", "createdby", "salesorderid", "quoteid", "transactioncurrencyid"
    )
    first = orders.sort("createdon", "salesorderid").unique("quoteid", keep="first", maintain_order=True)
    rows = first.filter(pl.col("quoteid").is_not_null()).with_columns(record_id="quoteid")
    return told(living(rows, tables, "quote"), "quote", at="createdon", by="createdby", row="salesorderid",
                currency=pl.col("transactioncurrencyid"))  # fmt: skip


def accepted_on_day(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the day on which a quote that is won was closed."""
    import polars as pl

    rows = tables.table("quote").filter(pl.col("statecode") == WON)
    return told(rows, "quote", at="closedon", **_priced())


def is_lost(tables: CrmTables, mapping: CrmMapping) -> pl.Expr:
    """Return whether a closed quote was lost, by its status or by what an organisation calls its own."""
    import polars as pl

    named = one_of(pl.col("label"), mapping.status("quote.rejected"))
    of_quotes = (pl.col("table") == "quote") & (pl.col("column") == "statuscode")
    codes = option_labels(tables).filter(of_quotes & named)["code"].to_list()
    return pl.col("statuscode").is_in([float(STATUS_LOST), *codes])


def rejected(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes were closed as lost; those that were canceled or revised were not rejected."""
    found = became(tables, "quote", "statecode", [CLOSED], beside=["statuscode"])
    return _told_status(found.filter(is_lost(tables, mapping)), tables)


def _lost_now(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    rows = with_labels(tables.table("quote"), tables, "quote", "statuscode")
    return rows.filter((pl.col("statecode") == CLOSED) & is_lost(tables, mapping))


def rejected_by_close(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when quotes that are closed as lost now were closed."""
    import polars as pl

    lost = _lost_now(tables, mapping).select("quoteid").collect()["quoteid"]
    return _closed(tables, pl.col("quoteid").is_in(lost.implode()))


def rejected_on_day(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the day on which a quote that is lost was closed."""
    import polars as pl

    rows = _lost_now(tables, mapping)
    return told(rows, "quote", at="closedon", status_to=pl.col("statuscodename"), **_priced())


_STATE = ("audit_changes.attribute",)

RULES = (
    Rule(
        "D1", "quote_created", "quote", "created", created, ("quote.createdon", "quote.revisionnumber"),
        verified=False,
    ),
    Rule("D1", "quote_issued", "audit", "audit", issued, _STATE),
    Rule(
        "D2", "quote_issued", "email", "field", issued_by_mail, ("email.senton", "email.regardingobjectid"),
        verified=False,
    ),
    Rule(
        "D3", "quote_issued", "quote", "field", issued_on_day, ("quote.effectivefrom", "quote.statecode"),
        verified=False,
    ),
    Rule(
        "D1", "quote_revised", "quote", "created", revised, ("quote.createdon", "quote.revisionnumber"),
        verified=False,
    ),
    Rule("D2", "quote_revised", "audit", "audit", revised_by_action, ("audit.action",)),
    Rule("D1", "quote_accepted", "audit", "audit", accepted, _STATE),
    Rule(
        "D1b", "quote_accepted", "quoteclose", "history", accepted_by_close,
        ("quoteclose.createdon", "quote.statecode"),
    ),
    Rule(
        "D2", "quote_accepted", "salesorder", "created", accepted_by_order,
        ("salesorder.createdon", "salesorder.quoteid"),
    ),
    Rule("D3", "quote_accepted", "quote", "field", accepted_on_day, ("quote.closedon", "quote.statecode")),
    Rule("D1", "quote_rejected", "audit", "audit", rejected, _STATE),
    Rule(
        "D1b", "quote_rejected", "quoteclose", "history", rejected_by_close,
        ("quoteclose.createdon", "quote.statuscode"),
    ),
    Rule("D2", "quote_rejected", "quote", "field", rejected_on_day, ("quote.closedon", "quote.statuscode")),
)  # fmt: skip
