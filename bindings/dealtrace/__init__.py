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
    from dealtrace_engine.analyses.follows import DirectlyFollows, directly_follows
    from dealtrace_engine.analyses.throughput import ThroughputTimes, throughput_times
    from dealtrace_engine.analyses.token_replay import TokenReplay, token_replay
    from dealtrace_engine.analyses.variants import Variants, variants
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
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.models.petri_net import PetriNet
    from dealtrace_engine.models.pnml import read_pnml, write_pnml
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
    "dealtrace_engine.analyses.follows": ("DirectlyFollows", "directly_follows"),
    "dealtrace_engine.analyses.throughput": ("ThroughputTimes", "throughput_times"),
    "dealtrace_engine.analyses.token_replay": ("TokenReplay", "token_replay"),
    "dealtrace_engine.analyses.variants": ("Variants", "variants"),
    "dealtrace_engine.errors": (
        "ArgumentError", "Cancelled", "DealtraceError", "LogError", "MappingError", "ModelError",
        "OutputError", "ParseError", "SchemaError",
    ),
    "dealtrace_engine.filters.where": ("where",),
    "dealtrace_engine.log": ("EventLog",),
    "dealtrace_engine.models.petri_net": ("PetriNet",),
    "dealtrace_engine.models.pnml": ("read_pnml", "write_pnml"),
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
    "Cancelled",
    "CanonicalActivities",
    "CrmMapping",
    "DealtraceError",
    "DirectlyFollows",
    "EventLog",
    "LogError",
    "MappingError",
    "Meaning",
    "ModelError",
    "OutputError",
    "ParseError",
    "Pattern",
    "PetriNet",
    "SchemaError",
    "ThroughputTimes",
    "TokenReplay",
    "Variants",
    "activity_of_label",
    "canonical_activities",
    "compile_pattern",
    "directly_follows",
    "from_arrow",
    "lead_to_cash",
    "open",
    "read_csv",
    "read_dynamics",
    "read_mapping",
    "read_parquet",
    "read_pnml",
    "read_salesforce",
    "read_xes",
    "throughput_times",
    "token_replay",
    "variants",
    "warm_up",
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
