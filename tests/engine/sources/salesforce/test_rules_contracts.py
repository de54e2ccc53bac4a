"""Contracts: drafted, sent for approval, signed by activation, by history or by the dates of signatures."""

from __future__ import annotations

from dealtrace_engine.sources.crm.mapping import CrmMapping
from small_salesforce import at, found, reasons, record, tables

CONTRACT = record("800", 1)
ANN, BOB = record("005", 1), record("005", 2)
SIGNED = "contract_signed"


def contract(**more):
    return {"Id": CONTRACT, "Status": "Draft", "CreatedDate": at(1), "CreatedById": ANN, **more}


def change(number, field, before, after, when):
    return {
        "Id": record("017", number), "ContractId": CONTRACT, "Field": field, "OldValue": before,
        "NewValue": after, "CreatedDate": when, "CreatedById": BOB,
    }  # fmt: skip


def test_created_and_sent_for_approval():
    export = tables(
        Contract=[contract(Status="In Approval Process")],
        ContractHistory=[change(1, "Status", "Draft", "In Approval Process", at(3))],
    )
    assert found(
        export, "contract_created", "contract_sent_for_approval", columns=("timestamp", "resource_id")
    ) == [
        ("contract_created", "SF1", at(1), ANN),
        ("contract_sent_for_approval", "SF1", at(3), BOB),
    ]


def test_signed_when_it_was_activated_before_any_other_sign_of_it():
    export = tables(
        Contract=[
            contract(
                Status="Activated", ActivatedDate=at(9, 8), ActivatedById=BOB, CustomerSignedDate="2024-03-05"
            )
        ],
        ContractHistory=[change(1, "Status", "Draft", "Activated", at(9, 9))],
    )
    assert found(export, SIGNED, columns=("timestamp", "resource_id")) == [(SIGNED, "SF1", at(9, 8), BOB)]


def test_the_legal_signature_first_where_the_mapping_says_so():
    row = contract(ActivatedDate=at(9, 8), CustomerSignedDate="2024-03-05", LastModifiedDate=at(9))
    mapping = CrmMapping(ladders={SIGNED: ["SF3", "SF1"]})
    assert found(tables(Contract=[row]), SIGNED, mapping=mapping) == [(SIGNED, "SF3", at(5))]


def test_by_the_status_or_the_special_word_in_the_history_once_each_instant():
    rows = [
        change(1, "Status", "Draft", "Activated", at(6)), change(2, "contractActivation", None, None, at(6)),
    ]  # fmt: skip
    export = tables(Contract=[contract(Status="Activated")], ContractHistory=rows)
    assert found(export, SIGNED, columns=("timestamp", "status_to")) == [(SIGNED, "SF2", at(6), "Activated")]
    export = tables(Contract=[contract(Status="Activated")], ContractHistory=rows[1:])
    assert found(export, SIGNED) == [(SIGNED, "SF2", at(6))]


def test_signed_on_the_day_of_the_last_signature_by_who_gave_it():
    row = contract(
        CustomerSignedDate="2024-03-04",
        CompanySignedDate="2024-03-06",
        CompanySignedId=ANN,
        LastModifiedDate=at(7),
    )
    export = tables(Contract=[row])
    columns = ("timestamp", "ts_precision", "resource_id")
    assert found(export, SIGNED, columns=columns) == [(SIGNED, "SF3", at(6), "date", ANN)]


def test_a_signature_of_the_customer_alone_has_no_user():
    row = contract(CustomerSignedDate="2024-03-04", CompanySignedId=ANN, LastModifiedDate=at(7))
    assert found(tables(Contract=[row]), SIGNED, columns=("resource_id",)) == [(SIGNED, "SF3", None)]


def test_a_signature_after_the_export_is_planned():
    export = tables(Contract=[contract(CustomerSignedDate="2025-01-01", LastModifiedDate=at(7))])
    assert found(export, SIGNED) == []
    reason = "Contract.CustomerSignedDate or CompanySignedDate lies after the export: planned, no event"
    assert reasons(export) == {reason: 1}
