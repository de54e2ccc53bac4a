"""The coverage report is filled in: counted from the tables, the derived events, the links and the cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dealtrace_engine.coverage import Coverage
from dealtrace_engine.sources.crm.ambiguity import ROWS_AT_A_TIME, ambiguity
from dealtrace_engine.sources.crm.events import RANKS
from dealtrace_engine.sources.crm.ids import Ids
from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.linking import Linked
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.present import latest_of_all
from dealtrace_engine.sources.crm.statuses import status_values
from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.crm.tables import CrmTables

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

SURE = ("history", "audit")
"""Qualities of timestamps that were written down when it happened."""
COUNTS = {"quote_count": "quote", "order_count": "order", "invoice_count": "invoice"}
NO_CASE = "only of records that have no case"
NOT_ASKED = "only the first contact is, unless the mapping says every_contact"
GRACE = timedelta(days=7)
"""A case created so much before the first change that is kept does not lack its beginning yet."""


@dataclass(frozen=True)
class Inventory:
    """What the coverage report tells of the tables themselves; they can be released once it is taken."""

    rows: dict[str, int]
    spans: dict[str, tuple[datetime | None, datetime | None]]
    """History objects to the first and the last instant in them."""
    exported: datetime | None
    unmapped: dict[str, dict[str, int]]
    ambiguous_labels: dict[str, list[str]]
    rates: bool
    leads: pl.DataFrame | None
    """The ids of all leads where these are not the cases."""


@dataclass(frozen=True)
class Derivation:
    """Everything that the way from an export to a log went through."""

    system: CrmSystem
    rules: Sequence[Rule]
    """Those of the system and those of the mapping."""
    tables: CrmTables
    """Only what they are called and what columns they have is asked of them."""
    inventory: Inventory
    mapping: CrmMapping
    linked: Linked
    dated: pl.DataFrame
    """The events of the log, in its order."""
    cases: pl.DataFrame
    how_recognised: str
    ids: Ids
    """How events hold theirs."""


def taken_inventory(system: CrmSystem, tables: CrmTables, mapping: CrmMapping) -> Inventory:
    """Ask the tables for all that the coverage report tells of them."""
    return Inventory(
        rows={name: tables.rows(name) for name in tables.objects},
        spans={name: tables.span(name, column) for name, column in system.history.items()},
        exported=export_time(system, tables),
        unmapped=system.unmapped(tables, mapping),
        ambiguous_labels=_ambiguous_labels(system, tables, mapping),
        rates=any(tables.rows(name) for name in system.rates),
        leads=_leads(system, tables, mapping),
    )


def covered(way: Derivation) -> Coverage:
    """Return the coverage report."""
    exported, history = way.inventory.exported, _history(way)
    horizon, truncated = _horizon(way, history)
    closed, with_change = _closings(way)
    return Coverage(
        system=way.system.name,
        shape=way.tables.raw.shape,
        how_recognised=way.how_recognised,
        exported=None if exported is None else _text(exported),
        zone=way.mapping.zone,
        objects=way.inventory.rows,
        missing=_missing(way),
        activities=_activities(way.dated),
        underivable=_underivable(way),
        unverified=_unverified(way),
        history=history,
        horizon=horizon,
        left_truncated=truncated,
        horizons=_horizons(way, history),
        cases_without_history=_count(way.cases, "has_history", False),
        closed=closed,
        closed_with_change=with_change,
        orphans={
            name: {"records": way.linked.orphan_records[name], "events": events}
            for name, events in way.linked.orphans.items()
        },
        shared_events=way.linked.shared,
        several=_several(way.cases),
        ambiguous=_ambiguous(way.dated),
        before_creation=_before_creation(way),
        after_export=0 if exported is None else way.dated.filter(_after(exported)).height,
        leads_without_case=_leads_without_case(way),
        unmapped=way.inventory.unmapped,
        ambiguous_labels=way.inventory.ambiguous_labels,
        migrated=_count(way.cases, "is_migrated", True),
        currencies=_currencies(way.cases),
        rates=way.inventory.rates,
        ends={name: dict(moved) for name, moved in way.mapping.ends.items()},
    )


def export_time(system: CrmSystem, tables: CrmTables) -> datetime | None:
    """Return when the export was made: as it says, else the latest change in it."""
    if tables.raw.exported is not None:
        return tables.raw.exported
    return latest_of_all(tables, tables.objects, system.stamps)


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S")


def _after(when: datetime) -> pl.Expr:
    import polars as pl

    return pl.coalesce("day_start", "timestamp") > when


def _missing(way: Derivation) -> list[str]:
    """Return what rules and cases ask for and the export has not, an object that is missing whole only once.

    A need that is no object, such as a table that only the mapping could name, makes an activity underivable.
    """
    needs = {need for rule in way.mapping.ladder(way.rules) for need in rule.needs}
    known = way.tables.catalog
    there = {f"{name}.{at}" for name, at in way.system.history.items() if name in way.tables.objects}
    wanted = sorted(
        need for need in needs | there | {*way.system.described_by} if need.partition(".")[0] in known
    )
    found = []
    for need in wanted:
        name, _, column = need.partition(".")
        if name not in way.tables.objects:
            found.append(name)
        elif column and column not in way.tables.columns(name):
            found.append(need)
    return list(dict.fromkeys(found))


def _activities(events: pl.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    import polars as pl

    found: dict[str, dict[str, dict[str, int]]] = {}
    for kind in ("rule_id", "ts_quality", "ts_precision"):
        counted = events.lazy().group_by("activity", kind).agg(n=pl.len()).sort("activity", kind)
        counts = counted.collect(engine="streaming")  # with all rows at once it takes a third of the log
        for activity, name, count in counts.iter_rows():
            found.setdefault(activity, {}).setdefault(kind, {})[name] = count
    return dict(sorted(found.items(), key=lambda item: RANKS.get(item[0], 0)))


def _underivable(way: Derivation) -> dict[str, str]:
    found = set(way.dated["activity"].unique())
    ladder: dict[str, list[tuple[str, ...]]] = {}
    for rule in way.mapping.ladder(way.rules):
        ladder.setdefault(rule.activity, []).append(rule.needs)
    return {
        activity: _why_not(way, activity, needs)
        for activity, needs in sorted(ladder.items(), key=lambda item: RANKS.get(item[0], 0))
        if activity not in found
    }


def _why_not(way: Derivation, activity: str, needs: list[tuple[str, ...]]) -> str:
    if activity == "customer_contact" and not way.mapping.every_contact:
        return NOT_ASKED
    return NO_CASE if activity in way.linked.orphan_activities else _why(way.tables, needs)


def _why(tables: CrmTables, ladder: list[tuple[str, ...]]) -> str:
    """Say what every rule of an activity lacks, or that none found anything."""
    lacking = []
    for needs in ladder:
        absent = [need for need in needs if not tables.has(*need.split(".", 1))]
        if not absent:
            return "the export has what is needed, but no such record"
        lacking += absent
    return f"needs {' or '.join(dict.fromkeys(lacking))}, which the export has not"


def _unverified(way: Derivation) -> list[str]:
    used = set(way.dated["rule_id"].unique())
    return [rule.name for rule in way.rules if not rule.verified and rule.name in used]


def _history(way: Derivation) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, (first, last) in way.inventory.spans.items():
        count = way.inventory.rows.get(name, 0)
        if count and first is not None and last is not None:
            found[name] = {"rows": count, "first": _text(first), "last": _text(last)}
            found[name]["older_cases"] = _created_before(way.cases, first - GRACE)
    return found


def _horizon(way: Derivation, history: dict[str, dict[str, Any]]) -> tuple[str | None, int]:
    """Return since when changes of the leading object are kept, where cases are older, and how many are."""
    names = way.system.leading_history.get(way.mapping.leading, tuple(way.system.history))
    kept = [history[name] for name in names if name in history]
    earliest = min(kept, key=lambda entry: entry["first"], default=None)
    if earliest is None or not earliest["older_cases"]:
        return None, 0
    return earliest["first"], earliest["older_cases"]


def _horizons(way: Derivation, history: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return since when activities are known that only history tells of, where cases are older.

    Of several histories the one that began first counts: they tell of the same facts, one after the other.
    """
    import polars as pl

    audit = next(iter(way.system.history))  # an audit is the only history, of every object
    limited = {name: kept["first"] if kept["older_cases"] else "" for name, kept in history.items()}
    sources = way.dated.lazy().group_by("activity", "source_object", "ts_quality").agg()
    found: dict[str, str] = {}
    for activity, name, quality in sources.cast(pl.String).collect(engine="streaming").iter_rows():
        since = limited.get(audit if quality == "audit" else name, "") if quality in SURE else ""
        found[activity] = min(since, found.get(activity, since))
    return {activity: found[activity] for activity in sorted(found, key=_rank) if found[activity]}


def _rank(activity: str) -> int:
    return RANKS.get(activity, 0)


def _created_before(cases: pl.DataFrame, when: datetime) -> int:
    return int((cases["created"] < when).sum() or 0) if "created" in cases.columns else 0


def _ambiguous(events: pl.DataFrame) -> dict[str, Any]:
    """Return `ambiguity` as JSON has it."""
    found = asdict(ambiguity(events))
    return {**found, "throughput": {name: list(bounds) for name, bounds in found["throughput"].items()}}


def _ambiguous_labels(
    system: CrmSystem, tables: CrmTables, mapping: CrmMapping
) -> dict[str, list[str]]:  # fmt: skip
    """Return values that are in several status sets of their object."""
    found: dict[str, list[str]] = {}
    for column, values in status_values(system, tables, mapping).items():
        for value in values:
            if len(value.meanings) > 1:
                found[f"{column} {value.name}"] = list(value.meanings)
    return found


def _closings(way: Derivation) -> tuple[int, int]:
    import polars as pl

    if "outcome" not in way.cases.columns:
        return 0, 0
    closed = way.cases.filter(pl.col("outcome").is_in(["Won", "Lost"])).select("case_id")
    sure = way.dated.filter(
        pl.col("activity").is_in(["opportunity_won", "opportunity_lost"]) & pl.col("ts_quality").is_in(SURE)
    )
    told = sure.select(pl.col("case_id").cast(pl.String))
    return closed.height, closed.join(told, on="case_id", how="semi").height


def _count(cases: pl.DataFrame, column: str, value: bool) -> int:
    return int((cases[column] == value).sum() or 0) if column in cases.columns else 0


def _several(cases: pl.DataFrame) -> dict[str, int]:
    counts = {
        what: int((cases[name] > 1).sum() or 0) for name, what in COUNTS.items() if name in cases.columns
    }
    return {what: count for what, count in counts.items() if count}


def _before_creation(way: Derivation) -> int:
    """Count events of a case before its opportunity was created that should come after."""
    import polars as pl

    if "created" not in way.cases.columns:
        return 0
    later = pl.col("order_rank") > RANKS["opportunity_created"]
    of_day = pl.col("ts_precision") == "date"
    too_early = pl.when(of_day).then(pl.col("day_end")).otherwise(pl.col("timestamp")) < pl.col("created")
    created = way.cases.select(
        pl.col("case_id").cast(way.dated.schema["case_id"], strict=False), "created"
    ).drop_nulls()
    needed = way.dated.select("case_id", "ts_precision", "timestamp", "day_end", "order_rank")
    parts = (part.filter(later) for part in needed.iter_slices(ROWS_AT_A_TIME))
    return sum(part.join(created, on="case_id").filter(too_early).height for part in parts)


def _leads(system: CrmSystem, tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame | None:
    name, record = system.leads
    if name not in tables.objects or mapping.leading == "lead":
        return None
    return tables.table(name).select(record).collect()


def _leads_without_case(way: Derivation) -> int:
    import polars as pl

    if way.inventory.leads is None:
        return 0
    record = way.system.leads[1]
    found = way.dated.filter(pl.col("object") == "lead").select(pl.col("record_id").alias(record))
    leads = way.inventory.leads.with_columns(way.ids.held(way.inventory.leads[record]))
    return leads.join(found, on=record, how="anti").height


def _currencies(cases: pl.DataFrame) -> dict[str, int]:
    if "currency" not in cases.columns:
        return {}
    counts = cases["currency"].drop_nulls().value_counts(sort=True)
    return dict(counts.iter_rows())
