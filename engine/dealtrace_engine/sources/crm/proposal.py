"""A mapping file proposed from an export: what occurs in it, what it was taken for, and what is open.

What the file says is what holds without it, so that the log stays the same until somebody edits it; what can
only be guessed at is a comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import LogError
from dealtrace_engine.sources.crm.mapping import CrmMapping, default_statuses
from dealtrace_engine.sources.crm.mapping_file import mapping_text
from dealtrace_engine.sources.crm.own_fields import OwnField, named_fields, own_fields
from dealtrace_engine.sources.crm.read import log_of, raw_export
from dealtrace_engine.sources.crm.stage_names import StageNames
from dealtrace_engine.sources.crm.statuses import StatusValue, status_values
from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.toml_files import written, written_key

MOST_VALUES, MOST_FIELDS = 40, 60
"""So many values of a column, and own fields, are listed."""
ENDS = (
    "Where KPIs and segments begin and end instead of where they do, such as K13; all parts are optional:",
    "[ends.K13]",
    'from = "quote_accepted"',
    'to = ["order_activated", "order_submitted"]  # the first of any; canonical ids, or names in the log',
    "last = false  # whether the last end counts",
)
"""What the file says of ends, which no export tells."""


def proposed_mapping(system: CrmSystem, path: Path, shape: str | None = None) -> str:
    """Return the text of a mapping file for an export.

    Parameters
    ----------
    system : CrmSystem
    path : Path
    shape : str, optional
        Recognised by default.

    Raises
    ------
    ParseError
        There is no such export.
    """
    raw, _ = raw_export(system, path, shape, CrmMapping())
    tables = CrmTables(raw, system.catalog)
    values = status_values(system, tables, CrmMapping())
    names = system.stages(tables, CrmMapping())
    fields = named_fields(raw, [name for name in system.catalog if name in raw.frames])
    own: list[OwnField] = []
    if fields:
        own = list(own_fields(system.read_raw(path, raw.shape, CrmMapping(fields=fields)), fields))
    coverage = _coverage(system, path, raw.shape)
    families = {system.statuses[place] for place in values}
    statuses = {key: names for key, names in default_statuses().items() if key.partition(".")[0] in families}
    remarks = {
        "": [f"Proposed from {raw.label} ({system.name}, {raw.shape}).",
             "It changes nothing as it is: edit it, take the # off what you want, and read with it."],
        "stages": list(_stages(names)),
        "stages.aliases": list(_aliases(names)),
        "statuses": list(_statuses(values)),
        "ladders": list(_ladders(system, coverage)),
        "fields": list(_fields(own)),
        "ends": ENDS,
        "end": list(_open(coverage)),
    }  # fmt: skip
    return mapping_text(replace(CrmMapping(), statuses=statuses), system.name, remarks)


def _coverage(system: CrmSystem, path: Path, shape: str) -> Coverage | None:
    """Return how far the export goes, or None where there is no event in it."""
    raw, _ = raw_export(system, path, shape, CrmMapping())
    try:
        return log_of(system, raw, CrmMapping()).quality.coverage
    except LogError:
        return None


def _stages(names: StageNames) -> Iterator[str]:
    if names.order:
        yield "From first to last, where the export's own order of stages is not the right one:"
        yield f"order = {written(names.order[:MOST_VALUES])}"


def _aliases(names: StageNames) -> Iterator[str]:
    """Say which stages there are no longer, and what each seems to be called now."""
    if names.order:
        yield 'Earlier names of stages that are one stage: "Old name" = "New name".'
    for old in names.former[:MOST_VALUES]:
        until = f"nothing came to it after {old.last}"
        if old.now is None:
            yield f"{written_key(old.name)} is no stage any more; {until}"
        else:
            yield f"{written_key(old.name)} = {written(old.now)}  # ? {until}, before this one began"


def _statuses(values: dict[str, list[StatusValue]]) -> Iterator[str]:
    """Say of each value how often it occurs, which sets it is in and by which name."""
    for place, found in values.items():
        yield ""
        yield f"{place}:"
        for value in found[:MOST_VALUES]:
            sets = ", ".join(f"{key} (as {name!r})" for key, name in value.meanings.items())
            more = "; it could be any of these" if len(value.meanings) > 1 else ""
            yield f"  {value.name!r} {value.count:,}: {sets or 'nothing is known of it'}{more}"
        if len(found) > MOST_VALUES:
            yield f"  and {len(found) - MOST_VALUES:,} further values"


def _ladders(system: CrmSystem, coverage: Coverage | None) -> Iterator[str]:
    """Say which rules there are for each activity and how many events each found."""
    ladders: dict[str, list[str]] = {}
    told: dict[str, list[str]] = {}
    counts = {} if coverage is None else coverage.activities
    for rule in system.rules:
        found = counts.get(rule.activity, {}).get("rule_id", {}).get(rule.name, 0)
        assumed = "" if rule.verified else ", not documented by the vendor"
        off = "" if rule.default else ", off unless named"
        told.setdefault(rule.activity, []).append(f"{rule.id} {found:,}{assumed}{off}")
        if rule.default:
            ladders.setdefault(rule.activity, []).append(rule.id)
    yield "The rules of each activity, the first that yields wins, and the events that each found:"
    for activity, rules in told.items():
        yield f"{activity} = {written(ladders.get(activity, []))}  # {'; '.join(rules)}"


def _fields(own: list[OwnField]) -> Iterator[str]:
    if own:
        yield "Own fields and how far they are filled; each can be an attribute of the case:"
    for field in own[:MOST_FIELDS]:
        guessed = f"; {field.guess}?" if field.guess else ""
        yield (
            f"{written_key(field.name)} = {written(field.attribute)}  # {field.filled / field.rows:.1%} of "
            f"{field.rows:,}, {field.distinct:,} values, most often {field.example!r}{guessed}"
        )
    if len(own) > MOST_FIELDS:
        yield f"and {len(own) - MOST_FIELDS:,} further fields"


def _open(coverage: Coverage | None) -> Iterator[str]:
    """Say what the export leaves open."""
    if coverage is None:
        yield "No event could be derived for any opportunity."
        return
    for activity, why in coverage.underivable.items():
        yield f"No {activity}: {why}."
    for label, meanings in coverage.ambiguous_labels.items():
        yield f"{label!r} could be {' or '.join(meanings)}."
    for place, values in coverage.unmapped.items():
        named = ", ".join(f"{value!r} {count:,}" for value, count in list(values.items())[:MOST_VALUES])
        yield f"Nothing is known of these values of {place}: {named}."
