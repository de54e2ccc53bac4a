"""The columns of an event log and the names by which they are recognised."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from dealtrace_engine.errors import ArgumentError, SchemaError


@dataclass(frozen=True)
class Column:
    """One column of the event log.

    Attributes
    ----------
    role : str
        Name inside dealtrace, and of the argument that names the source column.
    arrow_type : str
        Type in the tables that dealtrace returns.
    unit : str
        Unit or content.
    required : bool
        Whether every event has a value; rows without one are dropped and counted.
    xes : str
        Key in XES, recognised first.
    names : tuple of str
        The usual other names, compared without case, space, hyphen and underscore. Levels of priority: the
        XES key, the role itself, these names.
    meaning : str
        One sentence.
    """

    role: str
    arrow_type: str
    unit: str
    required: bool
    xes: str
    names: tuple[str, ...]
    meaning: str

    @property
    def recognised(self) -> bool:
        """Whether the column is found by name; the tie order is not, since CRMs call sales orders so."""
        return self.role != "order"


COLUMNS = (
    Column(
        "case_id", "string", "text", True, "case:concept:name",
        ("case", "case key", "case identifier", "trace id", "SalesOpportunity", "opportunity id", "key"),
        "The process instance that the event belongs to; never trimmed or folded.",
    ),
    Column(
        "activity", "string", "text", True, "concept:name",
        ("activity name", "event", "event name", "task"),
        "What happened.",
    ),
    Column(
        "timestamp", "timestamp[us, UTC]", "microseconds since 1970-01-01 UTC", True, "time:timestamp",
        ("time", "event time", "event timestamp", "end timestamp", "end time", "complete timestamp",
         "completion time", "datetime", "date"),
        "When it happened (when it ended, where a start is known); orders and measures.",
    ),
    Column(
        "start_timestamp", "timestamp[us, UTC]", "microseconds since 1970-01-01 UTC", False,
        "start_timestamp",
        ("start time", "start", "begin"),
        "When the activity started; never orders events.",
    ),
    Column(
        "order", "int64", "rank", False, "",
        (),
        "Never recognised, only given. Breaks ties between equal timestamps, before the row.",
    ),
    Column(
        "resource", "string", "text", False, "org:resource",
        ("user", "user name", "sales rep", "SalesRepresentative", "owner", "performer"),
        "Who did it.",
    ),
    Column(
        "lifecycle", "string", "text", False, "lifecycle:transition",
        ("lifecycle transition", "transition", "event type"),
        "Phase of the activity (schedule, start, complete); rows stay events of their own.",
    ),
)  # fmt: skip
BY_ROLE = {column.role: column for column in COLUMNS}
REQUIRED = tuple(column.role for column in COLUMNS if column.required)


@dataclass(frozen=True)
class Roles:
    """Which source column plays which role, and how it was chosen.

    Attributes
    ----------
    columns : dict of str to str
        Role to source column; roles without a column are absent.
    chosen : dict of str to str
        Role to ``"given"``, ``"XES key"`` or ``"recognised name"``.
    """

    columns: Mapping[str, str]
    chosen: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, role: str) -> str:
        return self.columns[role]

    def get(self, role: str) -> str | None:
        """Return the source column of `role`, or None."""
        return self.columns.get(role)

    def __contains__(self, role: str) -> bool:
        return role in self.columns


def recognise(names: Sequence[str], given: Mapping[str, str | None], *, file: object = None) -> Roles:
    """Choose the source column of every role: as given, else by XES key, else by usual name.

    Parameters
    ----------
    names : sequence of str
        The columns of the source.
    given : mapping of str to str or None
        Role to column named by the caller; None where it is to be recognised.
    file : optional
        The source, for messages.

    Raises
    ------
    SchemaError
        A column is duplicated, a named one missing, a required one not recognised, or two names
        of one level fit.

    Examples
    --------
    >>> recognise(["Key", "Activity", "timestamp"], {}).columns
    {'case_id': 'Key', 'activity': 'Activity', 'timestamp': 'timestamp'}
    """
    columns: dict[str, str] = {}
    chosen: dict[str, str] = {}
    taken = {name for name in given.values() if name is not None}
    for column in COLUMNS:
        name = given.get(column.role)
        how = "given"
        if name is None:
            name, how = _recognised(column, [n for n in names if n not in taken], file)
        elif name not in names:
            raise SchemaError(
                f"there is no column {name!r} for {column.role}", file=file, hint=nearest(names, name)
            )
        if name is not None:
            if names.count(name) > 1:
                raise SchemaError(
                    f"{names.count(name)} columns are called {name!r}", file=file, hint="rename one"
                )
            columns[column.role], chosen[column.role] = name, how
    return Roles(columns, chosen)


def _recognised(column: Column, names: Sequence[str], file: object) -> tuple[str | None, str]:
    levels = ((column.xes,), (column.role,), column.names) if column.recognised else ()
    for level, how in zip(levels, ("XES key", "recognised name", "recognised name"), strict=False):
        wanted = {_folded(name) for name in level}
        hits = [name for name in dict.fromkeys(names) if _folded(name) in wanted]
        if how == "XES key":
            hits = [name for name in hits if name == column.xes]
        if len(hits) == 1:
            return hits[0], how
        if hits and column.required:
            raise SchemaError(
                f"{' and '.join(map(repr, hits))} all look like the {column.role}", file=file,
                hint=f"say which with {column.role}=",
            )  # fmt: skip
    if column.required:
        raise SchemaError(
            f"no column looks like the {column.role}", file=file,
            hint=f"name it with {column.role}=; {nearest(names, column.role)}",
        )  # fmt: skip
    return None, ""


def _folded(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-:")


def names_of(given: object, what: str) -> tuple[str, ...]:
    """Return one name or several as a tuple.

    Raises
    ------
    ArgumentError
        They are no names.

    Examples
    --------
    >>> names_of("quote_issued", "until"), names_of(["a", "b"], "until")
    (('quote_issued',), ('a', 'b'))
    """
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    found = tuple(cast("Iterable[str]", given) if several else (cast(str, given),))
    if not all(isinstance(name, str) for name in found):
        raise ArgumentError(f"{what}: one name or several, not {given!r}")
    return found


def close_to(names: Iterable[str], wanted: str) -> list[str]:
    """Return up to three names that are near `wanted`, the nearest first.

    Examples
    --------
    >>> close_to(["Europe/Berlin", "Asia/Tokyo"], "europe/berln")
    ['Europe/Berlin']
    """
    folded = {name.casefold(): name for name in names}
    return [folded[hit] for hit in difflib.get_close_matches(wanted.casefold(), folded, n=3)]


def nearest(names: Sequence[str], wanted: str, what: str = "columns") -> str:
    """Say which names are near `wanted`, and which `what` there are."""
    near = close_to(names, wanted)
    nearest = f"nearest: {', '.join(map(repr, near))}; " if near else ""
    shown = ", ".join(map(repr, names[:30])) + (f", ... ({len(names)} in all)" if len(names) > 30 else "")
    return f"{nearest}{what} found: {shown or 'none'}"
