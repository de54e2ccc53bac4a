"""Rules for a log, as the arrays that the kernel takes; and which of them the log cannot answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from unicodedata import normalize

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.analyses.rule_deadlines import deadlines
from dealtrace_engine.analyses.rule_pass import Ranked
from dealtrace_engine.attributes import Attribute, is_number, plain_type
from dealtrace_engine.buffers import arrow, read_only, view
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import duration_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.rule_conditions import expression_of
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import close_to
from dealtrace_engine.sources.meanings import activity_of_label

DAY_US = 86_400_000_000
MOST_LABELS = 2_000
"""Among so many activities those are looked for that a rule may mean."""
Column = NDArray[Any] | Ranked


@dataclass
class Program:
    """What the kernel is to check.

    Attributes
    ----------
    log : EventLog
    rules : Rules
    applied : list of int
        Places in `rules` of those that the log can answer.
    reasons : dict of int to str
        The others, and why not.
    ranked : list of Ranked
        Columns whose values have an order that a rule asks for.
    """

    log: EventLog
    rules: Rules
    threads: int | None = None
    applied: list[int] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    ranked: list[Ranked] = field(default_factory=list)
    _rows: list[dict[str, int]] = field(default_factory=list)
    _symbols: dict[tuple[bytes, int], int] = field(default_factory=dict)
    _wanted: dict[tuple[str, ...], NDArray[np.bool_]] = field(default_factory=dict)
    _asked: dict[tuple[str, str], tuple[int, Callable[[], Column]]] = field(default_factory=dict)
    _places: list[int] = field(default_factory=list)
    _arrays: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    _unread: dict[str, Finding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = self.log.known_activities.to_pylist()
        self._labels = labels[:MOST_LABELS]
        self._spelled: dict[str, list[str]] = {}
        for text in labels:
            self._spelled.setdefault(normalize("NFC", text), []).append(text)
        self._known = {*self._spelled, *(activity_of_label(text).activity or "" for text in labels)}
        rows: dict[int, dict[str, int]] = {}
        for place, rule in enumerate(self.rules):
            try:
                rows[place] = self._row(rule)
            except (SchemaError, LogError) as error:
                self.reasons[place] = error.what
        made = map_blocks(_made, [make for _, make in self._asked.values()], threads=self.threads)
        for (kind, _), column in zip(self._asked, made, strict=True):
            arrays = self._arrays.setdefault(kind, [])
            if isinstance(column, str):
                self._places.append(-1)
            elif isinstance(column, Ranked):
                self._places.append(len(self.ranked))
                self.ranked.append(column)
            else:
                self._places.append(len(arrays))
                arrays.append(column)
        for place, row in rows.items():
            asked = [row["COLUMN"], row["SCOPE"], row.pop("MARK")]
            reason = next((made[one] for one in asked if one >= 0 and isinstance(made[one], str)), None)
            if isinstance(reason, str):
                self.reasons[place] = reason
                continue
            self._rows.append(row | {name: self._place(row[name]) for name in ("COLUMN", "SCOPE")})
            self.applied.append(place)

    def _row(self, rule: Rule) -> dict[str, int]:
        """Return the columns of a rule by their names in the kernel; `_place` says where arrays are."""
        row = dict.fromkeys(("GIVEN", "SCOPE", "A", "B", "HIGH", "MOST", "COLUMN"), -1)
        row["LAST"] = int(rule.occurrence == "last")
        low, high = rule.bounds
        row["LOW"], row["HIGH"] = low, -1 if high is None else high
        least, most = rule.limits_us if rule.other else (0, None)
        row["LEAST"], row["MOST"] = least, -1 if most is None else most
        activity, other, given = (self.activities(n) for n in (rule.activity, rule.other, rule.given))
        row["COLUMN"] = self._column(rule)
        condition = -1
        if rule.when is not None:
            expression = self.expression(rule.when)
            if expression.level == "case":
                row["SCOPE"] = self._array("scopes", rule.when, lambda: self._mask(expression))
            else:
                condition = self._array("marks", rule.when, lambda: self._mask(expression))
        if activity is None and condition >= 0:
            activity = np.ones(len(self.log.activities), dtype=np.bool_)
        other_asks = rule.kind.activation == "other"
        if activity is not None:  # else every event counts
            row["A"] = self._symbol(activity, -1 if other_asks else condition)
        if other is not None:
            row["B"] = self._symbol(other, condition if other_asks else -1)
        if given is not None:
            row["GIVEN"] = self._symbol(given, -1)
        return row | {"MARK": condition}

    def activities(self, names: tuple[str, ...]) -> NDArray[np.bool_] | None:
        """Return which activities of the log a rule means by these names; None where it names none.

        Raises
        ------
        LogError
            The log has none of them.
        """
        if not names:
            return None
        if names not in self._wanted:
            self._wanted[names] = self.meant(names)
        if not self._wanted[names].any() and not self._known & {normalize("NFC", name) for name in names}:
            near = dict.fromkeys(near for name in names for near in _near(tuple(self._labels), name))
            hint = f"; nearest: {', '.join(map(repr, near))}" if near else ""
            raise LogError(f"the log has no activity {' or '.join(map(repr, names))}{hint}")
        return self._wanted[names]

    def about(self, rule: Rule) -> list[str]:
        """Return which activities a rule asks for or forbids: its own, or those of its order or attribute."""
        if rule.activity or not (rule.order or rule.attribute):
            return [*rule.activity]
        if not rule.attribute:
            return [name.strip() for step in rule.order for name in step.split("|")]
        known = _per_event(self.log, self.log.attribute(self._named(rule.attribute))).is_valid()
        codes = np.unique(self.log.activity_codes[np.asarray(known)])
        return [self.log.activities[code].as_py() for code in codes.tolist()]

    def meant(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return which activities are meant, however their accents are encoded."""
        spelled = [one for name in names for one in self._spelled.get(normalize("NFC", name), [name])]
        return wanted_activities(self.log, spelled, missing=True)

    def _symbol(self, wanted: NDArray[np.bool_], condition: int) -> int:
        return self._symbols.setdefault((wanted.tobytes(), condition), len(self._symbols))

    def expression(self, node: Mapping[str, Any]) -> Expression:
        """Return a condition with the columns of the log in the place of the names that the pack uses."""
        return expression_of(self._in_columns(node))

    def _in_columns(self, node: Any) -> Any:
        if isinstance(node, Mapping):
            return {
                key: self._named(value) if key == "column" else self._in_columns(value)
                for key, value in node.items()
            }
        return [self._in_columns(part) for part in node] if isinstance(node, list) else node

    def _named(self, name: str) -> str:
        names = self.rules.columns.get(name, (name,))
        return next((one for one in names if one in self.log.attribute_names), names[0])

    def _mask(self, expression: Expression) -> NDArray[np.bool_]:
        return expression.mask(self.log, self.threads)

    def _array(self, kind: str, key: object, make: Callable[[], Column]) -> int:
        """Ask for an array and return its number; rules that ask for the same share it."""
        asked = kind, json.dumps(key, sort_keys=True)
        return self._asked.setdefault(asked, (len(self._asked), make))[0]

    def _place(self, number: int) -> int:
        """Return the place of an array among those of its kind; -1 for none."""
        return self._places[number] if number >= 0 else -1

    def _column(self, rule: Rule) -> int:
        """Ask for the dates, people, numbers or truth values that a rule is about."""
        name = self._named(rule.attribute) if rule.attribute else ""
        kind = rule.kind.kind
        if kind in ("ON_TIME", "NOT_OVERDUE"):
            grace = duration_us(rule.grace) if rule.grace else 0
            return self._array("deadlines", [name, grace], lambda: self._deadlines(name, grace))
        if kind in ("FOUR_EYES", "SAME_PERSON"):
            return self._array("people", name, lambda: _people(self.log, name or "resource"))
        if kind == "NEVER_FALLS":
            return self._array("values", name, lambda: _numbers(self.log, name))
        if kind == "NO_SKIP":
            return self._array("ranks", [name, *rule.order], lambda: self._ranks(name, rule.order))
        if rule.must is not None:
            must = self.expression(rule.must)
            return self._array("scopes", rule.must, lambda: self._mask(must))
        return -1

    def _deadlines(self, name: str, grace: int) -> NDArray[np.int64]:
        limits, self._unread[name] = deadlines(self.log, name, grace)
        return limits

    @property
    def findings(self) -> list[Finding]:
        """What was noticed about dates."""
        return [finding for _, finding in sorted(self._unread.items()) if finding.count]

    def _ranks(self, name: str, order: Sequence[str]) -> Ranked:
        """Return the place in the order of each event's value, or activity; -1 where it has none."""
        if name:
            attribute = self.log.attribute(name)
            if attribute.level == "case":
                raise SchemaError(f"column {name!r} does not vary within cases")
            values = _encoded(attribute.values)
            texts = [str(value) for value in values.dictionary.to_pylist()]
            indices = values.indices
        else:
            texts, indices = self.log.activities.to_pylist(), arrow(self.log.activity_codes)
        ranks, rank = np.full(len(texts) + 1, -1, dtype=np.int16), 0
        for step in order:
            names = [name.strip() for name in step.split("|")]
            own = np.array([text in names for text in texts], dtype=np.bool_)
            if not name:
                own = self.meant(names)
            ranks[:-1][own] = rank
            rank += bool(own.any())
        if rank < 2:
            raise LogError(f"the log has fewer than two steps of the order {', '.join(map(repr, order))}")
        indices = indices if indices.type == pa.int32() else indices.cast(pa.int32())
        bits = np.frombuffer(indices.buffers()[0] or b"", dtype=np.uint8)
        return Ranked(read_only(view(indices).view(np.uint32)), bits, indices.offset, ranks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of the kernel's arguments."""
        from dealtrace_engine.kernels import rules as kernels

        activities, cases, events = len(self.log.activities), self.log.cases, self.log.events
        member = np.zeros((len(self._symbols), activities), dtype=np.bool_)
        condition_of = np.empty(len(self._symbols), dtype=np.int64)
        for (wanted, condition), place in self._symbols.items():
            member[place] = np.frombuffer(wanted, dtype=np.bool_)
            condition_of[place] = self._place(condition)
        table = np.full((len(self._rows), kernels.PROGRAM_COLUMNS), -1, dtype=np.int64)
        for number, (place, row) in enumerate(zip(self.applied, self._rows, strict=True)):
            table[number, kernels.TEMPLATE] = getattr(kernels, self.rules.rules[place].kind.kind)
            for name, value in row.items():
                table[number, getattr(kernels, name)] = value
        return {
            "member": member, "condition_of": condition_of,
            "marks": self._stacked("marks", events, np.bool_), "rules": table,
            "scopes": self._stacked("scopes", cases, np.bool_),
            "deadlines": self._stacked("deadlines", cases, np.int64),
            "people": self._stacked("people", events, np.int32),
            "values": self._stacked("values", events, np.float64),
        }  # fmt: skip

    def _stacked(self, kind: str, width: int, dtype: type[np.generic]) -> NDArray[Any]:
        arrays = self._arrays.get(kind, [])
        if len(arrays) == 1:  # not copied
            return np.ascontiguousarray(arrays[0], dtype=dtype).reshape(1, width)
        return np.array(arrays, dtype=dtype) if arrays else np.empty((0, width), dtype=dtype)


@lru_cache(maxsize=1024)
def _near(labels: tuple[str, ...], name: str) -> list[str]:
    return close_to(labels, name)


def _made(make: Callable[[], Column]) -> Column | str:
    """Return what a rule asks for, or why the log cannot tell it."""
    try:
        return make()
    except (SchemaError, LogError) as error:
        return error.what


def _encoded(values: pa.Array) -> pa.DictionaryArray:
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()


def _per_event(log: EventLog, attribute: Attribute) -> pa.Array:
    return attribute.per_event(log.case_offsets)


def _people(log: EventLog, name: str) -> NDArray[np.int32]:
    """Return who did each event, as codes; -1 where it is not known."""
    indices = _encoded(_per_event(log, log.attribute(name))).indices.cast(pa.int32())
    return view(indices.fill_null(-1) if indices.null_count else indices).astype(np.int32, copy=False)


def _numbers(log: EventLog, name: str) -> NDArray[np.float64]:
    attribute = log.attribute(name)
    kind = attribute.values.type
    if attribute.level == "case":
        raise SchemaError(f"column {name!r} does not vary within cases", column=name)
    if not is_number(kind):
        raise SchemaError(f"column {name!r} has no numbers but {plain_type(kind)}", column=name)
    return np.asarray(view(attribute.values.cast(pa.float64(), safe=False).fill_null(np.nan)))
