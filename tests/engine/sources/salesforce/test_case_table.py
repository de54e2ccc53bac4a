"""The case table: who, what, how much in whose money, on which terms, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from dealtrace_engine.sources.crm.custom import with_custom
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.salesforce.case_table import COLUMNS, LOSS_REASONS, case_table
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.rates import corporate
from dealtrace_engine.sources.salesforce.statuses import unmapped
from small_salesforce import at, record, tables

DEAL, OTHER = record("006", 1), record("006", 2)
ANN, ACCOUNT, QUOTE = record("005", 1), record("001", 1), record("0Q0", 1)


def deal(number=1, stage="Closed Won", **more):
    return {
        "Id": record("006", number), "StageName": stage, "CreatedDate": at(number), "OwnerId": ANN,
        "AccountId": ACCOUNT, "CloseDate": "2024-03-20", **more,
    }  # fmt: skip


def row(mapping=None, case=DEAL, **objects):
    objects = {"Opportunity": [deal()], **objects}
    return (
        case_table(tables(**objects), mapping or CrmMapping())
        .filter(pl.col("case_id") == case)
        .row(0, named=True)
    )


def part(row, *names):
    return tuple(row[name] for name in names)


def test_every_column_is_there_and_null_where_the_export_has_none():
    found = row(Opportunity=[{"Id": DEAL}])
    assert tuple(found) == COLUMNS
    counts = {name: 0 for name in COLUMNS if name.endswith("_count")}
    known = {"case_id": DEAL, "has_history": False, **counts}
    assert {name: value for name, value in found.items() if value is not None} == known


def test_the_owner_and_where_he_works():
    people = {
        "User": [
            {
                "Id": ANN,
                "Name": "Ann A",
                "UserRoleId": record("00E", 1),
                "Division": "North",
                "Department": "Sales",
            }
        ],
        "UserRole": [{"Id": record("00E", 1), "Name": "Rep"}],
    }
    names = ("owner", "owner_role", "team", "department")
    assert part(row(**people), *names) == ("Ann A", "Rep", "North", "Sales")
    assert part(row(), *names) == (ANN, None, None, None)
    by_report = deal(**{"Owner.Name": "Ann", "Owner.UserRole.Name": "Boss"})
    assert part(row(Opportunity=[by_report]), *names) == ("Ann", "Boss", None, None)
    queue = {"Id": record("00G", 1), "Name": "Queue"}
    assert row(Opportunity=[deal(OwnerId=queue["Id"])], Group=[queue])["owner"] == "Queue"


def test_the_account_of_a_merge_is_the_winners():
    accounts = [
        {"Id": ACCOUNT, "Name": "Old", "IsDeleted": True, "MasterRecordId": record("001", 2)},
        {
            "Id": record("001", 2),
            "Name": "New",
            "Industry": "Steel",
            "BillingCountry": "DE",
            "Segment__c": "Mid",
        },
    ]
    found = row(Account=accounts)
    assert part(found, "account", "industry", "segment", "country", "region") == (
        "New",
        "Steel",
        "Mid",
        "DE",
        "DE",
    )


def test_territory_record_type_and_source():
    found = row(
        Opportunity=[deal(Territory2Id=record("0MI", 1), RecordTypeId=record("012", 1), Type="New Business")],
        Territory2=[{"Id": record("0MI", 1), "Name": "EMEA"}],
        RecordType=[{"Id": record("012", 1), "Name": "Big"}],
        Lead=[
            {
                "Id": record("00Q", 1),
                "ConvertedOpportunityId": DEAL,
                "LeadSource": "Web",
                "CreatedDate": at(2),
            },
            {
                "Id": record("00Q", 2),
                "ConvertedOpportunityId": DEAL,
                "LeadSource": "Fair",
                "CreatedDate": at(1),
            },
        ],
    )
    assert part(found, "region", "record_type", "type", "lead_source") == (
        "EMEA",
        "Big",
        "New Business",
        "Fair",
    )


def test_the_category_of_the_largest_line():
    lines = [
        {"Id": record("00k", n), "OpportunityId": DEAL, "Product2Id": record("01t", n), "TotalPrice": price}
        for n, price in ((1, 10), (2, 30), (3, 20))
    ]
    products = [{"Id": record("01t", n), "Family": f"family {n}"} for n in (1, 2, 3)]
    assert row(OpportunityLineItem=lines, Product2=products)["product_category"] == "family 2"


def test_the_discount_of_the_synced_quote_else_of_the_last():
    quotes = [
        {"Id": record("0Q0", n), "OpportunityId": DEAL, "CreatedDate": at(n), "Discount": 10 * n}
        for n in (1, 2)
    ]
    assert row(Quote=quotes)["discount_pct"] == 20.0
    assert row(Opportunity=[deal(SyncedQuoteId=QUOTE)], Quote=quotes)["discount_pct"] == 10.0
    assert row(Quote=[{**quotes[0], "IsSyncing": True}, quotes[1]])["discount_pct"] == 10.0


def test_terms_of_the_contract_and_of_payment():
    found = row(
        Contract=[
            {"Id": record("800", 1), "SourceOpportunityId": DEAL, "ContractTerm": 24, "CreatedDate": at(1)}
        ],
        Invoice=[{"Id": record("3tt", 1), "ReferenceEntityId": DEAL, "PaymentTermId": record("0hv", 1)}],
        PaymentTerm=[{"Id": record("0hv", 1), "Name": "Net 30"}],
    )
    assert part(found, "contract_terms", "payment_terms", "invoice_count") == ("24 months", "Net 30", 1)


@pytest.mark.parametrize(("flags", "outcome"), [((1, 1), "Won"), ((1, 0), "Lost"), ((0, 0), "Open")])
def test_the_outcome_by_the_flags(flags, outcome):
    closed, won = flags
    found = row(Opportunity=[deal(stage="Odd", IsClosed=closed, IsWon=won)])
    assert part(found, "outcome", "is_won", "stage") == (outcome, bool(won), "Odd")


def test_when_it_was_closed_and_how_often_it_came_back():
    history = [
        {"Id": record("008", n), "OpportunityId": DEAL, "StageName": stage, "CreatedDate": at(n)}
        for n, stage in enumerate(("New", "Closed Lost", "New", "Closed Lost", "New", "Closed Won"), 1)
    ]
    found = row(OpportunityHistory=history)
    names = ("closed", "reopen_count", "outcome", "has_history", "close_date")
    assert part(found, *names) == (at(6), 2, "Won", True, date(2024, 3, 20))
    assert part(row(), *names) == (at(20), 0, "Won", False, date(2024, 3, 20))
    assert part(row(Opportunity=[deal(stage="New", IsClosed=False)]), "closed", "outcome") == (None, "Open")


@pytest.mark.parametrize("field", LOSS_REASONS)
def test_a_loss_reason_is_known_by_the_usual_names_of_its_field(field):
    assert row(Opportunity=[deal(**{field: "Price"})])["loss_reason"] == "Price"


def test_every_usual_name_of_a_loss_reason_is_in_the_catalogue():
    assert {name for name in CATALOG["Opportunity"] if "Los" in name and "Reason" in name} <= {*LOSS_REASONS}


def test_loss_reason_and_competitor_by_their_usual_fields_or_the_mappings():
    usual = deal(Lost_Reason__c="Price", MainCompetitors__c="Acme")
    assert part(row(Opportunity=[usual]), "loss_reason", "competitor") == ("Price", "Acme")
    rival = {"Id": record("0Co", 1), "OpportunityId": DEAL, "CompetitorName": "Umbrella"}
    assert row(OpportunityCompetitor=[rival])["competitor"] == "Umbrella"
    fields = {"Opportunity.Why__c": "loss_reason", "Account.Tier__c": "tier", "User.Unit__c": "unit"}
    mapping = CrmMapping(fields=fields)
    export = tables(
        Opportunity=[deal(Why__c="Late", Lost_Reason__c="Price")],
        Account=[{"Id": ACCOUNT, "Tier__c": "gold"}],
        User=[{"Id": ANN, "Unit__c": "u1"}],
    )
    export = replace(export, catalog=with_custom(export.catalog, mapping))
    found = case_table(export, mapping)
    assert found.columns == [*COLUMNS, "tier", "unit"]
    assert found.select("loss_reason", "tier", "unit").row(0) == ("Late", "gold", "u1")


def test_records_made_in_one_minute_by_one_user_were_migrated():
    together = [
        {"Id": record("006", n), "CreatedDate": at(1, 12, 0, n), "CreatedById": ANN} for n in range(25)
    ]  # fmt: skip
    alone = [{"Id": record("006", 90), "CreatedDate": at(1, 12), "CreatedById": record("005", 2)}]
    found = case_table(tables(Opportunity=[*together, *alone]), CrmMapping())
    assert found["is_migrated"].to_list() == [True] * 25 + [False]
    few = case_table(tables(Opportunity=together[:5]), CrmMapping())
    assert not few["is_migrated"].any()


def test_deleted_opportunities_have_no_row():
    found = case_table(tables(Opportunity=[deal(IsDeleted=False), deal(2, IsDeleted=True)]), CrmMapping())
    assert found.select("case_id", "is_deleted").rows() == [(DEAL, False)]


DAY = date(2024, 3, 20)


def valued(*rows, **objects):
    schema = {"amount": pl.Float64, "currency": pl.String, "close_date": pl.Date}
    frame = pl.LazyFrame(rows, schema=schema, orient="row")
    return corporate(frame, tables(**objects)).collect()["amount_corporate"].to_list()


def test_amounts_in_the_currency_of_the_organisation():
    types = [{"IsoCode": "EUR", "ConversionRate": 1}, {"IsoCode": "USD", "ConversionRate": 1.25}]
    rows = ((10.0, "EUR", DAY), (10.0, "USD", DAY), (10.0, "JPY", DAY), (None, "USD", DAY), (5.0, None, DAY))
    assert valued(*rows, CurrencyType=types) == [10.0, 8.0, None, None, None]


def test_at_the_rate_of_the_close_date():
    types = [{"IsoCode": "USD", "ConversionRate": 2}]
    dated = [
        {"IsoCode": "USD", "StartDate": "2024-01-01", "NextStartDate": "2024-03-20", "ConversionRate": 4},
        {"IsoCode": "USD", "StartDate": "2024-03-20", "NextStartDate": "2024-06-01", "ConversionRate": 5},
    ]
    days = (date(2024, 3, 19), DAY, date(2024, 7, 1), date(2023, 7, 1))
    rows = [(20.0, "USD", day) for day in days]
    assert valued(*rows, CurrencyType=types, DatedConversionRate=dated) == [5.0, 4.0, 10.0, 10.0]


def test_several_currencies_without_rates_have_no_common_amount_but_one_has():
    assert valued((1.0, "EUR", DAY), (2.0, "USD", DAY)) == [None, None]
    assert valued((1.0, "EUR", DAY), (2.0, "EUR", DAY)) == [1.0, 2.0]
    assert valued((1.0, None, DAY)) == [1.0]


def test_leads_as_cases_have_their_own_attributes():
    leads = [
        {"Id": record("00Q", 1), "ConvertedOpportunityId": DEAL, "LeadSource": "Web", "Status": "Converted",
         "CreatedDate": at(1), "Company": "Acme", "Country": "FR", "OwnerId": ANN},
        {"Id": record("00Q", 2), "LeadSource": "Fair", "Status": "Open", "CreatedDate": at(2)},
    ]  # fmt: skip
    found = case_table(tables(Opportunity=[deal()], Lead=leads), CrmMapping(leading="lead"))
    assert found.columns == [*COLUMNS, "status"]
    assert found.select("account", "country", "lead_source", "outcome", "status", "created").rows() == [
        ("Acme", "FR", "Web", "Won", "Converted", at(1)), (None, None, "Fair", None, "Open", at(2)),
    ]  # fmt: skip


def test_quotes_orders_and_invoices_as_cases():
    objects = {
        "Opportunity": [deal(Amount=5)],
        "Quote": [
            {"Id": QUOTE, "OpportunityId": DEAL, "GrandTotal": 7, "CreatedDate": at(2), "Status": "Draft"}
        ],
        "Order": [{"Id": record("801", 1), "OpportunityId": DEAL, "TotalAmount": 8, "CreatedDate": at(3)}],
        "Invoice": [
            {"Id": record("3tt", 1), "ReferenceEntityId": DEAL, "TotalAmount": 9, "CreatedDate": at(4)}
        ],
    }
    for leading, amount, day in (("quote", 7.0, 2), ("order", 8.0, 3), ("invoice", 9.0, 4)):
        found = case_table(tables(**objects), CrmMapping(leading=leading))
        names = ("amount", "amount_corporate", "created", "outcome", "invoice_count")
        assert found.select(names).rows() == [(amount, amount, at(day), "Won", 1)]


def test_statuses_that_no_set_knows_are_counted():
    quotes = [
        {"Id": record("0Q0", n), "Status": status}
        for n, status in enumerate(("Draft", "Odd", "Odd", "ACCEPTED"))
    ]
    export = tables(Quote=quotes, Lead=[{"Id": record("00Q", 1), "Status": "Working - Contacted"}])
    assert unmapped(export, CrmMapping()) == {"Quote.Status": {"Odd": 2}}
    assert unmapped(export, CrmMapping(statuses={"quote.odd": ["odd"]})) == {}
