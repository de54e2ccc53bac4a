"""The columns that rules, links, case tables and the coverage report ask for; no other is read.

A mapping that names a field of another column has that one read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_STATE = "createdon createdby modifiedon modifiedby versionnumber"
_CODES = f"{_STATE} statecode statecodename statuscode statuscodename"
_OWNED = f"{_CODES} ownerid owneridname owningteam owningbusinessunit overriddencreatedon"
_MONEY = f"{_OWNED} transactioncurrencyid exchangerate customerid customeridname"
_DOCUMENT = (
    f"{_MONEY} opportunityid paymenttermscode paymenttermscodename discountamount discountpercentage "
    "totalamount totalamount_base"
)
_CLOSE = "activityid createdon createdby modifiedon regardingobjectid"
_CONTACT = f"{_CLOSE} ownerid statecode actualstart actualend"
_LINE = f"{_STATE} manualdiscountamount"
_PROCESS = (
    f"businessprocessflowinstanceid {_STATE} activestageid activestageidname activestagestartedon "
    "traversedpath opportunityid bpf_opportunityid"
)
_COLUMNS = {
    "lead": f"leadid {_MONEY} masterid qualifyingopportunityid parentaccountid parentaccountidname "
    "leadsourcecode leadsourcecodename industrycode industrycodename companyname address1_country "
    "estimatedvalue estimatedamount estimatedamount_base estimatedclosedate",
    "opportunity": f"opportunityid {_MONEY} originatingleadid parentaccountid parentaccountidname stageid "
    "stepname salesstage salesstagename salesstagecode salesstagecodename scheduleproposalmeeting "
    "presentproposal presentfinalproposal estimatedclosedate actualclosedate estimatedvalue "
    "estimatedvalue_base actualvalue actualvalue_base totalamount totalamount_base closeprobability "
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
ASKED: Mapping[str, Sequence[str]] = {table: tuple(columns.split()) for table, columns in _COLUMNS.items()}
"""Of these tables; the others are read with all columns of the catalogue."""
