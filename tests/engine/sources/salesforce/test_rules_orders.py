"""Orders: created, activated, fulfilled as the last part of them is, canceled, closed."""

from __future__ import annotations

import pytest

from small_salesforce import at, found, record, tables

ORDER, SECOND = record("801", 1), record("801", 2)
ANN, BOB = record("005", 1), record("005", 2)


def order(number=1, **more):
    return {
        "Id": record("801", number), "Status": "Draft", "CreatedDate": at(number), "CreatedById": ANN,
        "EffectiveDate": "2024-09-01", **more,
    }  # fmt: skip


def change(number, before, after, when):
    return {
        "Id": record("017", number),
        "OrderId": ORDER,
        "Field": "Status",
        "OldValue": before,
        "NewValue": after,
        "CreatedDate": when,
        "CreatedById": BOB,
    }


def test_created_at_its_creation_not_at_its_start():
    export = tables(Order=[order(TotalAmount=12, CurrencyIsoCode="CHF")])
    columns = ("timestamp", "amount", "currency", "resource_id")
    assert found(export, "sales_order_created", columns=columns) == [
        ("sales_order_created", "SF1", at(1), 12.0, "CHF", ANN)
    ]


def test_activated_by_its_field_else_by_its_history():
    history = [change(1, "Draft", "Activated", at(4))]
    export = tables(Order=[order(ActivatedDate=at(3), ActivatedById=BOB)], OrderHistory=history)
    assert found(export, "order_activated", columns=("timestamp", "resource_id")) == [
        ("order_activated", "SF1", at(3), BOB)
    ]
    export = tables(Order=[order(Status="Activated")], OrderHistory=history)
    assert found(export, "order_activated") == [("order_activated", "SF2", at(4))]


HISTORY = [
    ("order_fulfilled", "SF3", "Delivered"),
    ("order_partially_fulfilled", "SF1", "Partially Fulfilled"),
    ("order_canceled", "SF1", "Cancelled"),
    ("order_closed", "SF1", "Closed"),
    ("order_closed", "SF1", "クローズ"),
]


@pytest.mark.parametrize(("activity", "rule", "status"), HISTORY)
def test_a_status_in_the_history(activity, rule, status):
    export = tables(Order=[order(Status=status)], OrderHistory=[change(1, "Activated", status, at(4))])
    assert found(export, activity, columns=("timestamp", "status_to")) == [(activity, rule, at(4), status)]


def test_from_one_name_of_a_status_to_another_is_no_second_event():
    rows = [change(1, "Activated", "Shipped", at(4)), change(2, "Shipped", "Delivered", at(5))]
    export = tables(Order=[order(Status="Delivered")], OrderHistory=rows)
    assert found(export, "order_fulfilled") == [("order_fulfilled", "SF3", at(4))]


def fulfilment(number, closed, **more):
    return {
        "Id": record("0a3", number),
        "OrderId": ORDER,
        "ClosedDate": closed,
        "StatusCategory": "Closed",
        **more,
    }


def test_fulfilled_when_the_last_part_is_and_not_before():
    parts = [fulfilment(1, at(5)), fulfilment(2, at(7)), fulfilment(3, None, StatusCategory="Cancelled")]
    export = tables(
        Order=[order()], FulfillmentOrder=parts, OrderHistory=[change(1, "Draft", "Shipped", at(9))]
    )
    assert found(export, "order_fulfilled") == [("order_fulfilled", "SF1", at(7))]
    export = tables(
        Order=[order()], FulfillmentOrder=[*parts, fulfilment(4, None, StatusCategory="Activated")]
    )
    assert found(export, "order_fulfilled") == []


def test_fulfilled_through_the_summary_of_an_order():
    summary = {"Id": record("1Os", 1), "OriginalOrderId": ORDER}
    part = {"Id": record("0a3", 1), "OrderSummaryId": summary["Id"], "ClosedDate": at(5)}
    export = tables(Order=[order()], OrderSummary=[summary], FulfillmentOrder=[part])
    assert found(export, "order_fulfilled", columns=("record_id",)) == [("order_fulfilled", "SF1", ORDER)]


def test_delivered_when_the_last_shipment_arrived():
    shipments = [
        {
            "Id": record("0OB", number),
            "FulfillmentOrderId": record("0a3", 1),
            "ActualDeliveryDate": at(5 + number),
        }
        for number in (1, 2)
    ]
    export = tables(
        Order=[order(SystemModstamp=at(9))], FulfillmentOrder=[fulfilment(1, None)], Shipment=shipments
    )
    assert found(export, "order_fulfilled") == [("order_fulfilled", "SF2", at(7))]


def test_an_order_that_takes_another_back_cancels_that_one_and_is_no_order():
    back = order(2, IsReductionOrder=True, OriginalOrderId=ORDER, ActivatedDate=at(3))
    export = tables(Order=[order(), back])
    assert found(export, "sales_order_created", "order_activated", "order_canceled",
                 columns=("record_id", "timestamp", "source_row_id")) == [
        ("sales_order_created", "SF1", ORDER, at(1), ORDER), ("order_canceled", "SF2", ORDER, at(2), SECOND),
    ]  # fmt: skip
