"""Segments: what is measured from where to where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dealtrace_engine.analyses.milestones import Milestone
from dealtrace_engine.errors import ArgumentError

Occurrence = Literal["first", "last", "every"]
Timestamp = Literal["end", "start"]


@dataclass(frozen=True)
class SegmentEnd:
    """Where a segment begins or ends.

    Attributes
    ----------
    activities : tuple of str
        Any of them; as the log names them, or canonical ids.
    occurrence : {"first", "last", "every"}
        Which event of a case counts. From every source it is measured to the next target after it, whatever
        the target's occurrence is.
    timestamp : {"end", "start"}
        Whether it counts when the activity ended or when it started; events whose start is unknown, or after
        their end, are passed by.
    """

    activities: tuple[str, ...]
    occurrence: Occurrence = "first"
    timestamp: Timestamp = "end"

    @classmethod
    def of(cls, what: SegmentEnd | Milestone | str | Sequence[str]) -> SegmentEnd:
        """Return the end of one activity, of any of several, of a milestone, or as it is.

        Raises
        ------
        ArgumentError
            There is no activity, or the occurrence or the timestamp is another one.

        Examples
        --------
        >>> SegmentEnd.of(["quote_created", "quote_revised"])
        SegmentEnd(activities=('quote_created', 'quote_revised'), occurrence='first', timestamp='end')
        """
        if isinstance(what, SegmentEnd):
            found = what
        elif isinstance(what, Milestone):
            found = cls(what.activities, what.occurrence)
        elif isinstance(what, str):
            found = cls((what,))
        elif isinstance(what, Sequence):
            found = cls(tuple(what))
        else:
            raise ArgumentError(f"a segment's end is one activity or several, got {what!r}")
        if isinstance(found.activities, str) or not found.activities:
            raise ArgumentError(f"a segment's end is one activity or several, got {found.activities!r}")
        if not all(isinstance(name, str) for name in found.activities):
            raise ArgumentError(f"activities are texts, got {found.activities!r}")
        if found.occurrence not in ("first", "last", "every"):
            raise ArgumentError(f"the occurrence is 'first', 'last' or 'every', got {found.occurrence!r}")
        if found.timestamp not in ("end", "start"):
            raise ArgumentError(f"the timestamp is 'end' or 'start', got {found.timestamp!r}")
        return found

    def __str__(self) -> str:
        shown = " or ".join(self.activities)
        started = ", started" if self.timestamp == "start" else ""
        return shown + ("" if self.occurrence == "first" else f" ({self.occurrence})") + started


@dataclass(frozen=True)
class Segment:
    """A time to be measured.

    Attributes
    ----------
    id : str
    source, target : SegmentEnd
    name : str
        What it is called; its id where it has no name.
    """

    id: str
    source: SegmentEnd
    target: SegmentEnd
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str):
            raise ArgumentError(f"a segment is called by a text, got {self.id!r}")
        if self.target.occurrence == "every" and self.source.occurrence != "every":
            raise ArgumentError(
                f"segment {self.id!r} is measured to every target, but not from every source",
                hint="name 'every' at the source: each is measured to the next target",
            )


Pairs = Mapping[str, Any] | Sequence[Any]
"""Segments, pairs of source and target, or a mapping of ids to such pairs."""


def segments_of(pairs: Pairs) -> tuple[Segment, ...]:
    """Return segments as they are, of pairs of source and target, or of a mapping of ids to such pairs.

    Raises
    ------
    ArgumentError
        There is none, it is something else, or two have the same id.

    Examples
    --------
    >>> [segment.id for segment in segments_of([("quote_issued", "quote_accepted")])]
    ['quote_issued -> quote_accepted']
    """
    if isinstance(pairs, Mapping):
        found = [_named(id, pair) for id, pair in pairs.items()]
    elif isinstance(pairs, str) or not isinstance(pairs, Sequence):
        raise ArgumentError(f"segments are pairs of source and target, got {pairs!r}")
    else:
        found = [pair if isinstance(pair, Segment) else _named(None, pair) for pair in pairs]
    ids = [segment.id for segment in found]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        raise ArgumentError(f"two segments are called {twice!r}")
    if not found:
        raise ArgumentError("there is no segment to measure", hint="name pairs of source and target")
    return tuple(found)


def _named(id: str | None, pair: Any) -> Segment:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise ArgumentError(f"a segment is a pair of source and target, got {pair!r}")
    source, target = map(SegmentEnd.of, pair)
    return Segment(f"{source} -> {target}" if id is None else id, source, target)
