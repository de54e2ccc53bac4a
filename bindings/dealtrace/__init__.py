"""Process mining for lead-to-cash: event tables in, exact answers out, at millions of events.

Examples
--------
>>> import dealtrace as dt
>>> import pyarrow as pa
>>> log = dt.from_arrow(pa.table({"case": ["1", "1"], "activity": ["Quote Issued", "Quote Accepted"],
...                               "time": ["2024-01-01", "2024-01-03"]}))
>>> dt.directly_follows(log).edges["count"].to_pylist()
[1]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dealtrace_engine.analyses.bottlenecks import Bottlenecks, bottlenecks
    from dealtrace_engine.analyses.check_rules import RuleCheck, check_rules
    from dealtrace_engine.analyses.discounts import Discounts, discounts
    from dealtrace_engine.analyses.drivers import Drivers, drivers
    from dealtrace_engine.analyses.follows import DirectlyFollows, directly_follows
    from dealtrace_engine.analyses.forecast import Forecast, forecast
    from dealtrace_engine.analyses.funnel import Funnel, funnel
    from dealtrace_engine.analyses.handovers import Handovers, handovers
    from dealtrace_engine.analyses.journeys import Journeys, journeys
    from dealtrace_engine.analyses.milestones import Milestone
    from dealtrace_engine.analyses.receivables import Receivables, receivables
    from dealtrace_engine.analyses.rep_benchmark import RepBenchmark, rep_benchmark
    from dealtrace_engine.analyses.rework import Rework, rework
    from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd
    from dealtrace_engine.analyses.segments import Segments
    from dealtrace_engine.analyses.stages import Stages, stages
    from dealtrace_engine.analyses.survival import Survival, survival
    from dealtrace_engine.analyses.throughput import ThroughputTimes, throughput_times
    from dealtrace_engine.analyses.token_replay import TokenReplay, token_replay
    from dealtrace_engine.analyses.variants import Variants, variants
    from dealtrace_engine.analyses.what_if import WhatIf, what_if
    from dealtrace_engine.analyses.what_if_changes import Cap, MakeLike, Remove
    from dealtrace_engine.calendar import Calendars, WorkingCalendar
    from dealtrace_engine.errors import (
        ArgumentError,
        Cancelled,
        DealtraceError,
        LogError,
        MappingError,
        ModelError,
        OutputError,
        ParseError,
        SchemaError,
    )
    from dealtrace_engine.filters import where
    from dealtrace_engine.lead_to_cash.findings import Findings, findings
    from dealtrace_engine.lead_to_cash.kpi_comparison import PeriodComparison, compare_periods
    from dealtrace_engine.lead_to_cash.kpis import Kpis, kpis
    from dealtrace_engine.lead_to_cash.rule_pack import lead_to_cash_rules
    from dealtrace_engine.lead_to_cash.segments import segments
    from dealtrace_engine.lead_to_cash.survival import SegmentSurvival, segment_survival
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.models.calendar_file import read_calendar
    from dealtrace_engine.models.petri_net import PetriNet
    from dealtrace_engine.models.pnml import read_pnml, write_pnml
    from dealtrace_engine.models.rule_file import read_rules
    from dealtrace_engine.models.rules import Rules
    from dealtrace_engine.patterns.pattern import Pattern, compile_pattern
    from dealtrace_engine.sources.canonical import CanonicalActivities, canonical_activities
    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.mapping_file import read_mapping
    from dealtrace_engine.sources.crm.readers import read_dynamics, read_salesforce
    from dealtrace_engine.sources.meanings import Meaning, activity_of_label
    from dealtrace_engine.sources.memory import from_arrow
    from dealtrace_engine.sources.readers import read_csv, read_parquet, read_xes
    from dealtrace_engine.store import open_log as open
    from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    from dealtrace_engine.warmup import warm_up

_HOMES = {
    "dealtrace_engine.analyses.bottlenecks": ("Bottlenecks", "bottlenecks"),
    "dealtrace_engine.analyses.check_rules": ("RuleCheck", "check_rules"),
    "dealtrace_engine.analyses.discounts": ("Discounts", "discounts"),
    "dealtrace_engine.analyses.drivers": ("Drivers", "drivers"),
    "dealtrace_engine.analyses.follows": ("DirectlyFollows", "directly_follows"),
    "dealtrace_engine.analyses.forecast": ("Forecast", "forecast"),
    "dealtrace_engine.analyses.funnel": ("Funnel", "funnel"),
    "dealtrace_engine.analyses.handovers": ("Handovers", "handovers"),
    "dealtrace_engine.analyses.journeys": ("Journeys", "journeys"),
    "dealtrace_engine.analyses.milestones": ("Milestone",),
    "dealtrace_engine.analyses.receivables": ("Receivables", "receivables"),
    "dealtrace_engine.analyses.rep_benchmark": ("RepBenchmark", "rep_benchmark"),
    "dealtrace_engine.analyses.rework": ("Rework", "rework"),
    "dealtrace_engine.analyses.segment_ends": ("Segment", "SegmentEnd"),
    "dealtrace_engine.analyses.segments": ("Segments",),
    "dealtrace_engine.analyses.stages": ("Stages", "stages"),
    "dealtrace_engine.analyses.survival": ("Survival", "survival"),
    "dealtrace_engine.analyses.throughput": ("ThroughputTimes", "throughput_times"),
    "dealtrace_engine.analyses.token_replay": ("TokenReplay", "token_replay"),
    "dealtrace_engine.analyses.variants": ("Variants", "variants"),
    "dealtrace_engine.analyses.what_if": ("WhatIf", "what_if"),
    "dealtrace_engine.analyses.what_if_changes": ("Cap", "MakeLike", "Remove"),
    "dealtrace_engine.calendar": ("Calendars", "WorkingCalendar"),
    "dealtrace_engine.errors": (
        "ArgumentError", "Cancelled", "DealtraceError", "LogError", "MappingError",
        "ModelError", "OutputError", "ParseError", "SchemaError",
    ),
    "dealtrace_engine.filters.where": ("where",),
    "dealtrace_engine.lead_to_cash.findings": ("Findings", "findings"),
    "dealtrace_engine.lead_to_cash.kpi_comparison": ("PeriodComparison", "compare_periods"),
    "dealtrace_engine.lead_to_cash.kpis": ("Kpis", "kpis"),
    "dealtrace_engine.lead_to_cash.rule_pack": ("lead_to_cash_rules",),
    "dealtrace_engine.lead_to_cash.segments": ("segments",),
    "dealtrace_engine.lead_to_cash.survival": ("SegmentSurvival", "segment_survival"),
    "dealtrace_engine.log": ("EventLog",),
    "dealtrace_engine.models.calendar_file": ("read_calendar",),
    "dealtrace_engine.models.petri_net": ("PetriNet",),
    "dealtrace_engine.models.pnml": ("read_pnml", "write_pnml"),
    "dealtrace_engine.models.rule_file": ("read_rules",),
    "dealtrace_engine.models.rules": ("Rules",),
    "dealtrace_engine.patterns.pattern": ("Pattern", "compile_pattern"),
    "dealtrace_engine.sources.canonical": ("CanonicalActivities", "canonical_activities"),
    "dealtrace_engine.sources.crm.mapping": ("CrmMapping",),
    "dealtrace_engine.sources.crm.mapping_file": ("read_mapping",),
    "dealtrace_engine.sources.crm.readers": ("read_dynamics", "read_salesforce"),
    "dealtrace_engine.sources.meanings": ("Meaning", "activity_of_label"),
    "dealtrace_engine.sources.memory": ("from_arrow",),
    "dealtrace_engine.sources.readers": ("read_csv", "read_parquet", "read_xes"),
    "dealtrace_engine.store": ("open",),
    "dealtrace_engine.synthetic.lead_to_cash": ("lead_to_cash",),
    "dealtrace_engine.warmup": ("warm_up",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_RENAMED = {"open": "open_log"}

__all__ = [
    "ArgumentError",
    "Bottlenecks",
    "Calendars",
    "Cancelled",
    "CanonicalActivities",
    "Cap",
    "CrmMapping",
    "DealtraceError",
    "DirectlyFollows",
    "Discounts",
    "Drivers",
    "EventLog",
    "Findings",
    "Forecast",
    "Funnel",
    "Handovers",
    "Journeys",
    "Kpis",
    "LogError",
    "MakeLike",
    "MappingError",
    "Meaning",
    "Milestone",
    "ModelError",
    "OutputError",
    "ParseError",
    "Pattern",
    "PeriodComparison",
    "PetriNet",
    "Receivables",
    "Remove",
    "RepBenchmark",
    "Rework",
    "RuleCheck",
    "Rules",
    "SchemaError",
    "Segment",
    "SegmentEnd",
    "SegmentSurvival",
    "Segments",
    "Stages",
    "Survival",
    "ThroughputTimes",
    "TokenReplay",
    "Variants",
    "WhatIf",
    "WorkingCalendar",
    "activity_of_label",
    "bottlenecks",
    "canonical_activities",
    "check_rules",
    "compare_periods",
    "compile_pattern",
    "directly_follows",
    "discounts",
    "drivers",
    "findings",
    "forecast",
    "from_arrow",
    "funnel",
    "handovers",
    "journeys",
    "kpis",
    "lead_to_cash",
    "lead_to_cash_rules",
    "open",
    "read_calendar",
    "read_csv",
    "read_dynamics",
    "read_mapping",
    "read_parquet",
    "read_pnml",
    "read_rules",
    "read_salesforce",
    "read_xes",
    "receivables",
    "rep_benchmark",
    "rework",
    "segment_survival",
    "segments",
    "stages",
    "survival",
    "throughput_times",
    "token_replay",
    "variants",
    "warm_up",
    "what_if",
    "where",
    "write_pnml",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that `import dealtrace` costs next to nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOME_OF[name])
    value = home if name == "where" else getattr(home, _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
