"""Small tables of Dynamics, written row by row, and what is derived from them."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from dealtrace_engine.sources.crm.ladder import derived
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.rules import RULES

USERS = [{"systemuserid": "u1", "fullname": "Ada"}, {"systemuserid": "u2", "fullname": "Bo"}]


def at(day, hour=10, minute=0, second=0):
    """An instant in March 2024."""
    return datetime(2024, 3, day, hour, minute, second, tzinfo=UTC)


def export(rows, versions=None, **more):
    """Return tables of rows: table to its rows, each a mapping of columns to values."""

    def frames(tables):
        return {name: pl.LazyFrame(found, infer_schema_length=None) for name, found in tables.items()}

    raw = RawExport("dynamics", "test", "memory", frames(rows), frames(versions or {}), **more)
    return CrmTables(raw, CATALOG)


def audit(table, record, attribute, old, new, when, by="u1", action=2, row=None):
    """Return a changed attribute of an audit row."""
    return {
        "auditid": row or f"a-{table}-{record}-{when:%d%H%M%S}", "objectid": record, "objecttypecode": table,
        "createdon": when, "userid": by, "action": action, "operation": 2, "attribute": attribute,
        "old": old, "new": new,
    }  # fmt: skip


def audit_row(table, record, when, operation=2, action=2, by="u1"):
    """Return an audit row, whatever it changed."""
    return {
        "auditid": f"r-{record}-{when:%d%H%M%S}", "objectid": record, "objecttypecode": table,
        "createdon": when, "userid": by, "action": action, "operation": operation,
    }  # fmt: skip


def events(tables, *activities, mapping=None):
    """Return the derived events of some activities, in the order of time."""
    rules = [rule for rule in RULES if rule.activity in activities] if activities else RULES
    found = derived(rules, tables, mapping or CrmMapping())
    return found.sort("timestamp", "activity", "record_id").to_dicts()


def findings(tables):
    """Return the findings but those that ids as short as here are no GUIDs."""
    return [finding for finding in tables.raw.findings if "is no id" not in finding.reason]


def told(tables, *activities, mapping=None):
    """Return (record, instant, rule) of the events of some activities."""
    found = events(tables, *activities, mapping=mapping)
    return [(row["record_id"], row["timestamp"], row["rule_id"].split(".")[1]) for row in found]
