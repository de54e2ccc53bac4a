"""What was planted in an organisation, with its size measured on the facts, and how much dirt there is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
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
    evidence = Evidence()
    evidence.add(facts)
    return evidence.planted()


class Evidence:
    """What the findings of an organisation are measured on, collected part by part."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}
        self._measured: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._dirt: Counter[str] = Counter()

    def add(self, facts: Facts) -> None:
        """Add what a part of the organisation shows."""
        self._settings = _settings(facts)
        for name, (measured, _) in _FINDINGS.items():
            self._measured[name].append(measured(facts))
        self._dirt.update(_dirt(facts))

    def planted(self) -> dict[str, Any]:
        """Return what the function `planted` does, of all parts together."""
        import polars as pl

        findings = {name: told(pl.concat(self._measured[name])) for name, (_, told) in _FINDINGS.items()}
        return {"settings": self._settings, "findings": findings, "dirt": dict(self._dirt)}


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


def _number(value: Any, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)


def _decisions(facts: Facts) -> pl.DataFrame:
    import polars as pl

    hours = (pl.col("decided") - pl.col("requested")).dt.total_seconds() / HOUR_S
    decided = (pl.col("process") == "Discount Approval") & pl.col("decision").is_in(["Approved", "Rejected"])
    return facts["approvals"].filter(decided).select(his=pl.col("approver") == org.SLOW_APPROVER, hours=hours)


def _slow_approver(decisions: pl.DataFrame) -> dict[str, Any]:
    """Compare the hours from request to decision."""
    his, others = _both(decisions, "his")
    return {
        "name": org.PEOPLE[org.SLOW_APPROVER],
        "decisions": his.height,
        "median_hours": _number(his["hours"].median()),
        "median_hours_of_others": _number(others["hours"].median()),
    }


def _accepted_quotes(facts: Facts) -> pl.DataFrame:
    import polars as pl

    deals = facts["opportunities"].filter(pl.col("synced_quote").is_not_null())
    accepted = facts["quotes"].select(synced_quote="quote", percent="discount_pct")
    deals = deals.join(accepted, on="synced_quote")
    return deals.select("percent", his=pl.col("owner") == company.DISCOUNTER)


def _discounting_rep(accepted: pl.DataFrame) -> dict[str, Any]:
    """Compare the percent of the quotes that customers accepted, by owner of the deal."""
    his, others = _both(accepted, "his")
    return {
        "name": org.PEOPLE[company.DISCOUNTER],
        "accepted_quotes": his.height,
        "mean_percent": _number(his["percent"].mean()),
        "mean_percent_of_others": _number(others["percent"].mean()),
        "above_limit": int((his["percent"] > org.DISCOUNT_LIMIT_PERCENT).sum()),
    }


def _won_deals(facts: Facts) -> pl.DataFrame:
    import polars as pl

    signed = facts["contracts"].filter(pl.col("activated").is_not_null())["opportunity"]
    return (
        facts["opportunities"]
        .filter(pl.col("outcome") == "Won")
        .select(
            there=pl.col("region") == org.REGIONS[company.SKIPPING_REGION],
            without=~pl.col("opportunity").is_in(signed.implode()),
        )
    )


def _region_without_contracts(won: pl.DataFrame) -> dict[str, Any]:
    """Compare the share of won deals that never had a contract signed."""
    there, elsewhere = _both(won, "there")
    return {
        "name": org.REGIONS[company.SKIPPING_REGION],
        "won": there.height,
        "won_without_contract": int(there["without"].sum()),
        "share": _number(there["without"].mean()),
        "share_elsewhere": _number(elsewhere["without"].mean()),
    }


def _unmerged_leads(facts: Facts) -> pl.DataFrame:
    import polars as pl

    leads = facts["leads"].filter(pl.col("merged_into").is_null())
    return leads.select(weak=pl.col("source") == org.WORST_SOURCE, became=pl.col("opportunity").is_not_null())


def _weak_lead_source(leads: pl.DataFrame) -> dict[str, Any]:
    """Compare the share of leads that became an opportunity, merged ones aside."""
    weak, others = _both(leads, "weak")
    return {
        "name": org.WORST_SOURCE,
        "leads": weak.height,
        "converted": int(weak["became"].sum()),
        "share": _number(weak["became"].mean()),
        "share_of_others": _number(others["became"].mean()),
    }


def _paid_invoices(facts: Facts) -> pl.DataFrame:
    import polars as pl

    paid = facts["invoices"].filter(pl.col("paid").is_not_null() & pl.col("opportunity").is_not_null())
    return paid.select(
        theirs=pl.col("account").is_in([position + 1 for position in company.LATE_PAYERS]),
        late=pl.col("paid").dt.date() > pl.col("due_date"),
    )


def _late_payers(paid: pl.DataFrame) -> dict[str, Any]:
    """Compare the share of fully paid invoices of deals whose last payment came after the due date."""
    theirs, others = _both(paid, "theirs")
    return {
        "accounts": [org.ACCOUNTS[position] for position in company.LATE_PAYERS],
        "paid_invoices": theirs.height,
        "late": int(theirs["late"].sum()),
        "share": _number(theirs["late"].mean()),
        "share_of_others": _number(others["late"].mean()),
    }


def _both(measured: pl.DataFrame, who: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of whom a finding is about, and those of the others."""
    return measured.filter(measured[who]), measured.filter(~measured[who])


_FINDINGS: dict[str, tuple[Callable[[Facts], pl.DataFrame], Callable[[pl.DataFrame], dict[str, Any]]]] = {
    "slow_approver": (_decisions, _slow_approver),
    "discounting_rep": (_accepted_quotes, _discounting_rep),
    "region_without_contracts": (_won_deals, _region_without_contracts),
    "weak_lead_source": (_unmerged_leads, _weak_lead_source),
    "late_payers": (_paid_invoices, _late_payers),
}
"""What each finding is measured on, and what is told of that."""


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
        "merged_accounts": facts["accounts"]["merged_into"].count() if facts.part.is_first else 0,
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
