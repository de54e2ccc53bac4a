"""The catalogue of tables, and the default codes, held against Microsoft's own description of them."""

import json

import polars as pl
import pytest

from dealtrace_engine.sources.crm.tables import CrmTables, Kind, RawExport
from dealtrace_engine.sources.dynamics.codes import (
    default_labels,
    option_labels,
    state_of_status,
    with_labels,
)
from dealtrace_engine.sources.dynamics.objects import CATALOG, ENTITY_SETS, KEYS
from shared_data import _FOLDER, needs_shared

SCHEMA = _FOLDER / "data" / "crm" / "dynamics_cdm_schema"
FILES = {
    "lead": "Lead", "opportunity": "Opportunity", "opportunityclose": "OpportunityClose", "quote": "Quote",
    "quoteclose": "QuoteClose", "salesorder": "Order", "orderclose": "OrderClose", "invoice": "Invoice",
}  # fmt: skip
INHERITED = {
    "createdon", "modifiedon", "createdby", "modifiedby", "ownerid", "owningteam", "owningbusinessunit",
    "overriddencreatedon", "importsequencenumber", "versionnumber",
    "activityid", "actualstart", "actualend", "scheduledstart", "scheduledend", "actualdurationminutes",
    "activitytypecode", "subject",
}  # fmt: skip
"""Of every table or every activity; in a schema file of their own."""
KNOWN_ELSEWHERE = {
    "customerid", "pricelevelid", "opportunitystatecode", "opportunitystatuscode", "revisionnumber",
    "address1_country",
}  # fmt: skip


def described(table):
    """Names of the attributes of a table, and of its lookups, as a schema file has them."""
    found = set()

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("name"), str):
                found.add(node["name"].lower())
            for key, value in node.items():
                if key != "appliedTraits":
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads((SCHEMA / f"{FILES[table]}.cdm.json").read_text("utf-8"))["definitions"][0])
    return found


@needs_shared
@pytest.mark.parametrize("table", FILES)
def test_every_column_of_a_sales_table_is_one_of_the_common_data_model(table):
    names = described(table) | INHERITED | KNOWN_ELSEWHERE
    derived = {column for column in CATALOG[table] if column.endswith(("name", "_entitytype"))}
    for column in set(CATALOG[table]) - derived:
        bare = column.removesuffix("_base").removesuffix("id")
        assert {column, bare, column.removesuffix("_base"), column.replace("_", "")} & names, column


@needs_shared
@pytest.mark.parametrize("table", FILES)
@pytest.mark.parametrize("column", ["statecode", "statuscode", "paymenttermscode", "leadsourcecode"])
def test_default_codes_are_those_of_the_common_data_model(table, column):
    """Its constant tables say ``[language, label, code, order, state]``."""
    found = {}

    def walk(node):
        if isinstance(node, dict):
            kind = node.get("dataType")
            if str(node.get("name", "")).lower() == column and isinstance(kind, dict):
                text = json.dumps(kind)
                start = text.find('"constantValues": ')
                rows, _ = json.JSONDecoder().raw_decode(text[start + len('"constantValues": ') :])
                found.update({int(row[2]): row for row in rows if row[0] == "en"})
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads((SCHEMA / f"{FILES[table]}.cdm.json").read_text("utf-8"))["definitions"][0])
    labels = default_labels(table, column)
    assert set(found) <= set(labels)
    for code, row in found.items():
        assert row[1].startswith(labels[code].removesuffix(" (deprecated)")), (table, column, code)
        if column == "statuscode":
            assert state_of_status(table)[code] == int(row[4])


def test_every_table_begins_with_its_key_and_has_an_entity_set():
    assert KEYS["opportunity"] == "opportunityid"
    assert KEYS["quoteclose"] == "activityid"
    assert all(CATALOG[table][key] is Kind.ID for table, key in KEYS.items())
    assert ENTITY_SETS["opportunities"] == "opportunity"
    assert ENTITY_SETS["leadtoopportunitysalesprocesses"] == "leadtoopportunitysalesprocess"
    assert len(ENTITY_SETS) == len(CATALOG) - 2


def test_days_are_days_and_instants_are_instants():
    assert CATALOG["opportunity"]["actualclosedate"] is Kind.DATE
    assert CATALOG["opportunityclose"]["actualend"] is Kind.DATE
    assert CATALOG["phonecall"]["actualend"] is Kind.INSTANT
    assert CATALOG["opportunity"]["createdon"] is Kind.INSTANT
    assert CATALOG["opportunity"]["statecode"] is Kind.NUMBER


def stringmap(rows):
    names = ["objecttypecode", "attributename", "attributevalue", "value", "langid"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return CrmTables(RawExport("dynamics", "replica", "memory", {"stringmap": frame.lazy()}), CATALOG)


def test_the_exports_own_label_comes_before_the_default_and_english_first():
    tables = stringmap(
        [
            ("opportunity", "statuscode", "5", "Verloren an Wettbewerb", "1031"),
            ("opportunity", "statuscode", "5", "Lost to a rival", "1033"),
            ("opportunity", "statuscode", "100000", "Ours", None),
        ]
    )
    labels = option_labels(tables).filter(table="opportunity", column="statuscode")
    found = dict(zip(labels["code"], labels["label"], strict=True))
    assert found[5.0] == "Lost to a rival"
    assert found[100000.0] == "Ours"
    assert found[3.0] == "Won"


def test_labels_fill_what_the_row_does_not_bring():
    rows = pl.LazyFrame(
        {"leadsourcecode": [8.0, 8.0, 99.0, None], "leadsourcecodename": [None, "Web site", None, None]}
    )
    found = with_labels(rows, stringmap([]), "lead", "leadsourcecode").collect()
    assert found["leadsourcecodename"].to_list() == ["Web", "Web site", None, None]
