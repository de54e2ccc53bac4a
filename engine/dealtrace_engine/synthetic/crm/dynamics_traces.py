"""Where a Dynamics 365 organisation records each activity, the best place first."""

from __future__ import annotations

from dealtrace_engine.synthetic.crm.traces import VERSIONS, Trace

_PROCESSES = ("opportunitysalesprocess", "leadtoopportunitysalesprocess")
_INSTANCE = "businessprocessflowinstanceid"


def _audited(*columns: str, via: tuple[str, str, str] | None = None) -> Trace:
    """Return the audit rows in which one of the columns changed."""
    values = tuple(f'"{column}"' for column in columns)
    return Trace("audit", "objectid", "createdon", column="changedata", values=values, within=True, via=via)


def _version(table: str) -> Trace:
    return Trace(f"{table}{VERSIONS}", f"{table}id", "modifiedon")


def _state(table: str) -> tuple[Trace, ...]:
    return (_audited("statecode", "statuscode"), _version(table))


def _field(table: str, *columns: str) -> tuple[Trace, ...]:
    return (_audited(*columns), _version(table))


_STAGE = (
    *(_audited("activestageid", via=(process, _INSTANCE, "opportunityid")) for process in _PROCESSES),
    *(
        Trace(f"{process}{VERSIONS}", "opportunityid", at)
        for process in _PROCESSES
        for at in ("modifiedon", "activestagestartedon")
    ),
    *_field("opportunity", "salesstage", "stepname", "stageid"),
    Trace("opportunitysalesprocess", "opportunityid", "activestagestartedon"),
)
_CLOSED = (
    Trace("opportunityclose", "opportunityid", "createdon"),
    *_state("opportunity"),
    Trace("opportunity", "opportunityid", "actualclosedate", "date"),
)
_ACTIVITIES = ("phonecall", "appointment", "email")
_CONTACT = tuple(
    Trace(table, "activityid", at)
    for table in _ACTIVITIES
    for at in ("actualend", "actualstart", "senton", "createdon")
)
_APPROVAL = _field("quote", "statuscode", "new_approvalstatus")
_CUSTOM_REQUESTED = (
    Trace("new_discountapproval", "new_quoteid", "createdon"),
    Trace("msdyn_flow_approval", "regardingobjectid", "createdon"),
)
_CUSTOM_DECIDED = (
    Trace("new_discountapproval", "new_quoteid", "new_decidedon"),
    Trace("msdyn_flow_approvalresponse", "regardingobjectid", "createdon"),
)

TRACES: dict[str, tuple[Trace, ...]] = {
    "campaign_response": (Trace("campaignresponse", "regardingobjectid", "createdon"),),
    "lead_captured": (Trace("lead", "leadid", "createdon"), Trace("lead", "masterid", "createdon")),
    "lead_qualified": (
        *_state("lead"), Trace("opportunity", "originatingleadid", "createdon"),
        Trace("lead", "leadid", "modifiedon", column="statecode", values=("1",)),
    ),
    "lead_disqualified": (
        *_state("lead"), Trace("lead", "leadid", "modifiedon", column="statecode", values=("2",)),
    ),
    "lead_converted": (Trace("opportunity", "originatingleadid", "createdon"), *_state("lead")),
    "opportunity_created": (Trace("opportunity", "opportunityid", "createdon"),),
    "opportunity_stage_changed": _STAGE,
    "solution_proposed": _STAGE,
    "opportunity_won": _CLOSED,
    "opportunity_lost": _CLOSED,
    "opportunity_reopened": _state("opportunity"),
    "owner_changed": _field("opportunity", "ownerid"),
    "amount_changed": _field("opportunity", "estimatedvalue", "actualvalue"),
    "close_date_pushed": _field("opportunity", "estimatedclosedate"),
    "quote_created": (Trace("quote", "quoteid", "createdon"),),
    "quote_revised": (Trace("quote", "quoteid", "createdon"),),
    "quote_issued": (
        *_state("quote"), Trace("email", "regardingobjectid", "senton"),
        Trace("quote", "quoteid", "effectivefrom", "date"),
    ),
    "quote_accepted": (
        *_state("quote"), Trace("quoteclose", "quoteid", "createdon"),
        Trace("salesorder", "quoteid", "createdon"), Trace("quote", "quoteid", "closedon", "date"),
    ),
    "quote_rejected": (
        *_state("quote"), Trace("quoteclose", "quoteid", "createdon"),
        Trace("quote", "quoteid", "closedon", "date"),
    ),
    "discount_changed": _field("quote", "discountpercentage", "discountamount"),
    "discount_approval_requested": (*_CUSTOM_REQUESTED, *_APPROVAL),
    "discount_approval_approved": (*_CUSTOM_DECIDED, *_APPROVAL),
    "discount_approval_rejected": (*_CUSTOM_DECIDED, *_APPROVAL),
    "discount_approval_recalled": (*_CUSTOM_DECIDED, *_APPROVAL),
    "approval_requested": (),
    "approval_approved": (),
    "approval_rejected": (),
    "approval_recalled": (),
    "contract_created": (),
    "contract_sent_for_approval": (),
    "contract_signed": (),
    "sales_order_created": (Trace("salesorder", "salesorderid", "createdon"),),
    "order_activated": (
        *_state("salesorder"), Trace("salesorder", "salesorderid", "submitdate", "date"),
    ),
    "order_fulfilled": (
        *_state("salesorder"), Trace("salesorder", "salesorderid", "datefulfilled", "date"),
    ),
    "order_partially_fulfilled": _state("salesorder"),
    "order_canceled": (Trace("orderclose", "salesorderid", "createdon"), *_state("salesorder")),
    "order_closed": _state("salesorder"),
    "invoice_generated": (Trace("invoice", "invoiceid", "createdon"),),
    "invoice_sent": (
        Trace("email", "regardingobjectid", "senton"), *_state("invoice"),
        Trace("invoice", "invoiceid", "lastbackofficesubmit"),
    ),
    "invoice_canceled": _state("invoice"),
    "payment_received": (),
    "payment_reversed": (),
    "payment_completed": (
        *_state("invoice"), Trace("invoice", "invoiceid", "modifiedon", column="statecode", values=("2",)),
    ),
    "payment_reminder_sent": (Trace("email", "regardingobjectid", "senton"),),
    "first_customer_contact": _CONTACT,
    "customer_contact": _CONTACT,
    "case_opened": (Trace("incident", "incidentid", "createdon"),),
    "case_closed": (
        Trace("incidentresolution", "incidentid", "createdon"), *_state("incident"),
    ),
}  # fmt: skip
