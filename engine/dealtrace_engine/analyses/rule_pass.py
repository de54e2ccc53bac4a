"""The pass of a rule pack over blocks of cases, and the closer look at suspects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUSPECTS = 1 << 17
"""So many suspects are kept before they are looked at."""
TILE = 64
"""So many cases are checked by one rule after the other: what is noted of them stays in the cache."""
KINDS = 5
"""Of kernels that look at suspects."""
ROWS = 1 << 18
"""For so many violations there is room, or for those of one case."""
Part = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class RulePass:
    """What the kernels need to check blocks of cases.

    Attributes
    ----------
    activities, timestamps, case_offsets : ndarray
        Of the log.
    arrays : mapping of str to ndarray
        As `Program.arrays` makes them.
    now : int
        Microseconds since 1970-01-01 UTC.
    groups : ndarray of int32, shape (cases,)
    count : int
        How many groups there are.
    """

    activities: NDArray[Any]
    timestamps: NDArray[np.int64]
    case_offsets: NDArray[np.int64]
    arrays: Mapping[str, NDArray[Any]]
    now: int
    groups: NDArray[np.int32]
    count: int

    def check(self, block: tuple[int, int]) -> Part:
        """Return to how many cases of a block each rule applies, (groups, rules), and the violations.

        These are in order, shape (n, 5): rule, case, event, other event, delay.
        """
        from dealtrace_engine.kernels.rules import check_cases

        (first, last), given = block, self.arrays
        rules = len(given["rules"])
        applicable = np.zeros((self.count, rules), dtype=np.int64)
        suspects = np.empty((KINDS, max(SUSPECTS, rules * TILE), 2), dtype=np.int64)
        tally = np.full((2, len(given["member"]) + 1, TILE), -1, dtype=np.int64)
        states = np.empty(TILE, dtype=np.int64)
        reached = np.zeros(1 + KINDS, dtype=np.int64)
        found: list[NDArray[np.int64]] = []
        while first < last:
            check_cases(
                self.activities, self.timestamps, self.case_offsets, first, last, *self.symbols,
                given["member"], given["condition_of"], given["marks"], given["rules"], given["scopes"],
                given["deadlines"], self.now, self.groups, tally, states, applicable, suspects, reached,
            )  # fmt: skip
            first = int(reached[0])
            for kind, count in enumerate(reached[1:].tolist()):
                pieces = self._pieces(suspects[kind, :count])
                found += [self._looked_at(kind, *piece, applicable) for piece in pieces]
        return applicable, self._ordered(found)

    def _ordered(self, found: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return violations by rule, case and event; what is missing at the end of a case comes first."""
        rows = np.concatenate([np.empty((0, 5), dtype=np.int64), *found])
        offsets = self.case_offsets  # events rise from case to case; ties stay as they are
        places = np.where(rows[:, 2] < 0, 2 * offsets[rows[:, 1]], 2 * rows[:, 2] + 1)
        order = np.argsort(rows[:, 0] * (2 * int(offsets[-1]) + 2) + places, kind="stable")
        return rows.take(order, axis=0)

    @cached_property
    def symbols(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Which symbol each activity alone is, and which others it stands for, as offsets and symbols."""
        member = self.arrays["member"]
        alone = (member.sum(axis=1) == 1) & (self.arrays["condition_of"] < 0)
        only = np.full(member.shape[1], len(member), dtype=np.int64)
        places, codes = np.nonzero(member & alone[:, None])
        only[codes] = places
        codes, symbols = np.nonzero((member & ~alone[:, None]).T)
        offsets = np.searchsorted(codes, np.arange(member.shape[1] + 1))
        return only, offsets.astype(np.int64), symbols.astype(np.int64)

    @cached_property
    def asked(self) -> NDArray[np.int64]:
        """What rules on people and values ask, as their kernels take it."""
        from dealtrace_engine.kernels import rules as kernels

        rules = self.arrays["rules"]
        kinds = np.isin(rules[:, kernels.TEMPLATE], (kernels.FOUR_EYES, kernels.NEVER_FALLS))
        columns = (rules[:, kernels.A], rules[:, kernels.B], rules[:, kernels.COLUMN], kinds)
        return np.stack(columns, axis=1).astype(np.int64)

    @cached_property
    def people(self) -> int:
        """How many people there are."""
        return int(self.arrays["people"].max(initial=-1)) + 1

    def _pieces(self, suspects: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Yield the suspects in pieces whose violations fit into `ROWS`, and how many there may be."""
        cases = suspects[:, 1]
        most = np.cumsum(2 * (self.case_offsets[cases + 1] - self.case_offsets[cases]) + 1)
        first = 0
        while first < len(suspects):
            before = int(most[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(most, before + ROWS, side="right")))
            yield suspects[first:last], int(most[last - 1]) - before  # at most two an event
            first = last

    def _looked_at(
        self, kind: int, suspects: NDArray[np.int64], most: int, applicable: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        from dealtrace_engine.kernels import rule_values
        from dealtrace_engine.kernels import rules as kernels

        given, reached = self.arrays, np.zeros(1, dtype=np.int64)
        rows = np.empty((most, 5), dtype=np.int64)
        symbols = (given["member"], given["condition_of"], given["marks"], given["rules"])
        timed = (self.activities, self.timestamps, self.case_offsets, *symbols)
        plain = (self.activities, self.case_offsets, *symbols)
        asking = (*plain[:-1], self.asked)
        if kind == kernels.SINGLE:
            kernels.single_events(*timed, given["deadlines"], self.now, suspects, rows, reached)
        elif kind == kernels.EACH:
            kernels.each_event(*plain, suspects, rows, reached)
        elif kind == kernels.ANSWERS:
            kernels.unanswered(*timed, self.now, suspects, rows, reached)
        elif kind == kernels.PEOPLE:
            seen = np.full((2, self.people), -1, dtype=np.int64)
            rule_values.people_of(
                *asking, given["people"], self.groups, seen, suspects, applicable, rows, reached
            )
        else:
            rule_values.values_of(*asking, given["values"], self.groups, suspects, applicable, rows, reached)
        return rows[: reached[0]].copy()
