"""The pass of a rule pack over the traces of a log, then over blocks of its cases."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.parallel import Progress, map_blocks

TRACES = 1 << 12
"""So many traces are judged by a task."""
TILE = 64
"""So many traces are judged by one rule after the other: what is noted of them stays in the cache."""
CASES = 1 << 10
"""So many cases are looked at by one rule after the other, to see which are suspects."""
PIECES = 64
"""So many pieces of violations are put in their place by a task."""
EVENTS = 1 << 20
"""The cases with so many events, or one that has more, are checked by one rule after the other."""


class Ranked(NamedTuple):
    """A column of events whose values have an order.

    Attributes
    ----------
    codes : ndarray of uint32, shape (events,)
    validity : ndarray of uint8
        Bits that say which events have a code; none where all have.
    offset : int
        The first bit.
    ranks : ndarray of int16, shape (codes + 1,)
        The place of each code in the order, -1 where it has none; at the end that of an event without a code.
    """

    codes: NDArray[np.uint32]
    validity: NDArray[np.uint8]
    offset: int
    ranks: NDArray[np.int16]


class Room(NamedTuple):
    """Where the kernels write what they find in a block of cases.

    Attributes
    ----------
    suspects : ndarray of int64, shape (rules, more than cases)
    rows : ndarray of int64, shape (5, n)
        Violations: a rule has at most two an event, and one a case.
    """

    suspects: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RulePass:
    """What the kernels need to check blocks of cases.

    Attributes
    ----------
    activities, timestamps, case_offsets : ndarray
        Of the log.
    arrays : mapping of str to ndarray
        As `Program.arrays` makes them.
    ranked : sequence of Ranked
        The columns whose values have an order.
    now : int
        Microseconds since 1970-01-01 UTC.
    groups : ndarray of int32, shape (cases,)
    count : int
        How many groups there are.
    numbers : ndarray of uint32, shape (cases,)
        Which trace each case has; where rules have conditions on events, each case is its own.
    firsts : ndarray of integers, shape (traces,)
        The first case with each, which rise.
    """

    activities: NDArray[Any]
    timestamps: NDArray[np.int64]
    case_offsets: NDArray[np.int64]
    arrays: Mapping[str, NDArray[Any]]
    ranked: Sequence[Ranked]
    now: int
    groups: NDArray[np.int32]
    count: int
    numbers: NDArray[np.uint32]
    firsts: NDArray[Any]
    this_thread: threading.local = field(default_factory=threading.local, repr=False)

    def check(
        self, blocks: Sequence[tuple[int, int]], threads: int | None = None, progress: Progress | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return to how many cases each rule applies, (groups, rules), and the violations, shape (5, n).

        These are in order, and consist of rule, case, event, other event, delay.
        """
        from dealtrace_engine.kernels.rule_suspects import note_plain

        rules = len(self.arrays["rules"])
        self.judge(threads)
        applicable = np.zeros((self.count, rules), dtype=np.int64)
        counts = np.bincount(self.numbers, minlength=len(self.firsts)) if len(self.plain) else self.plain
        note_plain(self.judged, self.plain, counts, applicable, self.bits, self.whole)
        parts = map_blocks(self._block, blocks, threads=threads, progress=progress)
        for part, _ in parts:
            applicable += part
        found = [rows for rule in range(rules) for _, own in parts for rows in own[rule]]
        ends = np.cumsum([0, *(rows.shape[1] for rows in found)]).tolist()
        joined = np.empty((5, ends[-1]), dtype=np.int64)

        def put(first: int) -> None:
            for place, rows in enumerate(found[first : first + PIECES], first):
                joined[:, ends[place] : ends[place + 1]] = rows

        map_blocks(put, range(0, len(found), PIECES), threads=threads)
        return applicable, joined

    def judge(self, threads: int | None = None) -> None:
        """See what the traces alone tell, and note it in `judged` and `spots`."""
        given, traces = self.arrays, len(self.firsts)
        symbols, rows, judged, spots = self.symbols, self.rows, self.judged, self.spots  # made once, here

        def judge(first: int) -> None:
            from dealtrace_engine.kernels.rules import judge_traces

            tally = np.empty((2, rows, TILE), dtype=np.int32)
            states = np.empty(TILE, dtype=np.int32)
            judge_traces(
                self.activities, self.case_offsets, self.firsts, first, min(first + TRACES, traces),
                *symbols, given["member"], given["condition_of"], given["marks"], given["rules"], tally,
                states, judged, spots,
            )  # fmt: skip

        map_blocks(judge, range(0, traces, TRACES), threads=threads)

    def _block(self, block: tuple[int, int]) -> tuple[NDArray[np.int64], list[list[NDArray[np.int64]]]]:
        """Return to how many cases of a block each rule applies, and by rule the violations, in pieces."""
        from dealtrace_engine.kernels.rule_suspects import find_suspects, plain_suspects

        (first, last), given, offsets = block, self.arrays, self.case_offsets
        rules = len(given["rules"])
        applicable = np.zeros((self.count, rules), dtype=np.int64)
        found: list[list[NDArray[np.int64]]] = [[] for _ in range(rules)]
        known, timed = np.empty(CASES, dtype=np.uint8), np.empty(CASES, dtype=np.int64)
        while first < last:
            end = int(np.searchsorted(offsets, offsets[first] + EVENTS, side="right")) - 1
            end = min(max(end, first + 1), last)
            most = 2 * int(offsets[end] - offsets[first]) + end - first
            room, filled = self._room(most, end - first), np.zeros(rules, dtype=np.int64)
            find_suspects(
                self.timestamps, offsets, first, end, self.numbers, self.judged, self.spots, given["rules"],
                given["scopes"], given["deadlines"], self.now, self.groups, self.is_plain, known, timed,
                applicable, room.suspects, filled,
            )  # fmt: skip
            plain_suspects(self.plain, self.numbers, self.bits, first, end, room.suspects, filled)
            for rule in self.plain[self.whole].tolist():
                filled[rule] = end - first
                room.suspects[rule, : end - first] = np.arange(first, end)
            self._violations(room, filled, most, applicable, found)
            first = end
        return applicable, found

    def _violations(
        self, room: Room, filled: NDArray[np.int64], most: int, applicable: NDArray[np.int64],
        found: list[list[NDArray[np.int64]]],
    ) -> None:  # fmt: skip
        """Add the violations by the suspects of each rule, at most so many, to those that were found."""
        from dealtrace_engine.kernels.rule_walks import write_violations

        given, rule, rules = self.arrays, 0, len(self.arrays["rules"])
        ends = np.zeros(rules, dtype=np.int64)
        while rule < rules:
            start, rule = rule, write_violations(
                self.activities, self.timestamps, self.case_offsets, self.numbers, given["member"],
                given["condition_of"], given["marks"], given["rules"], self.spots, given["deadlines"],
                self.now, rule, room.suspects, filled, most, room.rows, ends,
            )  # fmt: skip
            begin = 0
            for own, end in enumerate(ends[start:rule].tolist(), start):
                if end > begin:
                    found[own].append(self._in_order(own, room.rows[:, begin:end]))
                begin = end
        for rule in self.asking:
            if filled[rule]:
                suspects = room.suspects[rule, : filled[rule]]
                found[rule].append(self._asked_of(rule, suspects, applicable, room.rows))

    def _in_order(self, rule: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a copy of violations, by case and event."""
        from dealtrace_engine.kernels import rules as kernels

        template = self.arrays["rules"][rule, kernels.TEMPLATE]
        if kernels.SUCCESSION <= template <= kernels.CHAIN_SUCCESSION:
            return rows.take(np.argsort(rows[2], kind="stable"), axis=1)  # they are nearly in order
        return rows.copy()

    def _room(self, most: int, cases: int) -> Room:
        """Return room for so many violations of a rule and cases, the same for each block of a thread.

        Memory that is taken anew costs more than what is written to it.
        """
        room: Room | None = getattr(self.this_thread, "room", None)
        if room is None or room.suspects.shape[1] <= cases or room.rows.shape[1] < most:
            shapes = (len(self.arrays["rules"]), cases + cases // 8 + 1), (5, most + most // 4)
            room = self.this_thread.room = Room(*(np.empty(shape, dtype=np.int64) for shape in shapes))
        return room

    @cached_property
    def judged(self) -> NDArray[np.uint8]:
        """What is known of each rule in the cases of each trace."""
        return np.zeros((len(self.arrays["rules"]), len(self.firsts)), dtype=np.uint8)

    @cached_property
    def spots(self) -> NDArray[np.int32]:
        """Which events of suspects to look at; of rules without suspects, it takes up no memory."""
        return np.empty((len(self.arrays["rules"]), len(self.firsts), 2), dtype=np.int32)

    @cached_property
    def plain(self) -> NDArray[np.int64]:
        """Rules that traces alone decide, if there is one group: at most as many as a number has bits."""
        from dealtrace_engine.kernels import rules as kernels

        rules = self.arrays["rules"]
        decided = (rules[:, kernels.SCOPE] < 0) & (rules[:, kernels.TEMPLATE] != kernels.CONDITION)
        decided &= (self.judged & kernels.TIMED == 0).all(axis=1)
        return np.flatnonzero(decided & (self.count == 1))[:64]

    @cached_property
    def is_plain(self) -> NDArray[np.bool_]:
        """Whether each rule is plain."""
        return np.isin(np.arange(len(self.arrays["rules"])), self.plain)

    @cached_property
    def bits(self) -> NDArray[np.uint64]:
        """Which of the plain rules suspect the cases of each trace, a bit for each."""
        return np.zeros(len(self.firsts), dtype=np.uint64)

    @cached_property
    def whole(self) -> NDArray[np.bool_]:
        """Which of the plain rules suspect the cases of every trace."""
        return np.zeros(len(self.plain), dtype=np.bool_)

    @cached_property
    def symbols(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where the kernel notes each activity, what symbols consist of, and those with conditions."""
        member, conditions = self.arrays["member"], self.arrays["condition_of"]
        rows, parts = np.full(member.shape[1], -1, dtype=np.int64), []
        count, unmarked = len(member), np.flatnonzero(conditions < 0)
        for symbol in sorted(unmarked.tolist(), key=lambda symbol: int(member[symbol].sum())):
            codes = np.flatnonzero(member[symbol])
            if len(codes) == 1 and rows[codes[0]] < 0:
                rows[codes[0]] = symbol
                continue
            new = codes[rows[codes] < 0]
            rows[new] = np.arange(count, count + len(new))
            count += len(new)
            parts += [(symbol, row) for row in rows[codes].tolist()]
        rows[rows < 0] = count
        codes, places = np.nonzero((member & (conditions >= 0)[:, None]).T)
        offsets = np.searchsorted(codes, np.arange(member.shape[1] + 1))
        return rows, np.array(parts, dtype=np.int64).reshape(-1, 2), offsets.astype(np.int64), places

    @cached_property
    def rows(self) -> int:
        """How many rows the kernel notes events in."""
        return int(max(self.symbols[0].max(initial=0), len(self.arrays["member"]))) + 1

    @cached_property
    def asked(self) -> NDArray[np.int64]:
        """What rules on people and values ask, as their kernels take it."""
        from dealtrace_engine.kernels import rules as kernels

        rules = self.arrays["rules"]
        kinds = rules[:, kernels.TEMPLATE] == kernels.FOUR_EYES
        columns = (rules[:, kernels.A], rules[:, kernels.B], rules[:, kernels.COLUMN], kinds)
        return np.stack(columns, axis=1).astype(np.int64)

    @cached_property
    def people(self) -> int:
        """How many people there are."""
        return int(self.arrays["people"].max(initial=-1)) + 1

    @cached_property
    def asking(self) -> list[int]:
        """Rules on people and values."""
        from dealtrace_engine.kernels import rule_walks as kernels

        kinds = kernels.KINDS[self.arrays["rules"][:, kernels.TEMPLATE]]
        return np.flatnonzero(np.isin(kinds, (kernels.PEOPLE, kernels.VALUES, kernels.SKIPS))).tolist()

    def _asked_of(
        self, rule: int, suspects: NDArray[np.int64], applicable: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the violations of a rule on people or values by some cases; `rows` has room for them."""
        from dealtrace_engine.kernels import rule_values
        from dealtrace_engine.kernels import rule_walks as kernels

        given, reached = self.arrays, np.zeros(1, dtype=np.int64)
        symbols = (given["member"], given["condition_of"], given["marks"])
        asking = (self.activities, self.case_offsets, *symbols, self.asked)
        kind = kernels.KINDS[given["rules"][rule, kernels.TEMPLATE]]
        if kind == kernels.PEOPLE:
            seen = np.full((2, self.people), -1, dtype=np.int64)
            rule_values.people_of(
                *asking, given["people"], self.groups, seen, rule, suspects, applicable, rows, reached
            )
        elif kind == kernels.VALUES:
            values = given["values"]
            rule_values.values_of(*asking, values, self.groups, rule, suspects, applicable, rows, reached)
        else:
            column = self.ranked[given["rules"][rule, kernels.COLUMN]]
            rule_values.skips_of(
                *asking, column.codes, column.validity, column.offset, column.ranks, self.groups, rule,
                suspects, applicable, rows, reached,
            )  # fmt: skip
        return rows[:, : reached[0]].copy()
