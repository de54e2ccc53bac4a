"""In which order activities are derived, so that tables and the audit leave memory early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.system import Family
from dealtrace_engine.sources.dynamics.audited import ROWS, split_audit
from dealtrace_engine.sources.dynamics.emails import messages_out
from dealtrace_engine.sources.dynamics.links import links
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.relations import parents
from dealtrace_engine.sources.dynamics.rules_opportunities import closings, last_closings, reopen_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

AUDIT = ("audit", "audit_changes")
PROCESS = "leadtoopportunitysalesprocess"
BESIDE_STAGES = (
    "closeprobability", "estimatedvalue", "estimatedclosedate", "salesstage", "stepname", "stageid",
    "presentproposal", "presentfinalproposal",
)  # fmt: skip


def _changes(*names: str) -> Iterator[str]:
    """Yield how that begins which is worked out of the changes of attributes, or of all of a table."""
    for name in names:
        yield f"audited {name}"
        yield f"changes of {name}"


def _linked(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out what links, case table and later rules ask of messages and of lines."""
    messages_out(tables)
    links(tables, mapping)
    for what, of in (("opportunity", "lead"), ("quote", "opportunity"), ("order", "opportunity"),
                     ("invoice", "opportunity"), ("order", "quote"), ("invoice", "quote")):  # fmt: skip
        parents(tables, mapping, what, of)


def _closed(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out what the case table asks of the changes of the state of opportunities."""
    for make in (closings, last_closings, reopen_counts):
        make(tables)


FAMILIES = (
    Family((), afterwards=split_audit, spent=("audit_changes",), spent_made=(ROWS,)),
    Family(
        ("first_customer_contact", "customer_contact"),
        reads=[name for name in CATALOG if name not in AUDIT],
        afterwards=_linked,
        spent=("phonecall", "email", "appointment", "task", "activitypointer", "activityparty"),
    ),
    Family(
        ("lead_captured", "lead_qualified", "lead_disqualified", "lead_converted"),
        spent_made=tuple(_changes("lead.")),
    ),
    Family(
        ("opportunity_created", "opportunity_won", "opportunity_lost", "opportunity_reopened",
         "owner_changed", "amount_changed", "close_date_pushed"),
        afterwards=_closed,
        spent=("opportunityclose",),
        spent_made=tuple(_changes("opportunity.statecode", "opportunity.ownerid")),
    ),
    Family(
        ("opportunity_stage_changed", "solution_proposed"),
        spent_made=(
            "stages by",
            *_changes(PROCESS, "opportunitysalesprocess", "customsalesprocess"),
            *_changes(*(f"opportunity.{column}" for column in BESIDE_STAGES)),
        ),
    ),
    Family(
        ("discount_changed",
         *(f"{of}approval_{step}" for of in ("discount_", "")
           for step in ("requested", "approved", "rejected", "recalled"))),
        spent=("quotedetail", "msdyn_flow_approval", "msdyn_flow_approvalrequest",
               "msdyn_flow_approvalresponse"),
        spent_made=("approvals", *_changes("opportunity.", "opportunityproduct.", "quotedetail.")),
    ),
    Family(
        ("quote_created", "quote_issued", "quote_revised", "quote_accepted", "quote_rejected"),
        spent=("quoteclose",),
        spent_made=tuple(_changes("quote.")),
    ),
    Family(
        ("sales_order_created", "order_submitted", "order_fulfilled", "order_partially_fulfilled",
         "order_canceled", "order_closed"),
        spent=("orderclose", "salesorderdetail", "invoicedetail"),
        spent_made=tuple(_changes("salesorder.")),
    ),
    Family(
        ("invoice_generated", "invoice_sent", "invoice_canceled", "payment_received", "payment_reversed",
         "payment_completed"),
        spent_made=("messages out", *_changes("invoice.")),
    ),
    Family(("case_opened", "case_closed"), spent_made=tuple(_changes("incident."))),
)  # fmt: skip
"""The audit first, while nothing else is there; then contacts, which have the most rows."""
