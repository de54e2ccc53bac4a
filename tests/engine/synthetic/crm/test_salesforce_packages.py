"""Quotes, invoices and payments as records of the managed packages."""

from __future__ import annotations

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.salesforce_derivable import derivable
from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth

SETUP = SalesforceSetup(packaged=True)
PACKAGED = {"SBQQ__Quote__c": "Quote", "blng__Invoice__c": "Invoice", "blng__Payment__c": "Payment"}


@pytest.fixture(scope="module")
def made():
    return facts(2000, seed=4)


@pytest.fixture(scope="module")
def tables(made):
    return salesforce_tables(made, SETUP)


@pytest.fixture(scope="module")
def standard(made):
    return salesforce_tables(made)


def test_the_standard_objects_are_gone(tables):
    assert not {"Quote", "QuoteHistory", "Invoice", "Payment", "PaymentLineInvoice"} & set(tables)
    assert "SyncedQuoteId" not in tables["Opportunity"].columns
    assert "blng__PaymentStatus__c" not in tables["blng__Invoice__c"].columns


@pytest.mark.parametrize(
    ("name", "column", "target"),
    [
        ("SBQQ__Quote__c", "SBQQ__Opportunity2__c", "Opportunity"),
        ("SBQQ__Quote__History", "ParentId", "SBQQ__Quote__c"),
        ("SBQQ__QuoteLine__c", "SBQQ__Quote__c", "SBQQ__Quote__c"),
        ("Order", "SBQQ__Quote__c", "SBQQ__Quote__c"),
        ("OrderItem", "SBQQ__QuoteLine__c", "SBQQ__QuoteLine__c"),
        ("blng__Invoice__c", "blng__Order__c", "Order"),
        ("blng__Invoice__History", "ParentId", "blng__Invoice__c"),
        ("blng__InvoiceLine__c", "blng__Invoice__c", "blng__Invoice__c"),
        ("blng__InvoiceLine__c", "blng__OrderProduct__c", "OrderItem"),
        ("blng__PaymentAllocationInvoice__c", "blng__Payment__c", "blng__Payment__c"),
        ("blng__PaymentAllocationInvoice__c", "blng__Invoice__c", "blng__Invoice__c"),
    ],
)
def test_references_point_to_records(tables, name, column, target):
    values = tables[name][column].drop_nulls()
    assert len(values) > 0
    assert values.is_in(tables[target]["Id"].implode()).all()


def test_the_packages_hold_the_same_records(tables, standard):
    for name, other in PACKAGED.items():
        assert (tables[name]["CreatedDate"] == standard[other]["CreatedDate"]).all(), name
        assert not tables[name]["Id"].is_in(standard[other]["Id"].implode()).any(), name
    assert set(tables["blng__Invoice__c"]["blng__InvoiceStatus__c"]) == {"Draft", "Posted", "Cancelled"}
    assert "SBQQ__Status__c" in tables["SBQQ__Quote__History"]["Field"].to_list()
    assert "Cancelled" in tables["blng__Invoice__History"]["NewValue"].to_list()


def test_invoices_without_an_order_have_lines_that_know_it(made, tables):
    silent = tables["blng__Invoice__c"].filter(pl.col("blng__Order__c").is_null())
    known = tables["blng__InvoiceLine__c"].filter(pl.col("blng__OrderProduct__c").is_not_null())
    found = silent["Id"].is_in(known["blng__Invoice__c"].implode()).sum()
    assert found > 200
    assert len(silent) - found <= made["invoices"]["opportunity"].null_count()


def test_the_truth_has_the_ids_of_the_packages(made, tables):
    truth = salesforce_truth(made, SETUP)
    for name, other in PACKAGED.items():
        records = truth.filter(pl.col("object") == other.lower())["record_id"]
        assert records.is_in(tables[name]["Id"].implode()).all(), name


def test_a_payment_taken_back_is_no_allocation_any_more(made, tables):
    told = made["truth"].hstack(derivable(made, SETUP))
    payments = told.filter((pl.col("activity") == "payment_received") & (pl.col("case").is_not_null()))
    lost = payments.filter(~pl.col("derivable"))["record"]
    reversed_ = made["payments"]["reverses"].drop_nulls()
    assert len(reversed_) > 0
    assert reversed_.is_in(lost.implode()).all()
    allocations = tables["blng__PaymentAllocationInvoice__c"]
    assert allocations["blng__Unallocated__c"].sum() == len(reversed_)
