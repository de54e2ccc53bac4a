"""What an organisation may do differently: what values mean, which rule wins, zone, stages, custom fields."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import MappingError
from dealtrace_engine.schema import nearest

if TYPE_CHECKING:
    from dealtrace_engine.sources.crm.ladder import Rule

DATES = ("d/m/Y", "m/d/Y", "Y/m/d")
"""Orders of day, month and year in reports."""
LEADING = ("opportunity", "lead", "quote", "order", "invoice")
"""Objects that can be the case."""
FLATTEN = ("all", "primary", "first", "last")


@lru_cache(maxsize=1)
def default_statuses() -> dict[str, list[str]]:
    """Return the names of each status, as `names.one_of` reads them, unless a mapping changes them."""
    text = files(__package__).joinpath("statuses.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class CrmMapping:
    """How an export is to be understood.

    Attributes
    ----------
    leading : {"opportunity", "lead", "quote", "order", "invoice"}
        Which object is the case.
    zone : str
        IANA name of the organisation's time zone: calendar days are days there.
    statuses : mapping of str to sequence of str
        Instead of the same keys of `default_statuses`.
    stage_order : sequence of str
        Stages from first to last; from the export's own stage table where empty.
    stage_aliases : mapping of str to str
        Names that a stage had earlier, to its name now.
    ladders : mapping of str to sequence of str
        Activity to the ids of the rules that may find it, the first first; all default rules where absent.
    fields : mapping of str to str
        ``"Object.Field__c"`` to the case attribute that it is.
    objects : mapping of str to mapping of str to str
        A custom table to what its columns are; see `custom.custom_rules`.
    flatten : {"all", "primary", "first", "last"}
        What becomes of several quotes, orders or invoices of a case: all their events; those of the main
        quote and what came of it; or of each activity the first or the last.
    every_contact : bool
        Also each contact with the customer, not only the first.
    link_by_account : bool
        Link what has no other link by account and time, with a confidence.
    migrated_share : float
        Records created in one minute by one user, as a share of all, from which on they count as migrated.
    language : str
        Of the activities, unless the caller says another.
    stage_activity : str
        What a change of stage is called, such as ``"Stage: <to>"``; the usual name where empty.
    labels : mapping of str to str
        Names of activities in other logs to canonical ids, before the names that are known anyway.
    headers : mapping of str to str
        Columns of reports, as they are called there, to ``"Object.Column"``, before the labels that are known
        anyway.
    ends : mapping of str to mapping
        Ids of ready times, such as ``"K13"``, to where they begin (``from``) and end (``to``, and whether the
        ``last`` one counts) instead.
    dates : {"", "d/m/Y", "m/d/Y", "Y/m/d"}
        How reports write dates, where the dates themselves do not tell.
    """

    leading: str = "opportunity"
    zone: str = "UTC"
    statuses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stage_order: Sequence[str] = ()
    stage_aliases: Mapping[str, str] = field(default_factory=dict)
    ladders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flatten: str = "all"
    every_contact: bool = False
    link_by_account: bool = False
    migrated_share: float = 0.05
    language: str = "en"
    stage_activity: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dates: str = ""

    @property
    def named_objects(self) -> frozenset[str]:
        """Objects that it names, or of which it names a field: nobody else knows when they are asked for."""
        return frozenset([*self.objects, *(field.partition(".")[0] for field in self.fields)])

    def status(self, key: str) -> Sequence[str]:
        """Return the names of a status, such as ``"quote.accepted"``."""
        return self.statuses.get(key, default_statuses().get(key, ()))

    def ladder(self, rules: Sequence[Rule]) -> list[Rule]:
        """Return the rules that are used, in the order in which they are tried.

        Raises
        ------
        MappingError
            There is no such rule or activity.
        """
        used = [rule for rule in rules if rule.default and rule.activity not in self.ladders]
        for activity, ids in self.ladders.items():
            known = {rule.id: rule for rule in rules if rule.activity == activity}
            if not known:
                there = sorted({rule.activity for rule in rules})
                hint = nearest(there, activity, "activities")
                raise MappingError(f"no rule finds the activity {activity!r}", hint=hint)
            for rule_id in ids:
                if rule_id not in known:
                    raise MappingError(f"the activity {activity!r} has no rule {rule_id!r}",
                                       hint=f"it has {', '.join(known)}")  # fmt: skip
                used.append(known[rule_id])
        return used
