"""Support cases after the sale: opened and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.transitions import became

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

RESOLVED, CANCELED = 1, 2
"""States of an incident."""


def opened(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when support cases were created."""
    return told(tables.table("incident"), "incident", at="createdon", by="createdby")


def closed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when support cases were resolved or canceled."""
    import polars as pl

    found = became(tables, "incident", "statecode", [RESOLVED, CANCELED], beside=["statuscode"])
    found = with_labels(found, tables, "incident", "statuscode")
    return told_change(found, "incident", status_to=pl.col("statuscodename"))


def resolved(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when support cases were resolved by the activity that each resolution is."""
    import polars as pl

    rows = tables.table("incidentresolution").with_columns(
        case=pl.coalesce("incidentid", "regardingobjectid")
    )
    known = tables.table("incident").select(case="incidentid")
    kept = rows.join(known, on="case", how="semi")
    return told(kept, "incident", record="case", at="createdon", by="createdby", row="activityid")


def by_last_change(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the last change of a closed support case for its closing."""
    import polars as pl

    rows = tables.table("incident").filter(pl.col("statecode").is_in([1.0, 2.0]))
    return told(rows, "incident", at="modifiedon", by="modifiedby")


RULES = (
    Rule("D1", "case_opened", "incident", "created", opened, ("incident.createdon",)),
    Rule("D1", "case_closed", "audit", "audit", closed, ("audit_changes.attribute",)),
    Rule(
        "D2", "case_closed", "incidentresolution", "history", resolved,
        ("incidentresolution.createdon",), verified=False,
    ),
    Rule(
        "D3", "case_closed", "incident", "modified", by_last_change,
        ("incident.statecode", "incident.modifiedon"), default=False, verified=False,
    ),
)  # fmt: skip
