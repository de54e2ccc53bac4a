"""The tables of Dataverse that are read, under logical names, with what their columns are.

State, status and other option codes are NUMBER, whatever a shape writes. Their labels are in the table
`stringmap`, which every reader fills: from the table itself, from formatted values, from the metadata folders
of Synapse Link; ``<column>name``, where the catalogue has it, is the label of a code or the name behind a
lookup as an export gave it beside the row (Excel has nothing else). ``<lookup>_entitytype`` is the table that
a lookup to several tables points at.

DATE columns are days as the user typed them; a reader has turned the UTC of a local midnight into the day in
the organisation's zone. Business process flows of an organisation's own making are in one table,
`customsalesprocess`, with `bpf_table` for the name of the table that each row came from.
"""

from __future__ import annotations

from collections.abc import Mapping

from dealtrace_engine.sources.crm.tables import Catalog, Kind

_OWNED = "createdby modifiedby ownerid owningteam owningbusinessunit"
_OWNED_TEXT = "ownerid_entitytype owneridname createdbyname modifiedbyname statecodename statuscodename"
_PRICED = (
    "discountamount discountpercentage totalamount totalamount_base totaldiscountamount totallineitemamount"
)
_LINE = "quantity priceperunit manualdiscountamount volumediscountamount baseamount extendedamount tax"
_PROCESS = "processid activestageid createdby modifiedby"


def _table(
    key: str, *, ids: str = "", instants: str = "", dates: str = "", numbers: str = "", booleans: str = "",
    texts: str = "",
) -> dict[str, Kind]:  # fmt: skip
    """Return a table's columns, its own id first."""
    columns = dict.fromkeys(f"{key} {ids}".split(), Kind.ID)
    columns |= dict.fromkeys(f"createdon modifiedon {instants}".split(), Kind.INSTANT)
    columns |= dict.fromkeys(dates.split(), Kind.DATE)
    columns |= dict.fromkeys(f"{numbers} versionnumber".split(), Kind.NUMBER)
    columns |= dict.fromkeys(booleans.split(), Kind.BOOLEAN)
    return columns | dict.fromkeys(texts.split(), Kind.TEXT)


def _owned(
    key: str, *, ids: str = "", instants: str = "", dates: str = "", numbers: str = "", booleans: str = "",
    texts: str = "",
) -> dict[str, Kind]:  # fmt: skip
    """Return the columns of a table whose rows have an owner and a state."""
    return _table(
        key,
        ids=f"{ids} {_OWNED}",
        instants=f"overriddencreatedon {instants}",
        dates=dates,
        numbers=f"statecode statuscode importsequencenumber {numbers}",
        booleans=booleans,
        texts=f"{texts} {_OWNED_TEXT}",
    )


def _money(key: str, *, ids: str, **more: str) -> dict[str, Kind]:
    """Return the columns of an owned table with amounts in a currency of its own."""
    more["numbers"] = f"exchangerate {more.get('numbers', '')}"
    more["texts"] = f"transactioncurrencyidname {more.get('texts', '')}"
    return _owned(key, ids=f"transactioncurrencyid {ids}", **more)


def _activity(*, ids: str = "", instants: str = "", numbers: str = "", booleans: str = "", texts: str = "",
              ) -> dict[str, Kind]:  # fmt: skip
    """Return the columns of an activity."""
    return _owned(
        "activityid",
        ids=f"regardingobjectid {ids}",
        instants=f"scheduledstart scheduledend actualstart actualend {instants}",
        numbers=f"actualdurationminutes {numbers}",
        booleans=booleans,
        texts=f"activitytypecode subject regardingobjectid_entitytype regardingobjectidname {texts}",
    )


def _closing(*, ids: str, numbers: str = "", texts: str = "") -> dict[str, Kind]:
    """Return the columns of an activity that closes a record; `actualend` is but a day there."""
    columns = _activity(ids=ids, numbers=numbers, texts=texts)
    return columns | dict.fromkeys(("actualstart", "actualend"), Kind.DATE)


def _process(*, ids: str, texts: str = "") -> dict[str, Kind]:
    """Return the columns of the instances of a business process flow."""
    return _table(
        "businessprocessflowinstanceid",
        ids=f"{_PROCESS} {ids}",
        instants="activestagestartedon completedon overriddencreatedon",
        numbers="duration statecode statuscode",
        texts=f"name traversedpath activestageidname {texts}",
    )


def _beginnings() -> dict[str, dict[str, Kind]]:
    return {
        "lead": _money(
            "leadid",
            ids="parentaccountid parentcontactid customerid campaignid qualifyingopportunityid "
            "relatedobjectid masterid processid stageid",
            dates="estimatedclosedate",
            numbers="leadsourcecode leadqualitycode salesstage salesstagecode industrycode estimatedvalue "
            "estimatedamount estimatedamount_base numberofemployees",
            booleans="merged",
            texts="fullname companyname subject address1_country leadsourcecodename industrycodename "
            "leadqualitycodename customerid_entitytype customeridname parentaccountidname campaignidname "
            "traversedpath",
        ),
        "opportunity": _money(
            "opportunityid",
            ids="originatingleadid parentaccountid parentcontactid customerid campaignid pricelevelid stepid "
            "stageid processid",
            instants="scheduleproposalmeeting",
            dates="estimatedclosedate actualclosedate finaldecisiondate",
            numbers="estimatedvalue estimatedvalue_base actualvalue actualvalue_base closeprobability "
            f"salesstage salesstagecode opportunityratingcode budgetamount purchaseprocess "
            f"prioritycode {_PRICED}",
            booleans="completeinternalreview presentproposal presentfinalproposal captureproposalfeedback "
            "developproposal sendthankyounote filedebrief",
            texts="name stepname traversedpath customerid_entitytype customeridname parentaccountidname "
            "parentcontactidname originatingleadidname campaignidname salesstagename salesstagecodename "
            "opportunityratingcodename",
        ),
    }


def _documents() -> dict[str, dict[str, Kind]]:
    return {
        "quote": _money(
            "quoteid",
            ids="opportunityid customerid campaignid pricelevelid",
            dates="effectivefrom effectiveto expireson closedon requestdeliveryby",
            numbers=f"revisionnumber paymenttermscode {_PRICED}",
            texts="quotenumber name customerid_entitytype customeridname opportunityidname "
            "paymenttermscodename",
        ),
        "salesorder": _money(
            "salesorderid",
            ids="quoteid opportunityid customerid campaignid pricelevelid",
            instants="lastbackofficesubmit",
            dates="submitdate datefulfilled requestdeliveryby",
            numbers=f"submitstatus paymenttermscode {_PRICED}",
            booleans="ispricelocked",
            texts="ordernumber name submitstatusdescription customerid_entitytype customeridname quoteidname "
            "opportunityidname paymenttermscodename",
        ),
        "invoice": _money(
            "invoiceid",
            ids="salesorderid opportunityid customerid pricelevelid",
            instants="lastbackofficesubmit",
            dates="duedate datedelivered",
            numbers=f"paymenttermscode {_PRICED}",
            booleans="ispricelocked",
            texts="invoicenumber name customerid_entitytype customeridname salesorderidname "
            "opportunityidname paymenttermscodename",
        ),
    }


def _closings() -> dict[str, dict[str, Kind]]:
    return {
        "opportunityclose": _closing(
            ids="opportunityid competitorid",
            numbers="actualrevenue actualrevenue_base opportunitystatecode opportunitystatuscode",
            texts="description opportunityidname competitoridname",
        ),
        "quoteclose": _closing(ids="quoteid", numbers="revision", texts="quotenumber quoteidname"),
        "orderclose": _closing(ids="salesorderid", numbers="revision", texts="ordernumber salesorderidname"),
    }


def _lines() -> dict[str, dict[str, Kind]]:
    product = "productid transactioncurrencyid createdby modifiedby"
    return {
        "opportunityproduct": _table(
            "opportunityproductid",
            ids=f"opportunityid {product}",
            numbers=_LINE,
            texts="productname productidname",
        ),
        "quotedetail": _table(
            "quotedetailid", ids=f"quoteid {product}", numbers=_LINE, texts="productname productidname"
        ),
        "salesorderdetail": _table(
            "salesorderdetailid",
            ids=f"salesorderid quotedetailid {product}",
            numbers=f"{_LINE} quantityshipped quantitybackordered quantitycancelled",
            texts="productname productidname",
        ),
        "invoicedetail": _table(
            "invoicedetailid",
            ids=f"invoiceid salesorderdetailid {product}",
            dates="actualdeliveryon",
            numbers=_LINE,
            texts="productname productidname shippingtrackingnumber",
        ),
        "product": _table(
            "productid", ids="parentproductid subjectid", numbers="producttypecode statecode statuscode",
            texts="name productnumber parentproductidname",
        ),
    }  # fmt: skip


def _parties() -> dict[str, dict[str, Kind]]:
    return {
        "account": _owned(
            "accountid",
            ids="territoryid parentaccountid masterid transactioncurrencyid",
            numbers="industrycode customertypecode accountcategorycode customersizecode revenue "
            "numberofemployees",
            booleans="merged",
            texts="name address1_country address1_stateorprovince territoryidname industrycodename "
            "customertypecodename accountcategorycodename customersizecodename",
        ),
        "contact": _owned(
            "contactid",
            ids="parentcustomerid accountid masterid",
            booleans="merged",
            texts="fullname parentcustomerid_entitytype parentcustomeridname address1_country",
        ),
        "systemuser": _table(
            "systemuserid",
            ids="businessunitid territoryid positionid parentsystemuserid",
            numbers="accessmode",
            booleans="isdisabled isintegrationuser",
            texts="fullname domainname title jobtitle businessunitidname territoryidname positionidname "
            "parentsystemuseridname applicationid",
        ),
        "team": _table("teamid", ids="businessunitid administratorid", texts="name businessunitidname"),
        "businessunit": _table("businessunitid", ids="parentbusinessunitid", texts="name"),
        "position": _table("positionid", ids="parentpositionid", texts="name"),
        "territory": _table("territoryid", ids="managerid parentterritoryid", texts="name manageridname"),
        "competitor": _table("competitorid", texts="name"),
        "campaign": _table("campaignid", numbers="typecode", texts="name"),
        "transactioncurrency": _table(
            "transactioncurrencyid",
            numbers="exchangerate",
            texts="isocurrencycode currencyname currencysymbol",
        ),
        "organization": _table("organizationid", ids="basecurrencyid", texts="name"),
    }


def _activities() -> dict[str, dict[str, Kind]]:
    return {
        "phonecall": _activity(booleans="directioncode"),
        "email": _activity(
            ids="parentactivityid", instants="senton", booleans="directioncode", texts="sender torecipients"
        ),
        "appointment": _activity(booleans="isalldayevent"),
        "task": _activity(),
        "activitypointer": _activity(instants="senton"),
        "activityparty": _table(
            "activitypartyid",
            ids="activityid partyid",
            numbers="participationtypemask",
            texts="partyid_entitytype",
        ),
        "incident": _owned(
            "incidentid",
            ids="customerid accountid contactid productid responsiblecontactid",
            instants="escalatedon",
            numbers="casetypecode caseorigincode prioritycode severitycode",
            booleans="isescalated",
            texts="ticketnumber title customerid_entitytype customeridname casetypecodename prioritycodename",
        ),
        "incidentresolution": _activity(ids="incidentid", texts="incidentidname"),
    }


def _processes() -> dict[str, dict[str, Kind]]:
    approval = (
        "msdyn_flow_approval_title msdyn_flow_approval_itemlink msdyn_flow_approval_itemlinkdescription"
    )
    return {
        "opportunitysalesprocess": _process(
            ids="opportunityid quoteid salesorderid bpf_quoteid bpf_salesorderid bpf_opportunityid"
        ),
        "leadtoopportunitysalesprocess": _process(ids="leadid opportunityid bpf_leadid bpf_opportunityid"),
        "customsalesprocess": _process(
            ids="leadid opportunityid quoteid salesorderid bpf_leadid bpf_opportunityid bpf_quoteid "
            "bpf_salesorderid",
            texts="bpf_table",
        ),
        "processstage": _table(
            "processstageid",
            ids="processid",
            numbers="stagecategory",
            texts="stagename primaryentitytypecode",
        ),
        "workflow": _table("workflowid", numbers="category statecode", texts="name uniquename primaryentity"),
        "msdyn_flow_approval": _owned(
            "msdyn_flow_approvalid",
            instants="msdyn_flow_approval_completedon",
            numbers="msdyn_flow_approval_result_code msdyn_flow_approval_stage",
            texts=f"{approval} msdyn_flow_approval_details msdyn_flow_approval_result "
            "msdyn_flow_approval_requester",
        ),
        "msdyn_flow_approvalrequest": _owned(
            "msdyn_flow_approvalrequestid", ids="msdyn_flow_approvalrequest_approval",
            texts="msdyn_flow_approvalrequest_name",
        ),
        "msdyn_flow_approvalresponse": _owned(
            "msdyn_flow_approvalresponseid",
            ids="msdyn_flow_approvalresponse_approval",
            texts="msdyn_flow_approvalresponse_response msdyn_flow_approvalresponse_comments",
        ),
    }  # fmt: skip


def _traces() -> dict[str, dict[str, Kind]]:
    audit = {"auditid": Kind.ID, "objectid": Kind.ID, "objecttypecode": Kind.TEXT, "createdon": Kind.INSTANT}
    audit |= {"userid": Kind.ID, "action": Kind.NUMBER, "operation": Kind.NUMBER}
    label = dict.fromkeys(("objecttypecode", "attributename", "value"), Kind.TEXT)
    return {
        "audit": audit,
        "audit_changes": audit | dict.fromkeys(("attribute", "old", "new"), Kind.TEXT),
        "stringmap": label | dict.fromkeys(("attributevalue", "langid"), Kind.NUMBER),
    }


CATALOG: Catalog = {
    **_beginnings(), **_documents(), **_closings(), **_lines(), **_parties(), **_activities(), **_processes(),
    **_traces(),
}  # fmt: skip
"""Logical name of a table to logical name of a column to its kind."""

KEYS: Mapping[str, str] = {
    name: next(iter(columns)) for name, columns in CATALOG.items() if name != "stringmap"
}
"""The column that holds a row's own id; `audit_changes` has several rows of one."""

PROCESS_COLUMNS = ("businessprocessflowinstanceid", "activestageid", "traversedpath")
"""A table with the first and one of the others holds instances of a business process flow."""

_IRREGULAR = {
    "opportunity": "opportunities", "opportunityclose": "opportunitycloses", "territory": "territories",
    "audit_changes": "", "customsalesprocess": "", "opportunitysalesprocess": "opportunitysalesprocesses",
    "leadtoopportunitysalesprocess": "leadtoopportunitysalesprocesses",
    "activityparty": "activityparties", "transactioncurrency": "transactioncurrencies",
}  # fmt: skip
ENTITY_SETS: Mapping[str, str] = {
    plural: name for name in CATALOG if (plural := _IRREGULAR.get(name, f"{name}s"))
}
"""Name of a table in the addresses of the Web API to its logical name."""

OBJECT_TYPES: Mapping[str, str] = {
    "1": "account", "2": "contact", "3": "opportunity", "4": "lead", "8": "systemuser", "9": "team",
    "112": "incident", "1024": "product", "1083": "opportunityproduct", "1084": "quote",
    "1085": "quotedetail", "1088": "salesorder", "1089": "salesorderdetail",
    "1090": "invoice", "1091": "invoicedetail",
    "4200": "activitypointer", "4201": "appointment", "4202": "email", "4208": "opportunityclose",
    "4209": "orderclose", "4210": "phonecall", "4211": "quoteclose", "4212": "task", "4400": "campaign",
}  # fmt: skip
"""Numbers by which older extracts name a table, to its logical name."""

LOOKUP_TYPES: Mapping[str, str] = {
    "regardingobjecttypecode": "regardingobjectid_entitytype", "customeridtype": "customerid_entitytype",
    "owneridtype": "ownerid_entitytype", "parentcustomeridtype": "parentcustomerid_entitytype",
    "partyobjecttypecode": "partyid_entitytype",
}  # fmt: skip
"""How SQL copies name the table behind a lookup, to the name here."""
