"""Rules on approvals: requested, approved, rejected, recalled, of discounts and of anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.approvals import advanced, processes, submissions
from dealtrace_engine.sources.salesforce.transitions import status_changes

if TYPE_CHECKING:
    import polars as pl

Steps = Callable[[CrmTables, CrmMapping], "pl.LazyFrame"]
WHAT = ("requested", "approved", "rejected", "recalled")
STATUS = {
    "requested": "quote.in_approval",
    "approved": "quote.approved",
    "rejected": "quote.internally_rejected",
}
"""Which status of a quote says the same."""
ENGINES: dict[str, tuple[Steps, str]] = {
    "SF1": (processes, "ProcessInstance"),
    "SF2": (submissions, "ApprovalSubmission"),
    "SF3": (advanced, "sbaa__Approval__c"),
}


def all_steps(tables: CrmTables, mapping: CrmMapping, place: str) -> pl.LazyFrame:
    """Return the steps of one of the `ENGINES`."""
    steps, source = ENGINES[place]
    names = list(mapping.status("approval.discount"))
    return tables.once(f"approvals {source} {names}", lambda: steps(tables, mapping))


def step(place: str, what: str, discount: bool) -> Finder:
    """Return the finder of one kind of step of one of the `ENGINES`; all steps of a record are one fact."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = all_steps(tables, mapping, place)
        rows = rows.filter((pl.col("what") == what) & (pl.col("discount") == discount))
        return rows.select(
            "source_object", "partial", fact="record", object="kind", record_id="record", timestamp="at",
            resource_id="by", source_row_id="row", status_to="status",
        )  # fmt: skip

    return find


def by_status(what: str) -> Finder:
    """Return the finder of changes of quotes' statuses that say what became of an approval.

    Quotes that have an approval in one of the `ENGINES` are left to that.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        known = pl.concat([all_steps(tables, mapping, place).select("record") for place in ENGINES])
        events = status_changes(tables, mapping, "Quote", "quote", STATUS[what])
        return events.join(known, left_on="record_id", right_on="record", how="anti")

    return find


def _rules(what: str) -> list[Rule]:
    found = [
        Rule(place, f"{about}approval_{what}", source, "created" if what == "requested" else "field",
             step(place, what, discount=bool(about)), (f"{source}.Id",), verified=place == "SF1")
        for about in ("discount_", "")
        for place, (_, source) in ENGINES.items()
        if about or place != "SF3"
    ]  # fmt: skip
    if what in STATUS:
        found.append(Rule("SF4", f"discount_approval_{what}", "QuoteHistory", "history", by_status(what),
                          ("QuoteHistory.NewValue",), verified=False))  # fmt: skip
    return found


RULES = tuple(rule for what in WHAT for rule in _rules(what))
