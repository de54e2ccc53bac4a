"""Activities of any log, named in any of the six languages, become canonical ones, or are reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dealtrace_engine.log import EventLog
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.meanings import Meaning, activity_of_label

MOST_NAMED = 8


@dataclass(frozen=True)
class CanonicalActivities:
    """What the activities of a log are.

    Attributes
    ----------
    meanings : dict of str to Meaning
        Each name, the most frequent first, with what it means.
    counts : dict of str to int
        Each name with its events.
    log : EventLog or None
        The log with canonical activities; those that nothing is known of keep their names. None where only
        names were given.
    """

    meanings: dict[str, Meaning]
    counts: dict[str, int]
    log: EventLog | None = None

    @property
    def mapped(self) -> dict[str, str]:
        """Names to canonical ids."""
        return {name: m.activity for name, m in self.meanings.items() if m.activity is not None}

    @property
    def ambiguous(self) -> dict[str, tuple[str, ...]]:
        """Names that could mean several things, to these; the first was taken."""
        return {
            name: (m.activity, *m.others)
            for name, m in self.meanings.items()
            if m.ambiguous and m.activity is not None
        }

    @property
    def unmapped(self) -> dict[str, int]:
        """Names that nothing is known of, with their events."""
        return {name: self.counts[name] for name, m in self.meanings.items() if m.activity is None}

    def lines(self) -> Iterator[str]:
        """Yield what is to know about the names, in the words of people."""
        yield f"activities: {len(self.mapped):,} of {len(self.meanings):,} names are canonical"
        for name, activities in self.ambiguous.items():
            count = self.counts[name]
            yield f"{name!r} ({count:,}) is taken for {activities[0]}, could be {', '.join(activities[1:])}"
        if self.unmapped:
            first = list(self.unmapped.items())[:MOST_NAMED]
            more = len(self.unmapped) - len(first)
            named = ", ".join(f"{name!r} {count:,}" for name, count in first)
            yield f"unknown activities: {named}{f' and {more} more' if more else ''}"


def canonical_activities(
    log: EventLog | Mapping[str, int] | Iterable[str], *, language: str | None = None,
    labels: Mapping[str, str] | None = None, show: str | None = None,
) -> CanonicalActivities:  # fmt: skip
    """Find the canonical activities behind the names of a log.

    Parameters
    ----------
    log : EventLog, mapping of str to int, or iterable of str
        A log, or names, with their counts where known.
    language : {"en", "de", "fr", "it", "ja", "zh"}, optional
        Of the names; all of them by default.
    labels : mapping of str to str, optional
        What names mean here; they settle ambiguous ones.
    show : str, optional
        The language in which the activities of the new log are named; they are called by their ids else.

    Raises
    ------
    SchemaError
        There is no such language or activity.

    Examples
    --------
    >>> found = canonical_activities(["Angebot erstellt", "Devis accepté", "Kaffeepause"])
    >>> found.mapped
    {'Angebot erstellt': 'quote_issued', 'Devis accepté': 'quote_accepted'}
    >>> found.ambiguous, found.unmapped
    ({'Angebot erstellt': ('quote_issued', 'quote_created')}, {'Kaffeepause': 1})
    """
    counts = _counts(log)
    meanings = {name: activity_of_label(name, language, labels=labels) for name in counts}
    found = CanonicalActivities(meanings, counts)
    if not isinstance(log, EventLog):
        return found
    names = {
        name: activity if show is None else activity_label(activity, show)
        for name, activity in found.mapped.items()
    }
    return replace(found, log=_renamed(log, names, list(found.lines())))


def _counts(log: EventLog | Mapping[str, int] | Iterable[str]) -> dict[str, int]:
    if isinstance(log, EventLog):
        events = np.bincount(log.activity_codes, minlength=len(log.activities))
        pairs = sorted(zip(log.activities.to_pylist(), events.tolist(), strict=True), key=lambda p: -p[1])
        return dict(pairs)
    if isinstance(log, Mapping):
        return dict(log)
    counts: dict[str, int] = {}
    for name in log:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _renamed(log: EventLog, names: Mapping[str, str], notes: list[str]) -> EventLog:
    """Return the log with other names; two that become one are one activity."""
    new = [names.get(name, name) for name in log.activities.to_pylist()]
    distinct = sorted(set(new), key=lambda name: name.encode())
    place = {name: code for code, name in enumerate(distinct)}
    codes = np.array([place[name] for name in new], dtype=log.activity_codes.dtype)[log.activity_codes]
    origin = replace(log.origin, notes=[*notes, *log.origin.notes])
    columns = (log.case_ids, pa.array(distinct, pa.large_string()), log.case_offsets, codes)
    return EventLog(*columns, log.timestamps, log.rows, origin, dict(log.kept))
