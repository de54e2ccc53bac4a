"""The columns that rules, links, case tables and the coverage report ask for; no other is read.

A mapping that names a field of another column has that one read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.rules_contacts import FIRST, PARTIES

if TYPE_CHECKING:
    from dealtrace_engine.sources.crm.mapping import CrmMapping

_STATE = "createdon createdby modifiedon modifiedby versionnumber"
_CODES = f"{_STATE} statecode statecodename statuscode statuscodename"
_MONEY = f"{_CODES} transactioncurrencyid"
_DOCUMENT = (
    f"{_MONEY} opportunityid paymenttermscode paymenttermscodename discountamount discountpercentage "
    "totalamount"
)
_CLOSE = "activityid createdon createdby modifiedon regardingobjectid"
_CONTACT = f"{_CLOSE} ownerid statecode actualstart actualend"
_LINE = f"{_STATE} manualdiscountamount"
_PROCESS = (
    f"businessprocessflowinstanceid {_STATE} activestageid activestageidname activestagestartedon "
    "traversedpath opportunityid bpf_opportunityid"
)
_COLUMNS = {
    "audit_changes": "auditid objectid objecttypecode createdon userid operation attribute old new",
    "lead": f"leadid {_MONEY} masterid qualifyingopportunityid leadsourcecode leadsourcecodename "
    "industrycode industrycodename",
    "opportunity": f"opportunityid {_MONEY} ownerid originatingleadid stageid stepname salesstage "
    "salesstagename salesstagecode salesstagecodename scheduleproposalmeeting presentproposal "
    "presentfinalproposal estimatedclosedate actualclosedate estimatedvalue actualvalue closeprobability "
    "discountamount discountpercentage",
    "quote": f"quoteid {_DOCUMENT} quotenumber revisionnumber effectivefrom closedon",
    "salesorder": f"salesorderid {_DOCUMENT} quoteid submitdate datefulfilled",
    "invoice": f"invoiceid {_DOCUMENT} salesorderid duedate lastbackofficesubmit",
    "opportunityclose": f"{_CLOSE} opportunityid competitorid actualrevenue opportunitystatecode "
    "opportunitystatuscode",
    "quoteclose": f"{_CLOSE} quoteid",
    "orderclose": f"{_CLOSE} salesorderid",
    "opportunityproduct": f"opportunityproductid {_LINE} opportunityid productid quantity priceperunit "
    "baseamount extendedamount",
    "quotedetail": f"quotedetailid {_LINE} quoteid",
    "salesorderdetail": "salesorderdetailid salesorderid quotedetailid modifiedon",
    "invoicedetail": "invoiceid salesorderdetailid actualdeliveryon modifiedon",
    "phonecall": _CONTACT,
    "appointment": _CONTACT,
    "email": f"{_CONTACT} statuscode directioncode senton",
    "task": "modifiedon",
    "activitypointer": "modifiedon",
    "activityparty": "modifiedon",
    "contact": "contactid accountid parentcustomerid fullname modifiedon",
    "opportunitysalesprocess": _PROCESS,
    "leadtoopportunitysalesprocess": f"{_PROCESS} leadid bpf_leadid",
    "customsalesprocess": f"{_PROCESS} bpf_table",
}
_CASE = (
    "ownerid owneridname owningteam owningbusinessunit overriddencreatedon exchangerate customerid "
    "customeridname"
)
_CASES = {
    "lead": f"{_CASE} parentaccountid parentaccountidname companyname address1_country estimatedvalue "
    "estimatedamount estimatedamount_base estimatedclosedate",
    "opportunity": f"{_CASE} parentaccountid parentaccountidname estimatedvalue_base actualvalue_base "
    "totalamount totalamount_base",
    "quote": f"{_CASE} totalamount_base",
    "salesorder": f"{_CASE} totalamount_base",
    "invoice": f"{_CASE} totalamount_base",
}
"""What only the case table asks of the records that are the cases."""
_ACCOUNTS = {
    "opportunity": "parentaccountid customerid", "quote": "customerid", "salesorder": "customerid",
    "invoice": "customerid",
}  # fmt: skip
"""What only links by account and time ask for."""
_TAKING_PART = {
    "activityparty": "activityid partyid participationtypemask",
    "opportunity": "parentcontactid parentaccountid customerid",
}
"""What only first contacts by who took part in them ask for."""


def asked(mapping: CrmMapping) -> Mapping[str, Sequence[str]]:
    """Return which columns of each table are asked for; of a table that is not named, all are."""
    leading = {"order": "salesorder"}.get(mapping.leading, mapping.leading)
    more = [{leading: _CASES.get(leading, "")}]
    if mapping.link_by_account:
        more.append(_ACCOUNTS)
    if set(PARTIES) & set(mapping.ladders.get(FIRST, ())):
        more.append(_TAKING_PART)
    return {
        table: tuple(dict.fromkeys(" ".join([columns, *(one.get(table, "") for one in more)]).split()))
        for table, columns in _COLUMNS.items()
    }
