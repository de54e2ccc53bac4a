"""Approvals, of discounts or of anything: by an organisation's own statuses, the audit, Power Automate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import held
from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.dynamics.audit import APPROVED, REJECTED
from dealtrace_engine.sources.dynamics.codes import option_labels, with_labels
from dealtrace_engine.sources.dynamics.evidence import OBJECTS, told, told_change
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.transitions import audited_actions, became

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

TABLES = ("opportunity", "quote", "salesorder")
"""What is approved."""
STATUSES = {
    "requested": "quote.in_approval", "approved": "quote.approved", "rejected": "quote.internally_rejected",
}  # fmt: skip
"""Steps of an approval to the names of the statuses that say so; `statuses.toml` has them."""
ACTIONS = {"approved": APPROVED, "rejected": REJECTED}
"""Steps of an approval to the actions of audit rows."""
RESULTS = {"approved": ["approve*"], "rejected": ["reject*"], "recalled": ["cancel*"]}
"""Results of an approval in Power Automate, which it writes in English."""
GUID = r"([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
DISCOUNT = "approval.discount"


def by_status(step: str, of_discount: bool) -> Finder:
    """Return how to find a step of an approval by the name of the status that a record got."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        found = []
        for table in TABLES:
            codes = _codes(tables, mapping, table, step, of_discount)
            rows = became(tables, table, "statuscode", codes).with_columns(statuscode="new")
            named = with_labels(rows, tables, table, "statuscode")
            found.append(told_change(named, table, status_to=pl.col("statuscodename")))
        return pl.concat(found)

    return find


def _codes(tables: CrmTables, mapping: CrmMapping, table: str, step: str, of_discount: bool) -> list[float]:
    """Return the codes of the statuses of a table that are a step of an approval, by their names."""
    import polars as pl

    label = pl.col("label")
    names = [*mapping.status(STATUSES[step]), *_about_discount(mapping, step)]
    kept = one_of(label, names) & (one_of(label, mapping.status(DISCOUNT)) == of_discount)
    of_table = (pl.col("table") == table) & (pl.col("column") == "statuscode")
    return option_labels(tables).filter(of_table & kept)["code"].to_list()


def _about_discount(mapping: CrmMapping, step: str) -> list[str]:
    """Return the names of a step with more around them, such as "Discount approved"."""
    return [f"*{name}*" for name in mapping.status(STATUSES[step]) if "*" not in name]


def by_action(step: str) -> Finder:
    """Return how to find a step of an approval by the action that the audit names."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        return pl.concat([
            told(
                audited_actions(tables, table, ACTIONS[step]), table, record="record_id", at="at", by="by",
                row="row_id",
            )
            for table in TABLES
        ])  # fmt: skip

    return find


def flow_approvals(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the approvals of Power Automate with the records that their links point at.

    Returns
    -------
    LazyFrame
        table, object, record_id, row_id, requested, by, decided, approver, result, of_discount.
    """
    return tables.once(f"approvals {mapping.status(DISCOUNT)}", lambda: _flow_approvals(tables, mapping))


def _flow_approvals(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    told_in = (
        "msdyn_flow_approval_itemlink",
        "msdyn_flow_approval_itemlinkdescription",
        "msdyn_flow_approval_details",
    )
    title = pl.col("msdyn_flow_approval_title")
    told = pl.coalesce(pl.col(name).str.extract(GUID) for name in told_in)
    approvals = tables.table("msdyn_flow_approval").select(
        row_id="msdyn_flow_approvalid",
        record_id=held(tables.ids, told.str.to_lowercase()),
        requested="createdon",
        by=pl.coalesce("createdby", "ownerid"),
        completed="msdyn_flow_approval_completedon",
        result="msdyn_flow_approval_result",
        of_discount=one_of(title, mapping.status(DISCOUNT)).fill_null(False),
    )
    records = pl.concat([
        tables.table(table).select(record_id=KEYS[table], object=pl.lit(OBJECTS[table])) for table in TABLES
    ])  # fmt: skip
    joined = approvals.join(records, on="record_id", maintain_order="left")
    joined = joined.join(_responses(tables), on="row_id", how="left", maintain_order="left")
    return joined.with_columns(
        decided=pl.coalesce("completed", "responded"), result=pl.coalesce("result", "response")
    )


def _responses(tables: CrmTables) -> pl.LazyFrame:
    """Return the last response to each approval."""
    import polars as pl

    rows = tables.table("msdyn_flow_approvalresponse").select(
        row_id="msdyn_flow_approvalresponse_approval",
        responded="createdon",
        response="msdyn_flow_approvalresponse_response",
        approver=pl.coalesce("ownerid", "createdby"),
    )
    kept = rows.filter(pl.col("row_id").is_not_null()).sort("responded", maintain_order=True)
    return kept.unique("row_id", keep="last", maintain_order=True)


def by_flow(step: str, of_discount: bool) -> Finder:
    """Return how to find a step of an approval in the approvals of Power Automate."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = flow_approvals(tables, mapping).filter(pl.col("of_discount") == of_discount)
        if step == "requested":
            return _told_flow(rows, "requested", "by")
        return _told_flow(rows.filter(one_of(pl.col("result"), RESULTS[step])), "decided", "approver")

    return find


def _told_flow(rows: pl.LazyFrame, at: str, by: str) -> pl.LazyFrame:
    import polars as pl

    return rows.select(
        "object", "record_id",
        fact="record_id", timestamp=at, resource_id=by, source_row_id="row_id",
        end_timestamp=pl.col(at), status_to=pl.col("result") if at == "decided" else pl.lit(None, pl.String),
    )  # fmt: skip


def _rules(step: str, of_discount: bool) -> list[Rule]:
    activity = f"{'discount_' if of_discount else ''}approval_{step}"
    rules = []
    if step in STATUSES:
        needs = ("audit_changes.attribute", "quote.statuscode")
        rules.append(
            Rule("D1", activity, "audit", "audit", by_status(step, of_discount), needs, verified=False)
        )
    if step in ACTIONS and not of_discount:
        rules.append(Rule("D2", activity, "audit", "audit", by_action(step), ("audit.action",)))
    needs = ("msdyn_flow_approval.createdon", "msdyn_flow_approval.msdyn_flow_approval_itemlink")
    flow = by_flow(step, of_discount)
    return [*rules, Rule("D3", activity, "msdyn_flow_approval", "field", flow, needs, verified=False)]


RULES = tuple(
    rule
    for of_discount in (True, False)
    for step in ("requested", "approved", "rejected", "recalled")
    for rule in _rules(step, of_discount)
)
