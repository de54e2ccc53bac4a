"""In which order activities are derived, so that tables and the audit leave memory early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.system import Family
from dealtrace_engine.sources.dynamics.audited import LEADING, split_audit
from dealtrace_engine.sources.dynamics.links import links
from dealtrace_engine.sources.dynamics.relations import parents
from dealtrace_engine.sources.dynamics.rules_opportunities import closings, last_closings, reopen_counts
from dealtrace_engine.sources.dynamics.stages import PROCESSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables


def _changes(*names: str) -> Iterator[str]:
    """Yield how that begins which is worked out of the changes of attributes, or of all of a table."""
    for name in names:
        yield f"audited {name}"
        yield f"changes of {name}"


def _narrowed(tables: CrmTables, mapping: CrmMapping, *names: str) -> None:
    """Let columns go that links, case table and coverage report do not ask for; of the cases' own, none."""
    named = {LEADING.get(mapping.leading, mapping.leading), *mapping.named_objects}
    for name in names:
        if name not in named:
            tables.keep(name, [column for column in KEPT[name].split() if column in tables.catalog[name]])


def _quoted(tables: CrmTables, mapping: CrmMapping) -> None:
    parents(tables, mapping, "quote", "opportunity")
    _narrowed(tables, mapping, "quote", "quotedetail", "opportunityproduct")


def _ordered(tables: CrmTables, mapping: CrmMapping) -> None:
    for of in ("opportunity", "quote"):
        parents(tables, mapping, "order", of)
    _narrowed(tables, mapping, "salesorder")


def _billed(tables: CrmTables, mapping: CrmMapping) -> None:
    for of in ("opportunity", "quote", "order"):
        parents(tables, mapping, "invoice", of)
    _narrowed(tables, mapping, "invoice")


def _linked(tables: CrmTables, mapping: CrmMapping) -> None:
    links(tables, mapping)
    parents(tables, mapping, "opportunity", "lead")


def _led(tables: CrmTables, mapping: CrmMapping) -> None:
    _narrowed(tables, mapping, "lead")


def _closed(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out what the case table asks of the changes of the state of opportunities."""
    for make in (closings, last_closings, reopen_counts):
        make(tables)


def _staged(tables: CrmTables, mapping: CrmMapping) -> None:
    _narrowed(tables, mapping, *PROCESSES)


_CODES = "statecode statecodename statuscode statuscodename"
_DOCUMENT = f"opportunityid createdon {_CODES} paymenttermscode paymenttermscodename"
_PROCESS = "modifiedon opportunityid bpf_opportunityid activestageid activestageidname bpf_table"
KEPT = {
    "quote": f"quoteid {_DOCUMENT} quotenumber discountpercentage",
    "quotedetail": "quotedetailid quoteid",
    "opportunityproduct": "opportunityid productid quantity priceperunit baseamount extendedamount",
    "salesorder": f"salesorderid quoteid {_DOCUMENT}",
    "invoice": f"invoiceid salesorderid {_DOCUMENT}",
    "lead": f"leadid createdon {_CODES} leadsourcecode leadsourcecodename industrycode industrycodename",
    **dict.fromkeys(PROCESSES, _PROCESS),
}
"""Of tables that are asked for after their family: these columns."""
APPROVALS = ("msdyn_flow_approval", "msdyn_flow_approvalrequest", "msdyn_flow_approvalresponse")
SELLING = (
    Family(
        ("discount_changed",
         *(f"{of}approval_{step}" for of in ("discount_", "")
           for step in ("requested", "approved", "rejected", "recalled")),
         "quote_created", "quote_issued", "quote_revised", "quote_accepted", "quote_rejected"),
        reads=("opportunity", "opportunityproduct", "quote", "quotedetail", "quoteclose", "salesorder",
               "email", *APPROVALS),
        afterwards=_quoted,
        spent=("quoteclose", *APPROVALS),
        spent_made=("approvals", *_changes("quote.", "opportunity.discount", "opportunityproduct.",
                                           "quotedetail.")),
    ),
    Family(
        ("sales_order_created", "order_submitted", "order_fulfilled", "order_partially_fulfilled",
         "order_canceled", "order_closed"),
        reads=("orderclose", "salesorderdetail", "invoice", "invoicedetail"),
        afterwards=_ordered,
        spent=("orderclose", "quotedetail"),
        spent_made=tuple(_changes("salesorder.")),
    ),
    Family(
        ("invoice_generated", "invoice_sent", "invoice_canceled", "payment_received", "payment_reversed",
         "payment_completed"),
        afterwards=_billed,
        spent=("salesorderdetail", "invoicedetail"),
        spent_made=("messages out", *_changes("invoice.")),
    ),
)  # fmt: skip
"""What comes of an opportunity."""
FAMILIES = (
    Family((), afterwards=split_audit, spent=("audit_changes",)),
    *SELLING,
    Family(("case_opened", "case_closed"), spent_made=tuple(_changes("incident."))),
    Family(
        ("first_customer_contact", "customer_contact"),
        reads=("phonecall", "appointment", "lead", *PROCESSES, "contact", "account"),
        afterwards=_linked,
        spent=("phonecall", "email", "appointment", "task", "activitypointer", "activityparty"),
    ),
    Family(
        ("lead_captured", "lead_qualified", "lead_disqualified", "lead_converted"),
        afterwards=_led,
        spent_made=tuple(_changes("lead.")),
    ),
    Family(
        ("opportunity_created", "opportunity_won", "opportunity_lost", "opportunity_reopened",
         "owner_changed", "amount_changed", "close_date_pushed"),
        reads=("opportunityclose",),
        afterwards=_closed,
        spent=("opportunityclose",),
        spent_made=tuple(_changes("opportunity.statecode", "opportunity.ownerid")),
    ),
    Family(
        ("opportunity_stage_changed", "solution_proposed"),
        afterwards=_staged,
        spent_made=("stages by", *_changes(*PROCESSES, "opportunity.")),
    ),
)  # fmt: skip
"""The audit first, while nothing else is there; opportunities last, when there are few other tables."""
