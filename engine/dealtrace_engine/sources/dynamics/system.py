"""Dynamics 365 Sales, as the shared way from an export to a log takes it."""

from __future__ import annotations

from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.dynamics.asked import asked
from dealtrace_engine.sources.dynamics.case_table import case_table
from dealtrace_engine.sources.dynamics.families import FAMILIES
from dealtrace_engine.sources.dynamics.links import links
from dealtrace_engine.sources.dynamics.memory import from_frames
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.recognise import recognise
from dealtrace_engine.sources.dynamics.rules import RULES
from dealtrace_engine.sources.dynamics.shapes import SHAPES, read_raw
from dealtrace_engine.sources.dynamics.stages import ordered_stages
from dealtrace_engine.sources.dynamics.unmapped import unmapped

SYSTEM = CrmSystem(
    name="dynamics",
    catalog=CATALOG,
    rules=RULES,
    links=links,
    case_table=case_table,
    recognise=recognise,
    read_raw=read_raw,
    from_frames=from_frames,
    shapes=SHAPES,
    history={"audit_changes": "createdon"},
    stamps=("modifiedon",),
    leads=("lead", "leadid"),
    rates=("transactioncurrency",),
    unmapped=unmapped,
    statuses={
        "quote.statuscodename": "quote", "opportunity.statuscodename": "quote",
        "processstage.stagename": "stage",
    },
    stages=ordered_stages,
    described_by=tuple(f"opportunity.{column}" for column in (
        "opportunityid", "statecode", "statuscode", "createdon", "estimatedvalue", "ownerid",
    )),
    families=FAMILIES,
    asked=asked,
)  # fmt: skip
