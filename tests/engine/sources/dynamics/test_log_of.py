"""From tables of Dynamics to a log: a sale from lead to payment, with bursts, days, orphans and coverage."""

import json
from datetime import UTC, date
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dealtrace_engine.errors import LogError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import log_of
from dealtrace_engine.sources.dynamics.memory import from_frames
from dealtrace_engine.sources.dynamics.system import SYSTEM
from dynamics_rows import USERS, at, audit_row

WIN = at(9, 15)


SALE = {
    "systemuser": USERS,
    "lead": [
        {
            "leadid": "l1",
            "createdon": at(1),
            "createdby": "u1",
            "statecode": 1,
            "statuscode": 3,
            "ownerid": "u1",
        }
    ],
    "opportunity": [
        {
            "opportunityid": "o1",
            "originatingleadid": "l1",
            "createdon": at(3),
            "createdby": "u1",
            "ownerid": "u1",
            "statecode": 1,
            "statuscode": 3,
            "estimatedvalue": 100.0,
            "actualvalue": 90.0,
            "modifiedon": at(25),
        },
        {
            "opportunityid": "o2",
            "createdon": at(4),
            "createdby": "u2",
            "ownerid": "u2",
            "statecode": 0,
            "statuscode": 1,
        },
    ],
    "phonecall": [
        {
            "activityid": "p1",
            "regardingobjectid": "l1",
            "statecode": 1,
            "actualend": at(2),
            "ownerid": "u1",
        }
    ],
    "quote": [
        {
            "quoteid": "q1",
            "opportunityid": "o1",
            "quotenumber": "Q1",
            "revisionnumber": 0,
            "createdon": at(5),
            "createdby": "u1",
            "statecode": 2,
            "statuscode": 4,
        }
    ],
    "opportunityclose": [
        {
            "activityid": "c1",
            "opportunityid": "o1",
            "createdon": WIN,
            "createdby": "u1",
            "actualrevenue": 90.0,
        }
    ],
    "quoteclose": [{"activityid": "c2", "quoteid": "q1", "createdon": WIN, "createdby": "u1"}],
    "salesorder": [
        {
            "salesorderid": "s1",
            "quoteid": "q1",
            "createdon": WIN,
            "createdby": "u1",
            "statecode": 3,
            "statuscode": 100001,
            "datefulfilled": date(2024, 3, 12),
        },
        {"salesorderid": "s9", "createdon": at(8), "createdby": "u1", "statecode": 0, "statuscode": 1},
    ],
    "invoice": [
        {
            "invoiceid": "i1",
            "salesorderid": "s1",
            "createdon": at(12, 8),
            "createdby": "u1",
            "statecode": 2,
            "statuscode": 100001,
            "modifiedon": at(20),
            "modifiedby": "u2",
            "totalamount": 90.0,
        }
    ],
}
"""Tables of one sale, of one that is still open, and of an order that belongs to none."""


def audited(table, record, when, by="u1", operation=2, **changes):
    """An audit row with its changes as JSON: attribute to (old, new)."""
    attributes = [
        {"logicalName": name, "oldValue": old, "newValue": new} for name, (old, new) in changes.items()
    ]
    return {
        **audit_row(table, record, when, operation=operation, by=by),
        "changedata": json.dumps({"changedAttributes": attributes}),
    }


AUDIT = [
    audited("lead", "l1", at(3), statecode=("0", "1"), statuscode=("1", "3")),
    audited("opportunity", "o1", at(4), estimatedvalue=("80", "100")),
    audited("quote", "q1", at(6), statecode=("0", "1"), statuscode=("1", "3")),
]
IN_ORDER = [
    ("lead_captured", at(1)),
    ("first_customer_contact", at(2)),
    ("lead_qualified", at(3)),
    ("lead_converted", at(3)),
    ("opportunity_created", at(3)),
    ("amount_changed", at(4)),
    ("quote_created", at(5)),
    ("quote_issued", at(6)),
    ("quote_accepted", WIN),
    ("opportunity_won", WIN),
    ("sales_order_created", WIN),
    ("order_fulfilled", at(12, 8)),
    ("invoice_generated", at(12, 8)),
    ("payment_received", at(20)),
]


def made(rows, **options):
    """The log of tables in memory."""
    mapping = CrmMapping(**options)
    frames = {name: pl.DataFrame(found, infer_schema_length=None) for name, found in rows.items()}
    return log_of(SYSTEM, from_frames(frames, mapping), mapping)


def story(log, case):
    """(activity id, instant) of the events of a case, in their order."""
    table = log.to_polars(["activity_id"]).filter(pl.col("case_id").cast(pl.String) == case)
    return [
        (str(activity), when.replace(tzinfo=UTC))
        for activity, when in table.select("activity_id", "timestamp").rows()
    ]


@pytest.fixture(scope="module")
def log():
    return made({**SALE, "audit": AUDIT})


def test_a_sale_from_lead_to_payment(log):
    """The win, the closing of the quote and the order are one second, and in their order all the same."""
    assert story(log, "o1") == IN_ORDER
    assert story(log, "o2") == [("opportunity_created", at(4))]
    assert log.cases == 2


def test_every_event_says_how_it_is_known(log):
    rows = log.to_polars(
        ["activity_id", "rule_id", "ts_quality", "ts_precision", "source_object", "record_id"]
    )
    found = {row["activity_id"]: row for row in rows.to_dicts()}
    assert found["quote_accepted"]["rule_id"] == "quote_accepted.D1b"
    assert found["quote_issued"]["ts_quality"] == "audit"
    assert found["order_fulfilled"]["ts_precision"] == "date"
    assert found["payment_received"]["ts_quality"] == "modified"
    assert found["amount_changed"]["record_id"] == "o1"


def test_the_coverage_says_what_is_missing(log):
    coverage = log.quality.coverage
    assert coverage.system == "dynamics"
    assert coverage.shape == "memory"
    assert coverage.orphans == {"order": {"records": 1, "events": 1}}
    assert "contracts" in coverage.underivable["contract_signed"]
    assert "payment_received.D2" in coverage.unverified
    assert (coverage.closed, coverage.closed_with_change) == (1, 1)
    assert coverage.objects["opportunity"] == 2
    assert coverage.history["audit_changes"]["rows"] == 5


def test_the_case_table_of_the_log(log):
    table = pl.DataFrame(log.case_table(["owner", "outcome", "amount", "invoice_count"]))
    assert table.sort("case_id").rows() == [("o1", "Ada", "Won", 90.0, 1), ("o2", "Bo", "Open", None, 0)]


def test_other_cases():
    log = made({**SALE, "audit": AUDIT}, leading="order")
    assert log.cases == 2
    assert story(log, "s1") == IN_ORDER
    assert story(log, "s9") == [("sales_order_created", at(8))]


def test_a_contract_by_a_table_of_the_organisations_own():
    contracts = {"id": "new_contractid", "case": "new_opportunityid", "contract_signed": "new_signedon"}
    rows = {
        **SALE,
        "new_contract": [{"new_contractid": "k1", "new_opportunityid": "o1", "new_signedon": at(8)}],
    }
    log = made(rows, objects={"new_contract": contracts})
    assert ("contract_signed", at(8)) in story(log, "o1")
    assert "contract_signed" not in log.quality.coverage.underivable


def test_nothing_but_ids_is_an_error_that_says_what_is_missing():
    with pytest.raises(LogError, match="no event could be derived") as error:
        made({"opportunity": [{"opportunityid": "o1"}]})
    assert "opportunity.createdon" in error.value.hint


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", 12), ("UTC", 11)])
def test_a_day_that_comes_as_an_instant_is_the_local_midnight(zone, day):
    """A column that shows a day only holds the instant of the local midnight."""
    orders = [{**row, "datefulfilled": at(11, 23)} for row in SALE["salesorder"]]
    invoices = [{**row, "createdon": at(14)} for row in SALE["invoice"]]
    log = made({**SALE, "salesorder": orders, "invoice": invoices}, zone=zone)
    (when,) = (when for activity, when in story(log, "o1") if activity == "order_fulfilled")
    assert when.astimezone(ZoneInfo(zone)).day == day


def test_fields_of_the_organisations_own():
    labels = [
        {
            "objecttypecode": "invoice",
            "attributename": "new_type",
            "attributevalue": 7,
            "value": "Final",
            "langid": 1033,
        }
    ]
    own = {
        "invoice": [{**row, "new_type": 7} for row in SALE["invoice"]],
        "stringmap": labels,
        "product": [{"productid": "x", "new_family": "Pumps"}, {"productid": "y", "new_family": "Valves"}],
        "opportunityproduct": [
            {
                "opportunityproductid": f"{n}",
                "opportunityid": "o1",
                "productid": product,
                "extendedamount": amount,
            }
            for n, (product, amount) in enumerate([("x", 40.0), ("y", 50.0), ("x", 20.0)])
        ],
        "incident": [
            {
                "incidentid": "c1",
                "createdon": at(15),
                "createdby": "u1",
                "new_deal": "O1",
                "statecode": 0,
                "statuscode": 1,
            }
        ],
    }
    fields = {
        "invoice.new_type": "invoice_type",
        "product.new_family": "product_category",
        "incident.new_deal": "opportunity",
    }
    log = made({**SALE, **own}, fields=fields)
    assert ("case_opened", at(15)) in story(log, "o1")
    types = log.to_polars(["activity_id", "invoice_type"]).filter(pl.col("invoice_type").is_not_null())
    assert {tuple(map(str, row)) for row in types.select("activity_id", "invoice_type").rows()} == {
        ("invoice_generated", "Final"),
        ("payment_received", "Final"),
    }
    table = pl.DataFrame(log.case_table(["product_category"]))
    assert table.sort("case_id")["product_category"].to_list() == ["Pumps", None]
