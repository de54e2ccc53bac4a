"""The numbers that Dynamics 365 Sales keeps in place of words: states, reasons, option sets, and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dealtrace_engine.synthetic.crm.dynamics_guids import guid, guids

if TYPE_CHECKING:
    import polars as pl

ENGLISH = 1033
"""Language code of the labels."""


class Status(NamedTuple):
    """A pair of a state and the reason for it."""

    state: int
    reason: int


class Statuses(NamedTuple):
    """The states of a table and their reasons.

    Attributes
    ----------
    states : dict of int to str
    reasons : dict of int to tuple
        Reason to its state and label.
    """

    states: dict[int, str]
    reasons: dict[int, tuple[int, str]]


_ACTIVITY = {0: "Open", 1: "Completed", 2: "Canceled"}
_CLOSE = Statuses(_ACTIVITY, {1: (0, "Open"), 2: (1, "Completed"), 3: (2, "Canceled")})
_IN_USE = Statuses({0: "Active", 1: "Inactive"}, {1: (0, "Active"), 2: (1, "Inactive")})
_FLOW = Statuses({0: "Active", 1: "Inactive"}, {1: (0, "Active"), 2: (1, "Finished"), 3: (1, "Aborted")})

STATUSES: dict[str, Statuses] = {
    "lead": Statuses(
        {0: "Open", 1: "Qualified", 2: "Disqualified"},
        {
            1: (0, "New"), 2: (0, "Contacted"), 3: (1, "Qualified"), 4: (2, "Lost"), 5: (2, "Cannot Contact"),
            6: (2, "No Longer Interested"), 7: (2, "Canceled"),
        },
    ),
    "opportunity": Statuses(
        {0: "Open", 1: "Won", 2: "Lost"},
        {1: (0, "In Progress"), 2: (0, "On Hold"), 3: (1, "Won"), 4: (2, "Canceled"), 5: (2, "Out-Sold")},
    ),
    "quote": Statuses(
        {0: "Draft", 1: "Active", 2: "Won", 3: "Closed"},
        {
            1: (0, "In Progress"), 2: (1, "In Progress"), 3: (1, "Open"), 4: (2, "Won"), 5: (3, "Lost"),
            6: (3, "Canceled"), 7: (3, "Revised"),
        },
    ),
    "salesorder": Statuses(
        {0: "Active", 1: "Submitted", 2: "Canceled", 3: "Fulfilled", 4: "Invoiced"},
        {
            1: (0, "New"), 2: (0, "Pending"), 3: (1, "In Progress"), 4: (2, "No Money"),
            100001: (3, "Complete"), 100002: (3, "Partial"), 100003: (4, "Invoiced"),
        },
    ),
    "invoice": Statuses(
        {0: "Active", 1: "Closed (deprecated)", 2: "Paid", 3: "Canceled"},
        {
            1: (0, "New"), 2: (0, "Partially Shipped"), 4: (0, "Billed"),
            5: (0, "Booked (applies to services)"),
            6: (0, "Installed (applies to services)"), 3: (1, "Canceled (deprecated)"),
            7: (1, "Paid in Full (deprecated)"), 100001: (2, "Complete"), 100002: (2, "Partial"),
            100003: (3, "Canceled"),
        },
    ),
    "opportunityclose": _CLOSE,
    "quoteclose": _CLOSE,
    "orderclose": _CLOSE,
    "phonecall": Statuses(
        _ACTIVITY, {1: (0, "Open"), 2: (1, "Made"), 4: (1, "Received"), 3: (2, "Canceled")}
    ),
    "email": Statuses(
        _ACTIVITY,
        {
            1: (0, "Draft"), 8: (0, "Failed"), 2: (1, "Completed"), 3: (1, "Sent"), 4: (1, "Received"),
            6: (1, "Pending Send"), 7: (1, "Sending"), 5: (2, "Canceled"),
        },
    ),
    "appointment": Statuses(
        {**_ACTIVITY, 3: "Scheduled"},
        {
            1: (0, "Free"), 2: (0, "Tentative"), 3: (1, "Completed"), 4: (2, "Canceled"), 5: (3, "Busy"),
            6: (3, "Out of Office"),
        },
    ),
    "task": Statuses(
        _ACTIVITY,
        {
            2: (0, "Not Started"), 3: (0, "In Progress"), 4: (0, "Waiting on someone else"),
            7: (0, "Deferred"), 5: (1, "Completed"), 6: (2, "Canceled"),
        },
    ),
    "incident": Statuses(
        {0: "Active", 1: "Resolved", 2: "Canceled"},
        {1: (0, "In Progress"), 2: (0, "On Hold"), 5: (1, "Problem Solved"), 6: (2, "Canceled")},
    ),
    "opportunitysalesprocess": _FLOW,
    "leadtoopportunitysalesprocess": _FLOW,
    "account": _IN_USE,
    "contact": _IN_USE,
    "msdyn_flow_approval": _IN_USE,
    "msdyn_flow_approvalrequest": _IN_USE,
    "msdyn_flow_approvalresponse": _IN_USE,
}  # fmt: skip
"""State and reasons of each table, as they come with the product."""

INDUSTRIES = (
    "Manufacturing",
    "Retail",
    "Banking",
    "Healthcare",
    "Energy",
    "Technology",
    "Logistics",
    "Media",
)
OPTIONS: dict[tuple[str, str], dict[int, str]] = {
    ("lead", "leadsourcecode"): {
        1: "Advertisement", 2: "Employee Referral", 3: "External Referral", 4: "Partner",
        5: "Public Relations", 6: "Seminar", 7: "Trade Show", 8: "Web", 9: "Word of Mouth", 10: "Other",
        100000000: "Website", 100000001: "Referral", 100000002: "Trade Fair", 100000003: "Outbound Call",
        100000004: "Purchased List",
    },
    ("opportunity", "salesstage"): {0: "Qualify", 1: "Develop", 2: "Propose", 3: "Close"},
    ("opportunity", "opportunityratingcode"): {1: "Hot", 2: "Warm", 3: "Cold"},
    ("opportunity", "new_dealtype"): {
        100000000: "New Business", 100000001: "Existing Business", 100000002: "Renewal",
    },
    ("opportunity", "new_lossreason"): {
        100000000: "Price", 100000001: "Competitor", 100000002: "No Decision", 100000003: "No Budget",
        100000004: "Product Fit",
    },
    ("account", "industrycode"): {100000000 + place: name for place, name in enumerate(INDUSTRIES)},
    ("account", "new_segment"): {
        100000000: "Small Business", 100000001: "Mid-Market", 100000002: "Enterprise",
    },
    ("invoice", "paymenttermscode"): {
        1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60", 100000000: "Net 14", 100000001: "Net 90",
    },
    ("invoice", "new_invoicetype"): {100000000: "Standard", 100000001: "Corrected", 100000002: "Recurring"},
    ("audit", "operation"): {1: "Create", 2: "Update", 3: "Delete", 4: "Access"},
}  # fmt: skip
"""Other option sets, those of the organisation's own columns and values (from 100,000,000) included."""
OPTIONS["lead", "industrycode"] = OPTIONS["account", "industrycode"]


def option_of(table: str, column: str) -> dict[str, int]:
    """Return label to number of an option set.

    >>> option_of("lead", "leadsourcecode")["Partner"]
    4
    """
    return {label: value for value, label in OPTIONS[table, column].items()}


def stringmap(seed: int) -> pl.DataFrame:
    """Return the labels of all option sets, one row each."""
    import polars as pl

    rows = [
        (table, column, value, label)
        for (table, column), options in OPTIONS.items()
        for value, label in options.items()
    ]
    for table, statuses in STATUSES.items():
        rows += [(table, "statecode", state, label) for state, label in statuses.states.items()]
        rows += [(table, "statuscode", reason, label) for reason, (_, label) in statuses.reasons.items()]
    columns = ["objecttypecode", "attributename", "attributevalue", "value"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.with_columns(
        guids("stringmap", range(len(rows)), seed).alias("stringmapid"),
        pl.lit(ENGLISH).alias("langid"),
        pl.int_range(1, pl.len() + 1).alias("displayorder"),
        pl.lit(guid("organization", 1, seed)).alias("organizationid"),
    ).select("stringmapid", *columns, "langid", "displayorder", "organizationid")
