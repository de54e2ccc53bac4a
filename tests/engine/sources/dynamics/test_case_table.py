"""The case table: every attribute of an opportunity, and those of other kinds of cases."""

from datetime import UTC, date, datetime

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables, Kind
from dealtrace_engine.sources.dynamics.case_table import COLUMNS, case_table
from dealtrace_engine.sources.dynamics.unmapped import unmapped
from dynamics_rows import USERS, at, audit, export

DEAL = {
    "opportunityid": "o1",
    "createdon": at(1),
    "createdby": "u1",
    "ownerid": "u1",
    "owningteam": "t1",
    "owningbusinessunit": "b1",
    "statecode": 1,
    "statuscode": 3,
    "estimatedvalue": 100.0,
    "actualvalue": 90.0,
    "estimatedvalue_base": 110.0,
    "actualvalue_base": 99.0,
    "exchangerate": 2.0,
    "transactioncurrencyid": "e",
    "parentaccountid": "k1",
    "originatingleadid": "l1",
    "discountpercentage": 5.0,
    "salesstage": 3,
    "actualclosedate": date(2024, 3, 9),
    "estimatedclosedate": date(2024, 3, 31),
    "modifiedon": at(9),
}
ROWS = {
    "systemuser": [{**USERS[0], "positionid": "p1"}, USERS[1]],
    "position": [{"positionid": "p1", "name": "Account Executive"}],
    "team": [{"teamid": "t1", "name": "North"}],
    "businessunit": [{"businessunitid": "b1", "name": "Sales EMEA"}],
    "account": [
        {
            "accountid": "k1",
            "name": "Acme",
            "industrycode": 7,
            "territoryid": "r1",
            "address1_country": "DE",
            "accountcategorycode": 1,
        },
        {"accountid": "k2", "name": "Old Acme", "masterid": "k1"},
    ],
    "territory": [{"territoryid": "r1", "name": "DACH"}],
    "stringmap": [
        {
            "objecttypecode": "account",
            "attributename": name,
            "attributevalue": code,
            "value": label,
            "langid": 1033,
        }
        for name, code, label in (("industrycode", 7, "Machinery"), ("accountcategorycode", 1, "Enterprise"))
    ],
    "lead": [{"leadid": "l1", "leadsourcecode": 8, "createdon": at(1)}],
    "transactioncurrency": [{"transactioncurrencyid": "e", "isocurrencycode": "EUR"}],
    "product": [
        {"productid": "f", "name": "Pumps"},
        {"productid": "x", "name": "P1", "parentproductid": "f"},
        {"productid": "y", "name": "P2", "parentproductidname": "Valves"},
    ],
    "opportunityproduct": [
        {
            "opportunityproductid": str(number),
            "opportunityid": "o1",
            "productid": product,
            "extendedamount": amount,
        }
        for number, (product, amount) in enumerate((("x", 30.0), ("y", 50.0), ("x", 40.0)))
    ],
    "quote": [
        {
            "quoteid": f"q{number}",
            "quotenumber": "Q",
            "revisionnumber": number,
            "opportunityid": "o1",
            "paymenttermscode": 3,
            "createdon": at(2),
        }
        for number in (0, 1)
    ],
    "salesorder": [{"salesorderid": "s1", "quoteid": "q1", "createdon": at(5)}],
    "invoice": [{"invoiceid": f"i{number}", "salesorderid": "s1", "createdon": at(6)} for number in (1, 2)],
}


def row(deal=DEAL, mapping=None, versions=None, **more):
    tables = export({**ROWS, **more, "opportunity": [deal]}, versions)
    (found,) = case_table(tables, mapping or CrmMapping()).to_dicts()
    return found


def test_every_attribute():
    found = row()
    assert tuple(found) == COLUMNS
    assert found == {
        "case_id": "o1",
        "owner": "Ada",
        "owner_role": "Account Executive",
        "team": "North",
        "department": "Sales EMEA",
        "account": "Acme",
        "industry": "Machinery",
        "segment": "Enterprise",
        "region": "DACH",
        "country": "DE",
        "lead_source": "Web",
        "product_category": "Pumps",
        "type": None,
        "record_type": None,
        "amount": 90.0,
        "currency": "EUR",
        "amount_corporate": 99.0,
        "discount_pct": 5.0,
        "contract_terms": None,
        "payment_terms": "Net 45",
        "loss_reason": None,
        "competitor": None,
        "outcome": "Won",
        "is_won": True,
        "stage": "Close",
        "created": at(1),
        "closed": datetime(2024, 3, 9, tzinfo=UTC),
        "close_date": date(2024, 3, 31),
        "is_deleted": False,
        "is_migrated": False,
        "has_history": False,
        "quote_count": 1,
        "order_count": 1,
        "invoice_count": 2,
        "reopen_count": 0,
    }


def test_one_that_was_lost_to_a_competitor():
    lost = {**DEAL, "statecode": 2, "statuscode": 5}
    closes = [
        {"activityid": "c2", "opportunityid": "o1", "createdon": at(8, 15), "competitorid": "m"},
        {"activityid": "c1", "opportunityid": "o1", "createdon": at(4), "competitorid": None},
    ]
    found = row(lost, opportunityclose=closes, competitor=[{"competitorid": "m", "name": "Rival"}])
    assert (found["outcome"], found["is_won"], found["loss_reason"]) == ("Lost", False, "Out-Sold")
    assert (found["competitor"], found["closed"], found["reopen_count"]) == ("Rival", at(8, 15), 1)
    assert (found["amount"], found["amount_corporate"]) == (100.0, 110.0)


def test_amounts_by_the_rate_of_the_row_where_it_has_no_base():
    found = row({**DEAL, "statecode": 0, "estimatedvalue_base": None})
    assert (found["amount"], found["amount_corporate"], found["closed"]) == (100.0, 50.0, None)


def test_a_day_begins_where_the_organisation_is():
    found = row(mapping=CrmMapping(zone="Europe/Berlin"))
    assert found["closed"] == datetime(2024, 3, 8, 23, tzinfo=UTC)


def test_a_team_a_contact_and_a_merged_account():
    contact = [{"contactid": "p", "fullname": "Eve", "parentcustomerid": "k2"}]
    deal = {**DEAL, "ownerid": "t1", "owningteam": "t1", "parentaccountid": None, "customerid": "p"}
    found = row(deal, contact=contact)
    assert (found["owner"], found["team"], found["account"], found["region"]) == (
        "North",
        "North",
        "Acme",
        "DACH",
    )
    alone = row(deal, contact=[{**contact[0], "parentcustomerid": None}])
    assert (alone["account"], alone["industry"]) == ("Eve", None)


def test_the_discount_of_the_main_quote_where_the_opportunity_has_none():
    quotes = [
        {
            "quoteid": "q1",
            "opportunityid": "o1",
            "statecode": 2,
            "discountpercentage": 8.0,
            "createdon": at(2),
        },
        {
            "quoteid": "q2",
            "opportunityid": "o1",
            "statecode": 3,
            "discountpercentage": 20.0,
            "createdon": at(4),
        },
    ]
    found = row({**DEAL, "discountpercentage": None}, quote=quotes)
    assert (found["discount_pct"], found["quote_count"]) == (8.0, 2)


def test_the_payment_terms_of_the_order_come_first():
    assert row(salesorder=[{**ROWS["salesorder"][0], "paymenttermscode": 4}])["payment_terms"] == "Net 60"


def test_history_and_migration():
    assert row(
        audit_changes=[audit("opportunity", "o1", "ownerid", "systemuser,u2", "systemuser,u1", at(2))]
    )["has_history"]
    versions = [{**DEAL, "modifiedon": at(day)} for day in (1, 2)]
    assert row(versions={"opportunity": versions})["has_history"]
    assert not row(versions={"opportunity": versions[:1]})["has_history"]
    assert row({**DEAL, "overriddencreatedon": at(7)})["is_migrated"]


@pytest.mark.parametrize(("together", "of"), [(30, 100), (19, 19), (30, 1000)])
def test_many_created_at_once_were_loaded(together, of):
    deals = [
        {
            "opportunityid": f"o{number}",
            "createdby": "u1",
            "createdon": at(1, 8, 0, number % 60)
            if number < together
            else at(2 + number % 20, number // 60, number % 60),
        }
        for number in range(of)
    ]
    found = case_table(export({"opportunity": deals}), CrmMapping())
    assert found["is_migrated"].sum() == (30 if (together, of) == (30, 100) else 0)


def test_the_stage_is_that_of_the_process_that_changed_last():
    processes = [
        {
            "businessprocessflowinstanceid": "i1",
            "opportunityid": "o1",
            "activestageid": "s1",
            "modifiedon": at(4),
        },
        {
            "businessprocessflowinstanceid": "i2",
            "opportunityid": "o1",
            "activestageid": "s2",
            "modifiedon": at(3),
        },
    ]
    stages = [
        {"processstageid": "s1", "stagename": "Propose"},
        {"processstageid": "s2", "stagename": "Close"},
    ]
    assert row(opportunitysalesprocess=processes, processstage=stages)["stage"] == "Propose"


def test_fields_that_the_mapping_names():
    mapping = CrmMapping(
        fields={"opportunity.new_kind": "kind", "account.new_size": "segment", "quote.name": "no"}
    )
    tables = export(
        {
            **ROWS,
            "opportunity": [{**DEAL, "new_kind": "7"}],
            "account": [{**ROWS["account"][0], "new_size": "Large"}],
            "stringmap": [
                {
                    "objecttypecode": "opportunity",
                    "attributename": "new_kind",
                    "attributevalue": 7,
                    "value": "New",
                    "langid": 1033,
                }
            ],
        }
    )
    catalog = {name: dict(columns) for name, columns in tables.catalog.items()}
    catalog["opportunity"]["new_kind"] = catalog["account"]["new_size"] = Kind.TEXT
    (found,) = case_table(CrmTables(tables.raw, catalog), mapping).to_dicts()
    assert (found["kind"], found["segment"]) == ("New", "Large")
    assert "no" not in found


def test_a_lead_as_the_case():
    leads = [
        {
            "leadid": "l1",
            "companyname": "Acme",
            "statecode": 2,
            "statuscode": 6,
            "createdon": at(1),
            "ownerid": "u2",
            "estimatedamount": 10.0,
            "leadsourcecode": 10,
        },
        {"leadid": "l2", "masterid": "l1", "createdon": at(1)},
    ]
    tables = export({**ROWS, "lead": leads, "opportunity": [DEAL]})
    (found,) = case_table(tables, CrmMapping(leading="lead")).to_dicts()
    assert tuple(found) == COLUMNS
    assert (found["account"], found["outcome"], found["loss_reason"]) == (
        "Acme",
        "Disqualified",
        "No Longer Interested",
    )
    assert (found["lead_source"], found["owner"], found["amount"], found["quote_count"]) == (
        "Other",
        "Bo",
        10.0,
        1,
    )


@pytest.mark.parametrize(
    ("leading", "table", "outcome"),
    [
        ("quote", "quote", "Accepted"),
        ("order", "salesorder", "Canceled"),
        ("invoice", "invoice", "Paid"),
    ],
)
def test_a_priced_record_as_the_case(leading, table, outcome):
    priced = {
        f"{table}id": "r",
        "customerid": "k2",
        "totalamount": 8.0,
        "totalamount_base": 9.0,
        "statecode": 2,
        "paymenttermscode": 2,
        "discountpercentage": 1.0,
        "createdon": at(1),
    }
    tables = export({**ROWS, table: [priced], "opportunity": [DEAL]})
    (found,) = case_table(tables, CrmMapping(leading=leading)).to_dicts()
    assert tuple(found) == COLUMNS
    names = ("account", "amount", "amount_corporate", "outcome", "payment_terms", "discount_pct")
    assert [found[name] for name in names] == ["Acme", 8.0, 9.0, outcome, "2% 10, Net 30", 1.0]


def test_codes_and_stages_of_which_nothing_is_known():
    tables = export(
        {
            "opportunity": [
                {"opportunityid": f"o{n}", "statecode": 0, "statuscode": code}
                for n, code in enumerate((1, 880, 880, 5, 7))
            ],
            "opportunitysalesprocess": [{"businessprocessflowinstanceid": "i", "activestageid": "s"}],
            "lead": [{"leadid": "l", "leadsourcecode": 99, "leadsourcecodename": "Fair"}],
        }
    )
    assert unmapped(tables, CrmMapping()) == {
        "opportunity.statuscode": {"880": 2, "7": 1},
        "opportunitysalesprocess.activestageid": {"s": 1},
    }
