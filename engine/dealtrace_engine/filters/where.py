"""The filters, to be written as ``from dealtrace import where as w``.

Conditions on cases:

======================================================= ======================================================
written                                                 the case
======================================================= ======================================================
``w.case("region") == "DACH"`` (``!= < <= > >=``)       has an attribute that compares so
``w.case("region").is_in(["DACH", "UK"])``              has one of these values
``w.case("amount").between(1000, 5000)``                has a value in this range, with both its ends
``w.case("amount").is_null()``                          has no value
``w.case_id("0065g1", "0065g2")``                       has one of these ids
``w.starts("Lead Captured")``, ``w.ends("Won", ...)``   has one of these as its first, its last activity
``w.prefix("Lead Captured", "Lead Qualified")``         begins with these activities, in this order
``w.contains("Quote Revised", at_least=1, at_most=3)``  has the activity so often (by default, has it)
``w.directly_followed("A", "B", at_most="3d")``         has a B right after an A, within 3 days
``w.eventually_followed("A", "B", at_most="3d")``       has a B anywhere after an A, within 3 days
``w.pattern("A -> ... -> B+ -> C")``                    matches a sequence pattern, see `patterns`
``w.rework()``, ``w.rework("A", at_least=3)``           has any activity, or this one, twice or so often
``w.self_loop()``, ``w.self_loop("A", at_least=2)``     has an activity directly followed by itself, so often
``w.case_size(at_least=3, at_most=20)``                 has so many events
``w.throughput_time(at_least="30d", at_most="90d")``    takes so long from its first event to its last
``w.contained_in("2024-01-01", "2024-04-01")``          has all its events in the window
``w.intersecting(start, end)``                          is under way at some time in the window
``w.started_in(start, end)``, ``w.ended_in(...)``       has its first, its last event in the window
``w.variant("00294940fb685f67")``                       is of a variant with one of these ids
``w.top_variants(10)``                                  is of one of the most frequent variants
``w.variant_coverage(0.8)``                             is of the fewest variants that have 80 % of the cases
``w.sample(1000, seed=1)``, ``w.sample(share=0.1)``     is chosen by a seeded hash of its id
``w.any_event(...)``, ``w.every_event(...)``            has an event that is chosen, has no other
======================================================= ======================================================

Choices of events, which cut traces; a case without any chosen event is left out:

======================================================= ======================================================
written                                                 the event
======================================================= ======================================================
``w.event("resource") == "Ada"`` (as for ``case``)      has an attribute that compares so
``w.activity("Quote Issued", ...)``                     has one of these activities
``w.timeframe("2024-01-01", "2024-04-01")``             is in the window
``w.between("A", "B", to="last")``                      is from the first A to the last B after it
``w.between("A", "B", to="next")``                      is from the first A to the next B after it
======================================================= ======================================================

They are composed with ``&`` (both), ``|`` (one at least) and ``~`` (not), in brackets where operators mix. A
condition on cases next to a choice of events stands for all events of its cases. Every part looks at the log
that is filtered, not at what another part leaves: to ask of cut traces, filter twice.

A window goes from its start up to, not including, its end, so that months add up to a year; None leaves a
side open. Instants without a zone are UTC. Durations are texts such as ``"3d"`` and ``"1h 30min"``, or
timedeltas; all bounds are included. A null is unequal to everything, so that ``!=`` keeps it.
"""

from __future__ import annotations

from dealtrace_engine.filters.activities import (
    Contains,
    DirectlyFollowed,
    Ends,
    EventuallyFollowed,
    Prefix,
    Rework,
    SelfLoop,
    Starts,
)
from dealtrace_engine.filters.attribute import CaseAttribute, Column, EventAttribute
from dealtrace_engine.filters.cases import (
    CaseId,
    CaseSize,
    ContainedIn,
    EndedIn,
    Intersecting,
    Sample,
    StartedIn,
    ThroughputTime,
)
from dealtrace_engine.filters.events import Activity, AnyEvent, Between, EveryEvent, Timeframe
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.json_form import from_json
from dealtrace_engine.filters.sequence import Matches
from dealtrace_engine.filters.values import Duration, Moment, duration, moment
from dealtrace_engine.filters.variant import TopVariants, Variant, VariantCoverage

__all__ = [
    "activity", "any_event", "between", "case", "case_id", "case_size", "contained_in", "contains",
    "directly_followed", "ended_in", "ends", "event", "eventually_followed", "every_event", "from_json",
    "intersecting", "pattern", "prefix", "rework", "sample", "self_loop", "started_in", "starts",
    "throughput_time",
    "timeframe", "top_variants", "variant", "variant_coverage",
]  # fmt: skip


def case(column: str) -> Column:
    """Name a case attribute, to be compared."""
    return Column(CaseAttribute, column)


def event(column: str) -> Column:
    """Name an attribute of events, to be compared."""
    return Column(EventAttribute, column)


def case_id(*case_ids: str) -> Expression:
    """Cases with one of these ids."""
    return CaseId(case_ids)


def starts(*activities: str) -> Expression:
    """Cases whose first event has one of these activities."""
    return Starts(activities)


def ends(*activities: str) -> Expression:
    """Cases whose last event has one of these activities."""
    return Ends(activities)


def prefix(*activities: str) -> Expression:
    """Cases that begin with these activities, in this order."""
    return Prefix(activities)


def contains(activity: str, at_least: int = 1, at_most: int | None = None) -> Expression:
    """Cases in which an activity occurs so often."""
    return Contains(activity, at_least, at_most)


def directly_followed(
    source: str, target: str, at_least: Duration | None = None, at_most: Duration | None = None
) -> Expression:
    """Cases in which `target` is the next event after a `source`, after so long."""
    return DirectlyFollowed(source, target, _duration(at_least, "at_least"), _duration(at_most, "at_most"))


def eventually_followed(
    source: str, target: str, at_least: Duration | None = None, at_most: Duration | None = None
) -> Expression:
    """Cases in which a `target` comes at any place after a `source`, after so long."""
    return EventuallyFollowed(source, target, _duration(at_least, "at_least"), _duration(at_most, "at_most"))


def pattern(pattern: str) -> Expression:
    """Cases that match a sequence pattern, such as ``Quote Issued -> ... -> Quote Accepted``."""
    return Matches(pattern)


def rework(activity: str | None = None, at_least: int = 2) -> Expression:
    """Cases in which one activity, or any, occurs at least so many times."""
    return Rework(activity, at_least)


def self_loop(activity: str | None = None, at_least: int = 1) -> Expression:
    """Cases in which one activity, or any, directly follows itself at least so many times."""
    return SelfLoop(activity, at_least)


def case_size(at_least: int | None = None, at_most: int | None = None) -> Expression:
    """Cases with so many events."""
    return CaseSize(at_least, at_most)


def throughput_time(at_least: Duration | None = None, at_most: Duration | None = None) -> Expression:
    """Cases that take so long from their first event to their last."""
    return ThroughputTime(_duration(at_least, "at_least"), _duration(at_most, "at_most"))


def contained_in(start: Moment | None, end: Moment | None) -> Expression:
    """Cases with all their events in a time window."""
    return ContainedIn(_moment(start, "start"), _moment(end, "end"))


def intersecting(start: Moment | None, end: Moment | None) -> Expression:
    """Cases that are under way at some time in a window, from their first event to their last."""
    return Intersecting(_moment(start, "start"), _moment(end, "end"))


def started_in(start: Moment | None, end: Moment | None) -> Expression:
    """Cases with their first event in a time window."""
    return StartedIn(_moment(start, "start"), _moment(end, "end"))


def ended_in(start: Moment | None, end: Moment | None) -> Expression:
    """Cases with their last event in a time window."""
    return EndedIn(_moment(start, "start"), _moment(end, "end"))


def variant(*ids: str) -> Expression:
    """Cases of variants with these ids."""
    return Variant(ids)


def top_variants(count: int) -> Expression:
    """Cases of the most frequent variants; equally frequent ones by the texts of their activities."""
    return TopVariants(count)


def variant_coverage(share: float) -> Expression:
    """Cases of the fewest variants, most frequent first, that have at least a share of all cases."""
    return VariantCoverage(share)


def sample(cases: int | None = None, share: float | None = None, seed: int = 0) -> Expression:
    """Cases chosen by a seeded hash of their ids: so many of the log, or each with so much probability.

    With a share, a case that is in the sample of a log is in that of every part of it.
    """
    return Sample(cases, share, seed)


def any_event(events: Expression) -> Expression:
    """Cases of which at least one event is chosen."""
    return AnyEvent(events)


def every_event(events: Expression) -> Expression:
    """Cases of which every event is chosen."""
    return EveryEvent(events)


def activity(*activities: str) -> Expression:
    """Events with one of these activities."""
    return Activity(activities)


def timeframe(start: Moment | None, end: Moment | None) -> Expression:
    """Events in a time window."""
    return Timeframe(_moment(start, "start"), _moment(end, "end"))


def between(source: str, target: str, to: str = "last") -> Expression:
    """Events from the first `source` of a case to the last `target` after it, or to the next."""
    return Between(source, target, to)


def _moment(value: Moment | None, what: str) -> str | None:
    return None if value is None else moment(value, what)


def _duration(value: Duration | None, what: str) -> str | None:
    return None if value is None else duration(value, what)
