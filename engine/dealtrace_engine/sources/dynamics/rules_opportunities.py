"""Opportunities: created, won, lost, reopened, and who owned them for how much until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.transitions import audited_creations, became, transitions

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

OPEN, WON, LOST = 0, 1, 2
"""States of an opportunity."""
NEAR_SECONDS = 60
"""A closing activity and the change of state that it made are this close: one transaction, logged late."""


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when opportunities were created."""
    import polars as pl

    return told(
        tables.table("opportunity"), "opportunity", at="createdon", by="createdby",
        amount=pl.col("estimatedvalue"), currency=pl.col("transactioncurrencyid"),
    )  # fmt: skip


def created_by_audit(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when opportunities were created from the audit of it."""
    rows = audited_creations(tables, "opportunity")
    return told(rows, "opportunity", record="record_id", at="at", by="by", row="row_id")


def closings(tables: CrmTables) -> pl.LazyFrame:
    """Return the closing activities of opportunities with what came of each.

    The result is the state that the opportunity changed to at that time; of the last closing of one that is
    closed now, where no such change is known, its state now; else what the activity itself says. Where none
    of these tells, it is null. An activity that was canceled, its opportunity having been reopened, still is
    a closing.

    Returns
    -------
    LazyFrame
        record_id, at, by, row_id, amount, competitorid, statuscode, result, last (of the opportunity).
    """
    return tables.once("closings", lambda: _closings(tables))


def _closings(tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    rows = tables.table("opportunityclose").filter(pl.col("createdon").is_not_null())
    rows = rows.select(
        "competitorid",
        record_id=pl.coalesce("opportunityid", "regardingobjectid"),
        at="createdon",
        by="createdby",
        row_id="activityid",
        amount="actualrevenue",
        said="opportunitystatecode",
        statuscode="opportunitystatuscode",
    ).sort("at", "row_id", maintain_order=True)
    now = tables.table("opportunity").select(
        record_id="opportunityid", state="statecode", status="statuscode"
    )
    rows = rows.join(now, on="record_id", maintain_order="left")
    rows = _with_change(rows, tables).with_columns(last=pl.col("at") == pl.col("at").max().over("record_id"))
    closed_now = pl.when(pl.col("last") & (pl.col("state") != OPEN))
    return rows.with_columns(
        result=pl.coalesce("changed_to", closed_now.then("state"), "said"),
        statuscode=pl.coalesce("statuscode", closed_now.then("status")),
    )


def _with_change(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add the state that an opportunity changed to at the time of its closing activity."""
    import polars as pl

    changes = became(tables, "opportunity", "statecode", [WON, LOST]).select(
        "record_id", "at", changed_to="new"
    )
    near = rows.join_asof(
        changes.sort("at"), on="at", by="record_id", strategy="nearest", tolerance=f"{NEAR_SECONDS}s",
        check_sortedness=False,
    )  # fmt: skip
    return near.with_columns(pl.col("changed_to").cast(pl.Float64))


def closed_by_activity(state: int) -> Finder:
    """Return how to find the closings with a result by their activities."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        found = with_currency(closings(tables).filter(pl.col("result") == state), tables)
        return told(
            with_labels(found, tables, "opportunity", "statuscode"), "opportunity",
            record="record_id", at="at", by="by", row="row_id", status_to=pl.col("statuscodename"),
            amount=pl.col("amount") if state == WON else pl.lit(None, pl.Float64),
            currency=pl.col("currency"),
        )  # fmt: skip

    return find


def closed_by_change(state: int) -> Finder:
    """Return how to find the closings with a result by the changes of state."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        found = became(tables, "opportunity", "statecode", [state], beside=["statuscode"])
        return told_change(
            with_labels(found, tables, "opportunity", "statuscode"), "opportunity",
            status_to=pl.col("statuscodename"),
        )  # fmt: skip

    return find


def with_currency(found: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add the currency of each opportunity to what happened to it."""
    money = tables.table("opportunity").select(record_id="opportunityid", currency="transactioncurrencyid")
    return found.join(money, on="record_id", how="left", maintain_order="left")


def closed_on_day(state: int) -> Finder:
    """Return how to find the closings with a result by the day that the opportunity has."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = with_labels(tables.table("opportunity"), tables, "opportunity", "statuscode")
        return told(
            rows.filter(pl.col("statecode") == state), "opportunity", at="actualclosedate",
            status_to=pl.col("statuscodename"), currency=pl.col("transactioncurrencyid"),
            amount=pl.col("actualvalue") if state == WON else pl.lit(None, pl.Float64),
        )  # fmt: skip

    return find


def reopened(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when closed opportunities became open again."""
    import polars as pl

    found = became(tables, "opportunity", "statecode", [OPEN]).filter(pl.col("old").is_in([1.0, 2.0]))
    return told_change(found, "opportunity")


def owner_changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when opportunities got another owner, a user or a team."""
    import polars as pl

    found = transitions(tables, "opportunity", "ownerid").filter(pl.col("new").is_not_null())
    owners = owner_names(tables)
    for side, name in (("old", "status_from"), ("new", "status_to")):
        named = owners.rename({"ownerid": side, "owner": name})
        found = found.join(named, on=side, how="left", maintain_order="left")
    return told_change(found, "opportunity", status_from=pl.col("status_from"), status_to=pl.col("status_to"))


def owner_names(tables: CrmTables) -> pl.LazyFrame:
    """Return users and teams with their names: ownerid, owner."""
    import polars as pl

    users = tables.table("systemuser").select(ownerid="systemuserid", owner="fullname")
    teams = tables.table("team").select(ownerid="teamid", owner="name")
    return pl.concat([users, teams]).unique("ownerid", keep="first", maintain_order=True)


def amount_changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when the estimated value changed, and by how much."""
    import polars as pl

    found = with_currency(transitions(tables, "opportunity", "estimatedvalue"), tables)
    return told_change(
        found, "opportunity", amount=pl.col("new"), amount_delta=pl.col("new") - pl.col("old"),
        currency=pl.col("currency"),
    )  # fmt: skip


def close_date_pushed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when the estimated close date was moved to a later day."""
    import polars as pl

    found = transitions(tables, "opportunity", "estimatedclosedate").filter(pl.col("new") > pl.col("old"))
    return told_change(found, "opportunity", close_date=pl.col("new"))


def reopen_counts(tables: CrmTables) -> pl.LazyFrame:
    """Return how often each opportunity was reopened: by the changes of its state, else by its closings.

    A closing after another, or an opportunity that is open although it was closed, was reopened, even if
    nobody knows when.
    """
    return tables.once("reopen counts", lambda: _reopen_counts(tables))


def _reopen_counts(tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    times = (
        became(tables, "opportunity", "statecode", [OPEN])
        .filter(pl.col("old").is_in([1.0, 2.0]))
        .group_by("record_id")
        .agg(seen=pl.len().cast(pl.Int64))
    )
    closed = (
        closings(tables)
        .group_by("record_id")
        .agg(told=pl.len().cast(pl.Int64) - (pl.col("state").first() != OPEN).cast(pl.Int64))
    )
    both = times.join(closed, on="record_id", how="full", coalesce=True)
    return both.select("record_id", reopen_count=pl.max_horizontal("seen", "told"))


def last_closings(tables: CrmTables) -> pl.LazyFrame:
    """Return when each opportunity was closed for the last time, by the changes of its state.

    Returns
    -------
    LazyFrame
        record_id, changed_at.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        closed = became(tables, "opportunity", "statecode", [WON, LOST])
        return closed.group_by("record_id").agg(changed_at=pl.col("at").last())

    return tables.once("last closings", make)


_CHANGES = ("audit_changes.attribute",)
_CLOSE = ("opportunityclose.createdon", "opportunity.statecode")


def _closing_rules(activity: str, state: int) -> Sequence[Rule]:
    return (
        Rule("D1", activity, "opportunityclose", "history", closed_by_activity(state), _CLOSE),
        Rule("D2", activity, "audit", "audit", closed_by_change(state), _CHANGES),
        Rule(
            "D3", activity, "opportunity", "field", closed_on_day(state),
            ("opportunity.actualclosedate", "opportunity.statecode"),
        ),
    )  # fmt: skip


RULES = (
    Rule("D1", "opportunity_created", "opportunity", "created", created, ("opportunity.createdon",)),
    Rule("D2", "opportunity_created", "audit", "audit", created_by_audit, ("audit.operation",)),
    *_closing_rules("opportunity_won", WON),
    *_closing_rules("opportunity_lost", LOST),
    Rule("D1", "opportunity_reopened", "audit", "audit", reopened, _CHANGES),
    Rule("D1", "owner_changed", "audit", "audit", owner_changed, _CHANGES),
    Rule("D1", "amount_changed", "audit", "audit", amount_changed, _CHANGES),
    Rule("D1", "close_date_pushed", "audit", "audit", close_date_pushed, _CHANGES),
)
