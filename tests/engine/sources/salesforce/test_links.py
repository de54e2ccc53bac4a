"""Every path from a record to its case, the first that there is; and what is left out by choice."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dealtrace_engine.sources.crm.linking import linked
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.salesforce.links import links
from dealtrace_engine.sources.salesforce.merges import chain_ends
from small_salesforce import at, record, tables

DEAL, OTHER = record("006", 1), record("006", 2)
LEAD, QUOTE, ORDER, CONTRACT = record("00Q", 1), record("0Q0", 1), record("801", 1), record("800", 1)
INVOICE, PAYMENT, ACCOUNT = record("3tt", 1), record("0aQ", 1), record("001", 1)


def deal(number=1, **more):
    return {"Id": record("006", number), "CreatedDate": at(number), **more}


def cases(object, mapping=None, **objects):
    objects = {"Opportunity": [deal(), deal(2)], **objects}
    rows = links(tables(**objects), mapping or CrmMapping()).filter(pl.col("object") == object)
    return rows.sort("record_id", "case_id").select("record_id", "case_id", "via").rows()


QUOTED = {"Quote": [{"Id": QUOTE, "OpportunityId": DEAL}]}
ORDERED = {"Order": [{"Id": ORDER, "OpportunityId": DEAL}]}
PATHS = [
    ("lead", LEAD, "Lead.ConvertedOpportunityId", {"Lead": [{"Id": LEAD, "ConvertedOpportunityId": DEAL}]}),
    ("quote", QUOTE, "Quote.OpportunityId", QUOTED),
    (
        "quote",
        record("a0Q", 1),
        "SBQQ__Quote__c.SBQQ__Opportunity2__c",
        {"SBQQ__Quote__c": [{"Id": record("a0Q", 1), "SBQQ__Opportunity2__c": DEAL}]},
    ),
    (
        "quote",
        QUOTE,
        "Opportunity.SyncedQuoteId",
        {"Quote": [{"Id": QUOTE}], "Opportunity": [deal(SyncedQuoteId=QUOTE), deal(2)]},
    ),
    ("order", ORDER, "Order.OpportunityId", ORDERED),
    (
        "order",
        ORDER,
        "Order.QuoteId > Quote.OpportunityId",
        {**QUOTED, "Order": [{"Id": ORDER, "QuoteId": QUOTE}]},
    ),
    (
        "order",
        ORDER,
        "OrderItem.OrderId > QuoteLineItem.QuoteId > Quote.OpportunityId",
        {
            **QUOTED,
            "Order": [{"Id": ORDER}],
            "OrderItem": [{"Id": record("802", 1), "OrderId": ORDER, "QuoteLineItemId": record("0QL", 1)}],
            "QuoteLineItem": [{"Id": record("0QL", 1), "QuoteId": QUOTE}],
        },
    ),
    (
        "order",
        ORDER,
        "Order.ContractId > Contract.SourceOpportunityId",
        {
            "Order": [{"Id": ORDER, "ContractId": CONTRACT}],
            "Contract": [{"Id": CONTRACT, "SourceOpportunityId": DEAL}],
        },
    ),
    (
        "contract",
        CONTRACT,
        "Opportunity.ContractId",
        {"Contract": [{"Id": CONTRACT}], "Opportunity": [deal(ContractId=CONTRACT), deal(2)]},
    ),
    (
        "contract",
        CONTRACT,
        "Quote.ContractId > Quote.OpportunityId",
        {
            "Contract": [{"Id": CONTRACT}],
            "Quote": [{"Id": QUOTE, "OpportunityId": DEAL, "ContractId": CONTRACT}],
        },
    ),
    (
        "contract",
        CONTRACT,
        "Order.ContractId > Order.OpportunityId",
        {
            "Contract": [{"Id": CONTRACT}],
            "Order": [{"Id": ORDER, "OpportunityId": DEAL, "ContractId": CONTRACT}],
        },
    ),
    (
        "invoice",
        INVOICE,
        "Invoice.ReferenceEntityId > Order.Id > Order.OpportunityId",
        {**ORDERED, "Invoice": [{"Id": INVOICE, "ReferenceEntityId": ORDER}]},
    ),
    (
        "invoice",
        INVOICE,
        "Invoice.ReferenceEntityId > Opportunity.Id",
        {"Invoice": [{"Id": INVOICE, "ReferenceEntityId": DEAL}]},
    ),
    (
        "invoice",
        INVOICE,
        "InvoiceLine.InvoiceId > OrderItem.OrderId > Order.OpportunityId",
        {
            **ORDERED,
            "Invoice": [{"Id": INVOICE}],
            "OrderItem": [{"Id": record("802", 1), "OrderId": ORDER}],
            "InvoiceLine": [
                {"Id": record("3tu", 1), "InvoiceId": INVOICE, "ReferenceEntityItemId": record("802", 1)},
            ],
        },
    ),
    (
        "invoice",
        record("a1I", 1),
        "blng__Invoice__c.blng__Order__c > Order.OpportunityId",
        {**ORDERED, "blng__Invoice__c": [{"Id": record("a1I", 1), "blng__Order__c": ORDER}]},
    ),
    (
        "payment",
        record("1PL", 1),
        "PaymentLineInvoice.InvoiceId > Invoice.ReferenceEntityId > Opportunity.Id",
        {
            "Invoice": [{"Id": INVOICE, "ReferenceEntityId": DEAL}],
            "PaymentLineInvoice": [{"Id": record("1PL", 1), "PaymentId": PAYMENT, "InvoiceId": INVOICE}],
        },
    ),
]


@pytest.mark.parametrize(("object", "id", "via", "objects"), PATHS, ids=[path[2] for path in PATHS])
def test_a_path(object, id, via, objects):
    assert (id, DEAL, via) in cases(object, **objects)


def test_the_first_path_that_there_is_hides_the_others():
    objects = {"Quote": [{"Id": QUOTE, "OpportunityId": OTHER}],
               "Order": [{"Id": ORDER, "OpportunityId": DEAL, "QuoteId": QUOTE}]}  # fmt: skip
    assert cases("order", **objects) == [(ORDER, DEAL, "Order.OpportunityId")]


def test_a_reduction_order_is_where_the_order_is_that_it_reduces():
    chain = [{"Id": record("801", n), "OriginalOrderId": record("801", n - 1)} for n in (2, 3)]
    found = cases("order", Order=[{"Id": ORDER, "OpportunityId": DEAL}, *chain])
    assert [row[:2] for row in found] == [(record("801", n), DEAL) for n in (1, 2, 3)]


def test_a_payment_of_two_invoices_is_of_both_but_each_allocation_of_one():
    lines = [
        {"Id": record("1PL", n), "PaymentId": PAYMENT, "InvoiceId": record("3tt", n)} for n in (1, 2)
    ]  # fmt: skip
    invoices = [{"Id": record("3tt", n), "ReferenceEntityId": record("006", n)} for n in (1, 2)]
    found = [row[:2] for row in cases("payment", Invoice=invoices, PaymentLineInvoice=lines)]
    assert found == [(PAYMENT, DEAL), (PAYMENT, OTHER), (record("1PL", 1), DEAL), (record("1PL", 2), OTHER)]


def test_the_children_of_a_deleted_opportunity_have_no_case():
    assert cases("quote", Opportunity=[deal(IsDeleted=True)], **QUOTED) == []
    assert cases("opportunity", Opportunity=[deal(IsDeleted=True)]) == []


def test_a_merged_lead_leads_where_its_loser_was_converted():
    leads = [
        {"Id": LEAD, "ConvertedOpportunityId": DEAL, "IsDeleted": True, "MasterRecordId": record("00Q", 2)},
        {"Id": record("00Q", 2)},
    ]
    assert [row[:2] for row in cases("lead", Lead=leads)] == [(record("00Q", 2), DEAL)]


def test_ids_of_15_characters_are_those_of_18():
    assert cases("quote", Quote=[{"Id": QUOTE, "OpportunityId": DEAL[:15]}]) == [
        (QUOTE, DEAL, "Quote.OpportunityId")
    ]


def test_custom_lookups_of_the_mapping_come_first():
    from dataclasses import replace

    from dealtrace_engine.sources.crm.custom import with_custom

    mapping = CrmMapping(fields={"Case.Deal__c": "opportunity_id", "Order.Deal__c": "opportunity_id"})
    export = tables(
        Opportunity=[deal(), deal(2)], Case=[{"Id": record("500", 1), "Deal__c": DEAL[:15]}],
        Order=[{"Id": ORDER, "OpportunityId": OTHER, "Deal__c": DEAL}],
    )  # fmt: skip
    export = replace(export, catalog=with_custom(export.catalog, mapping))
    found = links(export, mapping).filter(pl.col("object").is_in(["case", "order"])).sort("object")
    assert found.select("case_id", "via").rows() == [(DEAL, "Case.Deal__c"), (DEAL, "Order.Deal__c")]


SALE = {
    "Lead": [{"Id": LEAD, "ConvertedOpportunityId": DEAL, "CreatedDate": at(1)},
             {"Id": record("00Q", 2), "CreatedDate": at(1)}],
    "Opportunity": [deal(SyncedQuoteId=record("0Q0", 2))],
    "Quote": [{"Id": QUOTE, "OpportunityId": DEAL, "CreatedDate": at(2)},
              {"Id": record("0Q0", 2), "OpportunityId": DEAL, "CreatedDate": at(3)}],
    "Order": [{"Id": ORDER, "QuoteId": QUOTE, "CreatedDate": at(4), "ContractId": CONTRACT},
              {"Id": record("801", 2), "OpportunityId": DEAL, "CreatedDate": at(5)}],
    "Contract": [{"Id": CONTRACT, "CreatedDate": at(4)}],
    "Invoice": [{"Id": INVOICE, "ReferenceEntityId": ORDER, "CreatedDate": at(6)},
                {"Id": record("3tt", 2), "ReferenceEntityId": record("801", 2), "CreatedDate": at(6)}],
    "PaymentLineInvoice": [{"Id": record("1PL", 1), "InvoiceId": INVOICE, "PaymentId": PAYMENT}],
}  # fmt: skip


def linked_to(leading, **more):
    found = links(tables(**SALE), CrmMapping(leading=leading, **more))
    rows = (
        found.filter(pl.col("confidence") > 0).select("object", "record_id", "case_id").sort(pl.all()).rows()
    )
    number = {
        value: f"{kind}{n}"
        for kind, prefix in (
            ("L", "00Q"),
            ("D", "006"),
            ("Q", "0Q0"),
            ("O", "801"),
            ("I", "3tt"),
            ("C", "800"),
            ("P", "1PL"),
        )
        for n in (1, 2)
        for value in [record(prefix, n)]
    }
    return {f"{number[record_id]}>{number[case]}" for _, record_id, case in rows if record_id in number}


def test_opportunities_as_cases():
    assert linked_to("opportunity") == {
        "D1>D1", "L1>D1", "Q1>D1", "Q2>D1", "O1>D1", "O2>D1", "C1>D1", "I1>D1", "I2>D1", "P1>D1",
    }  # fmt: skip


def test_only_the_main_quote_and_what_came_of_it():
    assert linked_to("opportunity", flatten="primary") == {
        "D1>D1", "L1>D1", "Q2>D1", "O2>D1", "C1>D1", "I2>D1",
    }  # fmt: skip


def test_leads_as_cases_also_those_that_never_convert():
    assert linked_to("lead") == {
        "D1>L1", "L1>L1", "L2>L2", "Q1>L1", "Q2>L1", "O1>L1", "O2>L1", "C1>L1", "I1>L1", "I2>L1", "P1>L1",
    }  # fmt: skip


def test_quotes_as_cases():
    """What no quote leads to is the main quote's."""
    assert linked_to("quote") == {
        "D1>Q1", "D1>Q2", "L1>Q1", "L1>Q2", "Q1>Q1", "Q2>Q2", "O1>Q1", "O2>Q2", "C1>Q1", "I1>Q1", "I2>Q2",
        "P1>Q1",
    }  # fmt: skip


def test_orders_as_cases():
    assert linked_to("order") == {
        "D1>O1", "D1>O2", "L1>O1", "L1>O2", "Q1>O1", "O1>O1", "O2>O2", "C1>O1", "I1>O1", "I2>O2", "P1>O1",
    }  # fmt: skip


def test_invoices_as_cases():
    assert linked_to("invoice") == {
        "D1>I1", "D1>I2", "L1>I1", "L1>I2", "Q1>I1", "O1>I1", "O2>I2", "C1>I1", "I1>I1", "I2>I2", "P1>I1",
    }  # fmt: skip


def test_links_left_out_by_choice_are_no_orphans():
    found = links(tables(**SALE), CrmMapping(flatten="primary"))
    events = pl.DataFrame(
        {"object": ["quote", "quote", "quote"], "record_id": [QUOTE, record("0Q0", 2), record("0Q0", 9)],
         "activity": ["quote_created"] * 3, "fact": ["a", "b", "c"], "timestamp": [at(1)] * 3}
    )  # fmt: skip
    result = linked(events, found)
    assert result.events.select("record_id", "share").rows() == [(record("0Q0", 2), 1.0)]
    assert result.orphans == {"quote": 1}


def test_by_account_and_time_only_where_it_is_asked_for():
    objects = {
        "Opportunity": [
            deal(
                1,
                AccountId=ACCOUNT,
                StageName="Closed Won",
                CloseDate="2024-03-20",
                IsClosed=True,
                IsWon=True,
            ),
            deal(
                2,
                AccountId=ACCOUNT,
                StageName="Closed Lost",
                CloseDate="2024-03-20",
                IsClosed=True,
                IsWon=False,
            ),
            deal(3, AccountId=ACCOUNT, StageName="New", CloseDate="2024-09-20", IsClosed=False, IsWon=False),
        ],
        "Case": [
            {"Id": record("500", 1), "AccountId": ACCOUNT, "CreatedDate": at(2)},
            {"Id": record("500", 2), "AccountId": ACCOUNT, "CreatedDate": at(9)},
            {"Id": record("500", 3), "AccountId": record("001", 9), "CreatedDate": at(9)},
        ],
        "Order": [{"Id": ORDER, "AccountId": ACCOUNT, "OpportunityId": DEAL, "CreatedDate": at(9)}],
    }
    assert cases("case", **objects) == []
    found = links(tables(**objects), CrmMapping(link_by_account=True))
    found = found.filter(pl.col("object").is_in(["case", "order"])).sort("object", "record_id")
    assert found.select("record_id", "case_id", "confidence").rows() == [
        (record("500", 1), DEAL, 0.8),
        (record("500", 2), record("006", 3), 0.4),
        (ORDER, DEAL, 1.0),
    ]


def naive_end(parents, start):
    seen, here = [], start
    while here not in seen:
        seen.append(here)
        here = parents[here]
    cycle = seen[seen.index(here) :]
    return (here, False) if len(cycle) == 1 else (min(cycle), True)


@pytest.mark.parametrize("seed", range(20))
def test_chains_of_merges_end_where_following_them_does(seed):
    dice = np.random.default_rng(seed)
    n = int(dice.integers(1, 40))
    parents = np.where(dice.random(n) < 0.3, np.arange(n), dice.integers(0, n, n))
    ends, in_cycle = chain_ends(parents)
    assert list(zip(ends.tolist(), in_cycle.tolist(), strict=True)) == [
        naive_end(parents, i) for i in range(n)
    ]
