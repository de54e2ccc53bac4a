"""When cases reach what they are measured by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.schema import names_of, nearest
from dealtrace_engine.sources.labels import activity_ids
from dealtrace_engine.sources.meanings import activity_of_label

NEVER = np.iinfo(np.int64).min
"""The instant of what does not happen."""
Names = str | Sequence[str]
Occurrence = Literal["first", "last"]


@dataclass(frozen=True)
class Milestone:
    """Activities, any of which reaches it, and which occurrence counts.

    Attributes
    ----------
    activities : tuple of str
        As the log names them, or canonical ids, which stand for whatever the log calls them in any of the six
        languages.
    occurrence : {"first", "last"}
    """

    activities: tuple[str, ...]
    occurrence: Occurrence = "first"

    @classmethod
    def of(cls, what: Milestone | str | Sequence[str]) -> Milestone:
        """Return a milestone of one activity, of any of several, or as it is.

        Raises
        ------
        ArgumentError
            There is no activity, or the occurrence is another one.

        Examples
        --------
        >>> Milestone.of("quote_issued")
        Milestone(activities=('quote_issued',), occurrence='first')
        """
        names = names_of(what.activities if isinstance(what, Milestone) else what, "a milestone")
        found = replace(what, activities=names) if isinstance(what, Milestone) else cls(names)
        if not names:
            raise ArgumentError(f"a milestone is one activity or several, got {what!r}")
        if found.occurrence not in ("first", "last"):
            raise ArgumentError(f"the occurrence is 'first' or 'last', got {found.occurrence!r}")
        return found


class Reached(NamedTuple):
    """When each case has a milestone.

    Attributes
    ----------
    firsts, lasts : ndarray of int64, shape (cases,)
        Microseconds since 1970-01-01 UTC; `NEVER` where it does not happen.
    counts : ndarray of int64, shape (cases,)
        How often it happens.
    """

    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]
    counts: NDArray[np.int64]

    def at(self, occurrence: Occurrence) -> NDArray[np.int64]:
        """Return the instants of an occurrence."""
        return self.firsts if occurrence == "first" else self.lasts


def given_activities(log: EventLog, names: object, what: str) -> tuple[str, ...]:
    """Return the activities that a caller names; canonical ones need not be in the log.

    Raises
    ------
    SchemaError
        An activity is neither in the log nor a canonical one.
    ArgumentError
        They are no names.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["Pause"], "time": ["2024-01-01"]}))
    >>> given_activities(log, ["Pause", "quote_accepted"], "way")
    ('Pause', 'quote_accepted')
    """
    found = names_of(names, what)
    canonical = activity_ids()
    wanted_activities(log, [name for name in found if name not in canonical])
    return found


def wanted_activities(
    log: EventLog, names: str | Iterable[str], *, missing: bool = False
) -> NDArray[np.bool_]:
    """Return which activities of a log are meant, shape (activities,).

    Parameters
    ----------
    log : EventLog
    names : str or sequence of str
        See `Milestone`.
    missing : bool
        Whether names that the log does not have are no error: a ready set names more than any log has.

    Raises
    ------
    SchemaError
        The log has no activity that is called or means so.
    ArgumentError
        These are no texts.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 2, "activity": ["Angebot angenommen", "Pause"],
    ...                            "time": ["2024-01-01"] * 2}))
    >>> wanted_activities(log, ["quote_accepted"]).tolist()
    [True, False]
    """
    texts = log.activities.to_pylist()
    place = {text: code for code, text in enumerate(texts)}
    wanted = np.zeros(len(texts), dtype=np.bool_)
    meanings = _meanings(log, texts)
    for name in names_of(names, "activities"):
        codes = [place[name]] if name in place else [c for c, meant in enumerate(meanings) if meant == name]
        if not codes and not missing and name not in log.known_activities.to_pylist():
            known = [*texts, *filter(None, meanings)]
            raise SchemaError(f"there is no activity {name!r}", file=log.origin.source.label,
                              hint=nearest(known, name, "activities"))  # fmt: skip
        wanted[codes] = True
    return wanted


def _meanings(log: EventLog, texts: Sequence[str]) -> list[str | None]:
    """Return the canonical id of each activity; kept with the log, which never changes."""
    known: list[str | None] | None = log.__dict__.get("_meanings")
    if known is None:
        known = [activity_of_label(text).activity for text in texts]
        log.__dict__["_meanings"] = known
    return known


def reached(
    log: EventLog, names: str | Iterable[str], *, missing: bool = False, threads: int | None = None
) -> Reached:
    """Return when cases have any of some activities; see `wanted_activities`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "a", "b"],
    ...                            "time": ["1970-01-01", "1970-01-02", "1970-01-01"]}))
    >>> found = reached(log, ["a"])
    >>> int(found.lasts[0]), found.counts.tolist(), bool(found.firsts[1] == NEVER)
    (86400000000, [2, 0], True)
    """
    from dealtrace_engine.kernels.milestones import first_and_last

    wanted = wanted_activities(log, names, missing=missing)
    found = Reached(np.full(log.cases, NEVER), np.full(log.cases, NEVER), np.zeros(log.cases, dtype=np.int64))
    map_blocks(
        lambda block: first_and_last(
            log.activity_codes, log.timestamps, log.case_offsets, *block, wanted, *found
        ),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    return found
