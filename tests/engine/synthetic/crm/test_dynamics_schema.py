"""The sales tables held against Microsoft's Common Data Model: columns, kinds of values, states."""

from __future__ import annotations

import json

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_codes import STATUSES
from dealtrace_engine.synthetic.crm.dynamics_tables import dynamics_tables
from dealtrace_engine.synthetic.crm.facts import facts
from shared_data import SHARED, needs_shared

ENTITIES = {
    "lead": "Lead", "opportunity": "Opportunity", "opportunityclose": "OpportunityClose", "quote": "Quote",
    "quoteclose": "QuoteClose", "salesorder": "Order", "orderclose": "OrderClose", "invoice": "Invoice",
}  # fmt: skip
INHERITED = {
    "createdon", "createdby", "modifiedon", "modifiedby", "ownerid", "owneridtype", "owninguser",
    "owningteam", "owningbusinessunit", "overriddencreatedon", "importsequencenumber",
    "timezoneruleversionnumber",
    "utcconversiontimezonecode", "versionnumber",
}  # fmt: skip
"""Columns that all tables have, of which the schema tells elsewhere."""
OF_ACTIVITIES = {"activityid", "activitytypecode", "subject", "regardingobjectid", "actualend", "actualstart"}
ELSEWHERE = {"customerid", "customeridtype", "regardingobjecttypecode"}
"""Lookups to one of several tables, which the schema has under each of them."""
KINDS = {
    "dateTime": (pl.Date, pl.Datetime("us", "UTC")), "currency": (pl.Float64,), "baseCurrency": (pl.Float64,),
    "decimal": (pl.Float64,), "integer": (pl.Int32,), "listLookup": (pl.Int32,),
    "listLookupCorrelated": (pl.Int32,), "boolean": (pl.Boolean,), "entityId": (pl.String,),
    "guid": (pl.String,), "string": (pl.String,), "name": (pl.String,), "fullName": (pl.String,),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return dynamics_tables(facts(60, seed=3))


def columns_of(entity):
    found = {}
    pending = [json.loads((SHARED / "data/crm/dynamics_cdm_schema" / f"{entity}.cdm.json").read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if "sourceName" in node:
                kind = node.get("dataType")
                found[node["sourceName"]] = (
                    kind.get("dataTypeReference") if isinstance(kind, dict) else kind,
                    node,
                )
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return found


@needs_shared
@pytest.mark.parametrize("table", ENTITIES)
def test_columns_are_those_of_the_common_data_model(tables, table):
    known = columns_of(ENTITIES[table])
    activity = OF_ACTIVITIES if table.endswith("close") else set()
    for column, kind in tables[table].schema.items():
        if column in INHERITED | activity | ELSEWHERE or column.startswith("new_"):
            continue
        assert column in known, f"{table}.{column}"
        assert kind in KINDS.get(known[column][0], (pl.String,)), f"{table}.{column} is {known[column][0]}"


@needs_shared
@pytest.mark.parametrize("table", ENTITIES)
def test_states_are_those_of_the_common_data_model(table):
    lists = {}
    for column in ("statecode", "statuscode"):
        text = json.dumps(columns_of(ENTITIES[table])[column][1])
        node = json.loads(text)["dataType"]["appliedTraits"][0]["arguments"][0]
        lists[column] = (node.get("value", node))["entityReference"]["constantValues"]
    states = {int(row[2]) for row in lists["statecode"]}
    reasons = {int(row[2]): int(row[4]) for row in lists["statuscode"]}
    assert states == set(STATUSES[table].states)
    assert {reason: state for reason, (state, _) in STATUSES[table].reasons.items()} == reasons
