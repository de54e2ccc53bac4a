"""Ready times between other ends: those that the caller names, or else the mapping file of the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.lead_to_cash.kpi_registry import REGISTRY, Kpi
from dealtrace_engine.lead_to_cash.milestones import LEAD_TO_CASH_SEGMENTS
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.crm.mapping_ends import MOVABLE, PARTS

Ends = Mapping[str, Any]
"""Ids of times to (source, target), or to ``from``, ``to`` and ``last`` as a mapping file has them."""
SEGMENT_OF = {"k6.o": "k6", "k7.t": "k7"}
"""Segments that are called otherwise than the KPI."""
SEGMENTS = frozenset(segment.id.casefold() for segment in LEAD_TO_CASH_SEGMENTS)


def ends_of(log: EventLog, ends: Ends | None) -> Ends:
    """Return the ends that the caller names, or where there are none those of the log's mapping file."""
    if ends is not None:
        return ends
    coverage = log.origin.coverage
    return {} if coverage is None else coverage.ends


def moved_kpis(wanted: Sequence[Kpi], ends: Ends) -> tuple[Kpi, ...]:
    """Return KPIs, some of them between other ends.

    Parameters
    ----------
    wanted : sequence of Kpi
    ends : mapping of str to (source, target) or to mapping
        By the ids of KPIs or segments, in upper or lower case.

    Raises
    ------
    ArgumentError
        There is no such time, these are no ends, or they are of a kind that KPIs do not have.

    Examples
    --------
    >>> from dealtrace_engine.lead_to_cash.kpi_registry import chosen
    >>> (moved,) = moved_kpis(chosen("K13"), {"K13": ("quote_accepted", "order_activated")})
    >>> print(moved.numerator)
    days from the first Quote Accepted to the first Order Activated
    """
    said = _checked(ends)
    return tuple(_moved(kpi, said[kpi.id.casefold()]) if kpi.id.casefold() in said else kpi for kpi in wanted)


def lead_to_cash_segments(ends: Ends | None = None) -> tuple[Segment, ...]:
    """Return the ready segments, some of them between other ends.

    Parameters
    ----------
    ends : mapping of str to (source, target) or to mapping, optional
        Ids of segments to where they begin and end instead: activities, milestones or segment ends; or as a
        mapping file has them. A KPI that is a segment too names it by its own id.

    Raises
    ------
    ArgumentError
        There is no such segment, it is named twice, or these are no ends.

    Examples
    --------
    >>> moved = lead_to_cash_segments({"K13": ("quote_accepted", "order_activated")})
    >>> next(str(segment.source) for segment in moved if segment.id == "K13")
    'quote_accepted'
    """
    said = _checked(ends or {}, SEGMENT_OF)
    for name in ends or ():
        if _segment_of(name) not in SEGMENTS:
            raise ArgumentError(f"no segment is measured as the KPI {name!r} is",
                                hint="kpis(log, ends=...) moves it")  # fmt: skip
    found = list[Segment]()
    for segment in LEAD_TO_CASH_SEGMENTS:
        moved = said.get(segment.id.casefold())
        if moved is not None:
            source, target = _pair(segment.id, moved, segment.source, segment.target)
            found.append(Segment(segment.id, source, target, segment.name))
        else:
            found.append(segment)
    return tuple(found)


def moved_segments(log: EventLog, ends: Ends | None) -> tuple[Segment, ...]:
    """Return the ready segments between the ends that the caller names, or the log's mapping file.

    The file moves KPIs too, of which some are no segments; a caller who names such a one means another.

    Raises
    ------
    ArgumentError
        See `lead_to_cash_segments`.
    """
    said = ends_of(log, ends)
    if ends is None:
        said = {name: moved for name, moved in said.items() if _segment_of(name) in SEGMENTS}
    return lead_to_cash_segments(said)


def _segment_of(name: str) -> str:
    return SEGMENT_OF.get(name.casefold(), name.casefold())


def _checked(ends: Ends, called: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return ends by their ids in lower case, or by how some of them are `called` otherwise."""
    if not isinstance(ends, Mapping):
        raise ArgumentError(f"ends are a mapping from ids, got {ends!r}",
                            hint="such as {'K13': ('quote_accepted', 'order_activated')}")  # fmt: skip
    known = {name.casefold() for name in (*MOVABLE, *SEGMENTS)}
    found = dict[str, Any]()
    for name, moved in ends.items():
        id = str(name).casefold()
        if id not in known:
            of_no_time = any(kpi.id.casefold() == id for kpi in REGISTRY)
            what = (
                f"{name!r} is no time between activities" if of_no_time else f"there is no segment {name!r}"
            )
            raise ArgumentError(what, hint=nearest(MOVABLE, str(name), "segments"))
        id = (called or {}).get(id, id)
        if id in found:
            raise ArgumentError(f"the ends of {name!r} are given twice", hint="ids are the same in any case")
        found[id] = moved
    return found


def _pair(name: str, moved: Any, source: SegmentEnd, target: SegmentEnd) -> tuple[SegmentEnd, SegmentEnd]:
    if not isinstance(moved, Mapping):
        if isinstance(moved, str) or not hasattr(moved, "__len__") or len(moved) != 2:
            raise ArgumentError(f"segment {name!r} lies between a source and a target, got {moved!r}")
        return SegmentEnd.of(moved[0]), SegmentEnd.of(moved[1])
    if not moved or not set(moved) <= set(PARTS):
        raise ArgumentError(f"the ends of {name!r} are {', '.join(PARTS)}, got {dict(moved)!r}")
    if "from" in moved:
        source = SegmentEnd(SegmentEnd.of(moved["from"]).activities, source.occurrence)
    if "to" in moved:
        target = SegmentEnd(SegmentEnd.of(moved["to"]).activities, target.occurrence)
    if "last" in moved:
        target = SegmentEnd(target.activities, "last" if moved["last"] else "first")
    return source, target


def _moved(kpi: Kpi, moved: Any) -> Kpi:
    ready = SegmentEnd(kpi.start), SegmentEnd(kpi.end, "last" if kpi.last else "first")
    source, target = _pair(kpi.id, moved, *ready)
    if source.occurrence != "first" or target.occurrence == "every":
        raise ArgumentError(f"{kpi.id} is told from the first start to the first or last end",
                            hint="segments can be measured from every start")  # fmt: skip
    if "start" in (source.timestamp, target.timestamp):
        raise ArgumentError(f"{kpi.id} is told by when activities ended",
                            hint="segments can be measured from when they started")  # fmt: skip
    return kpi.between(source.activities, target.activities, target.occurrence == "last")
