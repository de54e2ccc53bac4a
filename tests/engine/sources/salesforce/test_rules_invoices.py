"""Invoices and payments of both kinds; a payment is told once, whatever rule finds it."""

from __future__ import annotations

from datetime import date

import pytest

from small_salesforce import at, found, record, tables

INVOICE, SECOND = record("3tt", 1), record("3tt", 2)
PAID, REVERSED, COMPLETED = "payment_received", "payment_reversed", "payment_completed"


def invoice(number=1, **more):
    return {
        "Id": record("3tt", number), "Status": "Draft", "CreatedDate": at(number), "TotalAmount": 100,
        "DueDate": "2024-04-30", "CurrencyIsoCode": "EUR", **more,
    }  # fmt: skip


def change(number, before, after, when):
    return {
        "Id": record("017", number), "InvoiceId": INVOICE, "Field": "Status", "OldValue": before,
        "NewValue": after, "CreatedDate": when,
    }  # fmt: skip


def line(number, amount, kind="Applied", of=INVOICE, **more):
    return {
        "Id": record("1PL", number), "PaymentId": record("0aQ", 1), "InvoiceId": of, "Amount": amount,
        "Type": kind, "CreatedDate": at(20 + number), **more,
    }  # fmt: skip


def test_generated_with_its_terms():
    terms = {"Id": record("0hv", 1), "Name": "Net 30"}
    export = tables(
        Invoice=[invoice(PaymentTermId=terms["Id"], TotalAmountWithTax=119, Type="Standard")],
        PaymentTerm=[terms],
    )
    columns = ("timestamp", "amount", "currency", "due_date", "payment_terms", "invoice_type")
    assert found(export, "invoice_generated", columns=columns) == [
        ("invoice_generated", "SF1", at(1), 119.0, "EUR", date(2024, 4, 30), "Net 30", "Standard")
    ]


STATUSES = [("invoice_sent", "Posted"), ("invoice_canceled", "Voided"), ("invoice_canceled", "Canceled")]


@pytest.mark.parametrize(("activity", "status"), STATUSES)
def test_a_status_in_the_history(activity, status):
    export = tables(Invoice=[invoice(Status=status)], InvoiceHistory=[change(1, "Draft", status, at(4))])
    assert found(export, activity, columns=("timestamp", "amount")) == [(activity, "SF1", at(4), 100.0)]


def test_sent_on_the_day_it_was_posted_else_by_the_mail_that_brought_it():
    mails = [
        {"Id": record("02s", n), "RelatedToId": SECOND, "Incoming": False, "MessageDate": at(8 - n)}
        for n in (1, 2)
    ]
    export = tables(Invoice=[invoice(PostedDate="2024-03-05"), invoice(2)], EmailMessage=mails, Opportunity=[
        {"Id": record("006", 1), "SystemModstamp": at(9)}])  # fmt: skip
    columns = ("record_id", "timestamp", "ts_precision")
    assert found(export, "invoice_sent", columns=columns) == [
        ("invoice_sent", "SF2", INVOICE, at(5), "date"), ("invoice_sent", "SF3", SECOND, at(6), "instant"),
    ]  # fmt: skip


def test_a_payment_of_an_invoice_that_was_settled_is_told_once():
    export = tables(
        Invoice=[
            invoice(FullSettlementDate="2024-03-24", SettlementStatus="Settled", LastModifiedDate=at(28))
        ],
        Payment=[{"Id": record("0aQ", 1), "Status": "Processed", "EffectiveDate": at(22)}],
        PaymentLineInvoice=[line(1, 100, AppliedDate=at(23, 9))],
    )
    columns = ("object", "record_id", "timestamp", "amount", "partial", "due_date", "currency")
    assert found(export, PAID, columns=columns) == [
        (PAID, "SF1", "payment", record("1PL", 1), at(23, 9), 100.0, False, date(2024, 4, 30), "EUR")
    ]


def test_when_an_allocation_was_made_falls_back_from_field_to_field():
    rows = [line(1, 10, AppliedDate=at(2), Date=at(3)), line(2, 10, Date=at(4)), line(3, 10)]
    assert found(tables(Invoice=[invoice()], PaymentLineInvoice=rows), PAID) == [
        (PAID, "SF1", at(2)), (PAID, "SF1", at(4)), (PAID, "SF1", at(23)),
    ]  # fmt: skip


def test_paid_in_parts_taken_back_and_paid_again():
    rows = [
        line(1, 60, AppliedDate=at(5)), line(2, 40, AppliedDate=at(6)),
        line(3, 40, "Unapplied", UnappliedDate=at(7), AppliedDate=at(6)), line(4, 40, AppliedDate=at(8)),
        line(5, 30, of=SECOND, AppliedDate=at(9)),
    ]  # fmt: skip
    export = tables(Invoice=[invoice(), invoice(2)], PaymentLineInvoice=rows)
    assert found(export, PAID, REVERSED, COMPLETED, columns=("timestamp", "amount", "partial")) == [
        (PAID, "SF1", at(5), 60.0, True),
        (PAID, "SF1", at(6), 40.0, True),
        (COMPLETED, "SF1", at(6), 100.0, None),
        (REVERSED, "SF1", at(7), 40.0, True),
        (PAID, "SF1", at(8), 40.0, True),
        (COMPLETED, "SF1", at(8), 100.0, None),
        (PAID, "SF1", at(9), 30.0, True),
    ]


def test_cents_that_do_not_add_up_in_binary_still_complete_an_invoice():
    rows = [line(number, 0.1, AppliedDate=at(number)) for number in range(1, 4)]
    export = tables(Invoice=[invoice(TotalAmount=0.3)], PaymentLineInvoice=rows)
    assert found(export, COMPLETED) == [(COMPLETED, "SF1", at(3))]


def test_a_processed_payment_counts_where_nothing_allocates_it():
    payments = [
        {"Id": record("0aQ", 1), "Status": "Processed", "EffectiveDate": at(5), "Amount": 7},
        {"Id": record("0aQ", 2), "Status": "Draft", "EffectiveDate": at(5), "SystemModstamp": at(9)},
    ]
    export = tables(Payment=payments, Opportunity=[{"Id": record("006", 1), "SystemModstamp": at(9)}])
    assert found(export, PAID, columns=("record_id", "amount")) == [(PAID, "SF3", record("0aQ", 1), 7.0)]


def test_settled_by_credit_alone_is_not_paid():
    rows = [
        invoice(1, FullSettlementDate="2024-03-24", SettlementStatus="Settled", NetPaymentsApplied=0),
        invoice(2, FullSettlementDate="2024-03-25", SettlementStatus="Settled", NetPaymentsApplied=100),
        invoice(3, FullSettlementDate="2024-03-26", SettlementStatus="Not Settled", LastModifiedDate=at(28)),
    ]
    columns = ("record_id", "timestamp", "ts_precision")
    assert found(tables(Invoice=rows), PAID, columns=columns) == [(PAID, "SF4", SECOND, at(25), "date")]


BILLED = record("a1I", 1)


def test_invoices_and_allocations_of_billing():
    rows = {
        "blng__Invoice__c": [
            {
                "Id": BILLED,
                "blng__InvoiceStatus__c": "Posted",
                "CreatedDate": at(1),
                "blng__TotalAmount__c": 50,
                "blng__InvoicePostedDate__c": "2024-03-02",
                "blng__Order__c": record("801", 1),
                "blng__DueDate__c": "2024-04-01",
            }
        ],
        "Order": [{"Id": record("801", 1), "SBQQ__PaymentTerm__c": "Net 45", "SystemModstamp": at(9)}],
        "blng__PaymentAllocationInvoice__c": [
            {
                "Id": record("a2A", number),
                "blng__Invoice__c": BILLED,
                "blng__Amount__c": 50,
                "CreatedDate": at(number),
                "blng__Type__c": kind,
                "blng__Unallocated__c": undone,
            }
            for number, kind, undone in (
                (3, "Allocation", "true"),
                (4, "Unallocation", "false"),
                (5, "Allocation", "false"),
            )
        ],
    }
    export = tables(**rows)
    activities = ("invoice_generated", "invoice_sent", PAID, REVERSED, COMPLETED)
    assert found(export, *activities, columns=("timestamp", "payment_terms")) == [
        ("invoice_generated", "SF1B", at(1), "Net 45"),
        ("invoice_sent", "SF2B", at(2), "Net 45"),
        (COMPLETED, "SF2", at(3), "Net 45"),
        (REVERSED, "SF2", at(4), "Net 45"),
        (PAID, "SF2", at(5), "Net 45"),
        (COMPLETED, "SF2", at(5), "Net 45"),
    ]


def test_a_rebilled_invoice_of_billing():
    history = {
        "Id": record("017", 1),
        "ParentId": BILLED,
        "Field": "blng__InvoiceStatus__c",
        "OldValue": "Posted",
        "NewValue": "Rebilled",
        "CreatedDate": at(4),
    }
    export = tables(
        blng__Invoice__c=[{"Id": BILLED, "blng__InvoiceStatus__c": "Rebilled", "CreatedDate": at(1)}],
        blng__Invoice__History=[history],
    )
    assert found(export, "invoice_rebilled") == [("invoice_rebilled", "SF1B", at(4))]
