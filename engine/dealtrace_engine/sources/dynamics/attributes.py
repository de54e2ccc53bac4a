"""Columns whose changes a rule asks for; those of all others are not kept."""

from __future__ import annotations

from dealtrace_engine.sources.crm.mapping import CrmMapping

_KEPT = """
statecode statuscode ownerid activestageid stageid salesstage salesstagecode stepname
estimatedvalue estimatedclosedate closeprobability
discountpercentage discountamount manualdiscountamount
presentproposal presentfinalproposal scheduleproposalmeeting
"""
ATTRIBUTES = tuple(_KEPT.split())
"""Attributes whose changes are kept; a mapping adds its own fields."""


def kept_attributes(mapping: CrmMapping) -> list[str]:
    """Return the attributes whose changes are kept, those that a mapping names among them."""
    own = [name.split(".", 1)[1].lower() for name in mapping.fields if "." in name]
    custom = [
        name.lower()
        for columns in mapping.objects.values()
        for pair in columns.items()
        for name in pair
        if isinstance(name, str)
    ]
    return list(dict.fromkeys([*ATTRIBUTES, *own, *custom]))
