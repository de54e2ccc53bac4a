"""What was planted in an organisation, with its size measured on the facts, and how much dirt there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.clock import EPOCH, EXPORTED
from dealtrace_engine.synthetic.crm import company

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

HOUR_S = 3600


def planted(facts: Facts) -> dict[str, Any]:
    """Return the five findings, the counts of dirt and the settings, as ``planted.json`` holds them.

    Returns
    -------
    dict
        settings (dates, names and currencies), findings (each with who it is about, and what the analyses of
        a complete log should find), dirt (counts of records).

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> planted(facts(100, seed=1))["findings"]["slow_approver"]["name"]
    'Marta Ibarra'
    """
    return {"settings": _settings(facts), "findings": _findings(facts), "dirt": _dirt(facts)}


def _settings(facts: Facts) -> dict[str, Any]:
    renamed, old_name = company.RENAMED_STAGE
    return {
        "deals": facts.deals,
        "seed": facts.seed,
        "first_day": EPOCH.isoformat(),
        "exported": EXPORTED.isoformat(),
        "corporate_currency": company.CORPORATE,
        "rates": company.CURRENCIES,
        "stages": list(company.STAGES),
        "stage_renamed": {
            "from": old_name,
            "to": company.STAGES[renamed],
            "on": company.STAGE_RENAMED.isoformat(),
        },
        "migrated_until": company.MIGRATED_UNTIL.isoformat(),
        "discount_limit_percent": org.DISCOUNT_LIMIT_PERCENT,
    }


def _findings(facts: Facts) -> dict[str, Any]:
    return {
        "slow_approver": _slow_approver(facts),
        "discounting_rep": _discounting_rep(facts),
        "region_without_contracts": _region_without_contracts(facts),
        "weak_lead_source": _weak_lead_source(facts),
        "late_payers": _late_payers(facts),
    }


def _number(value: Any, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)


def _slow_approver(facts: Facts) -> dict[str, Any]:
    """Compare the hours from request to decision."""
    import polars as pl

    hours = (pl.col("decided") - pl.col("requested")).dt.total_seconds() / HOUR_S
    decided = facts["approvals"].filter(
        (pl.col("process") == "Discount Approval") & pl.col("decision").is_in(["Approved", "Rejected"])
    ).with_columns(hours=hours)  # fmt: skip
    his = pl.col("approver") == org.SLOW_APPROVER
    return {
        "name": org.PEOPLE[org.SLOW_APPROVER],
        "decisions": int(decided.filter(his).height),
        "median_hours": _number(decided.filter(his)["hours"].median()),
        "median_hours_of_others": _number(decided.filter(~his)["hours"].median()),
    }


def _discounting_rep(facts: Facts) -> dict[str, Any]:
    """Compare the percent of the quotes that customers accepted, by owner of the deal."""
    import polars as pl

    deals = facts["opportunities"].filter(pl.col("synced_quote").is_not_null())
    accepted = facts["quotes"].select(synced_quote="quote", percent="discount_pct")
    deals = deals.join(accepted, on="synced_quote")
    his = pl.col("owner") == company.DISCOUNTER
    above = pl.col("percent") > org.DISCOUNT_LIMIT_PERCENT
    return {
        "name": org.PEOPLE[company.DISCOUNTER],
        "accepted_quotes": int(deals.filter(his).height),
        "mean_percent": _number(deals.filter(his)["percent"].mean()),
        "mean_percent_of_others": _number(deals.filter(~his)["percent"].mean()),
        "above_limit": int(deals.filter(his & above).height),
    }


def _region_without_contracts(facts: Facts) -> dict[str, Any]:
    """Compare the share of won deals that never had a contract signed."""
    import polars as pl

    signed = facts["contracts"].filter(pl.col("activated").is_not_null())["opportunity"]
    won = facts["opportunities"].filter(pl.col("outcome") == "Won")
    won = won.with_columns(without=~pl.col("opportunity").is_in(signed.implode()))
    there = pl.col("region") == org.REGIONS[company.SKIPPING_REGION]
    return {
        "name": org.REGIONS[company.SKIPPING_REGION],
        "won": int(won.filter(there).height),
        "won_without_contract": int(won.filter(there)["without"].sum()),
        "share": _number(won.filter(there)["without"].mean()),
        "share_elsewhere": _number(won.filter(~there)["without"].mean()),
    }


def _weak_lead_source(facts: Facts) -> dict[str, Any]:
    """Compare the share of leads that became an opportunity, merged ones aside."""
    import polars as pl

    leads = facts["leads"].filter(pl.col("merged_into").is_null())
    leads = leads.with_columns(became=pl.col("opportunity").is_not_null())
    weak = pl.col("source") == org.WORST_SOURCE
    return {
        "name": org.WORST_SOURCE,
        "leads": int(leads.filter(weak).height),
        "converted": int(leads.filter(weak)["became"].sum()),
        "share": _number(leads.filter(weak)["became"].mean()),
        "share_of_others": _number(leads.filter(~weak)["became"].mean()),
    }


def _late_payers(facts: Facts) -> dict[str, Any]:
    """Compare the share of fully paid invoices of deals whose last payment came after the due date."""
    import polars as pl

    paid = facts["invoices"].filter(pl.col("paid").is_not_null() & pl.col("opportunity").is_not_null())
    paid = paid.with_columns(late=pl.col("paid").dt.date() > pl.col("due_date"))
    theirs = pl.col("account").is_in([position + 1 for position in company.LATE_PAYERS])
    return {
        "accounts": [org.ACCOUNTS[position] for position in company.LATE_PAYERS],
        "paid_invoices": int(paid.filter(theirs).height),
        "late": int(paid.filter(theirs)["late"].sum()),
        "share": _number(paid.filter(theirs)["late"].mean()),
        "share_of_others": _number(paid.filter(~theirs)["late"].mean()),
    }


def _dirt(facts: Facts) -> dict[str, int]:
    import polars as pl

    leads, deals, quotes, changes = (facts[name] for name in ("leads", "opportunities", "quotes", "changes"))
    orders, invoices, contacts = (facts[name] for name in ("orders", "invoices", "contacts"))
    gone = deals.filter("deleted")["opportunity"].implode()
    alone = pl.col("opportunity").is_null()
    losers = facts["accounts"].filter(pl.col("merged_into").is_not_null())["account"].implode()
    reopens = (pl.col("field") == "stage") & pl.col("old").str.starts_with("Closed")
    several = quotes.group_by("opportunity").agg(pl.col("number").n_unique()).filter(pl.col("number") > 1)
    return {
        "merged_leads": leads["merged_into"].count(),
        "merged_accounts": facts["accounts"]["merged_into"].count(),
        "deals_of_merged_accounts": int(deals["account"].is_in(losers).sum()),
        "deleted_deals": int(deals["deleted"].sum()),
        "live_quotes_of_deleted_deals": int(quotes["opportunity"].is_in(gone).sum()),
        "live_orders_of_deleted_deals": int(orders["opportunity"].is_in(gone).sum()),
        "migrated_deals": int(deals["migrated"].sum()),
        "reopened_deals": changes.filter(reopens)["record"].n_unique(),
        "foreign_currency_deals": int((deals["currency"] != company.CORPORATE).sum()),
        "deals_with_several_quotes": several.height,
        "orders_without_deal": orders.filter(alone).height,
        "invoices_without_deal": invoices.filter(alone).height,
        "invoices_without_order": invoices["order"].null_count(),
        "recurring_invoices": int((invoices["type"] == "Recurring").sum()),
        "canceled_invoices": invoices["canceled"].count(),
        "reversed_payments": int((facts["payments"]["kind"] == "unapplied").sum()),
        "deleted_contacts": int(contacts["deleted"].sum()),
        "changes_to_the_old_stage_name": int((changes["new"] == company.RENAMED_STAGE[1]).sum()),
        "changes_tied_within_a_second": _ties(changes),
        "recalled_approvals": int((facts["approvals"]["decision"] == "Recalled").sum()),
        "pending_approvals": facts["approvals"]["decision"].null_count(),
    }  # fmt: skip


def _ties(changes: pl.DataFrame) -> int:
    """Count the changes of a record in a second in which it has more than one."""
    import polars as pl

    return changes.filter(pl.len().over("object", "record", "at") > 1).height
