"""The pass of a rule pack over blocks of cases, and the closer look at suspects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUSPECTS = 1 << 17
"""So many suspects are kept before they are looked at."""
ROWS = 1 << 18
"""For so many violations there is room, or for those of one case."""
Part = tuple[NDArray[np.int64], list[NDArray[np.int64]]]


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
        """Return to how many cases of a block each rule applies, (groups, rules), and the violations."""
        from dealtrace_engine.kernels.rules import check_cases

        (first, last), given = block, self.arrays
        rules = len(given["rules"])
        applicable = np.zeros((self.count, rules), dtype=np.int64)
        suspects = np.empty((max(SUSPECTS, rules), 2), dtype=np.int64)
        tally = np.zeros((3, len(given["member"])), dtype=np.int64)
        reached = np.zeros(2, dtype=np.int64)
        found: list[NDArray[np.int64]] = []
        while first < last:
            check_cases(
                self.activities, self.timestamps, self.case_offsets, first, last, given["symbol_offsets"],
                given["symbols"], given["condition_of"], given["marks"], given["rules"], given["scopes"],
                given["deadlines"], self.now, self.groups, tally, applicable, suspects, reached,
            )  # fmt: skip
            first = int(reached[0])
            for kind, chosen in self._by_kind(suspects[: reached[1]]):
                pieces = self._pieces(chosen)
                found += [self._looked_at(kind, piece, applicable) for piece in pieces]
        return applicable, found

    def _by_kind(self, suspects: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield the suspects for each kernel; those of counts go to two."""
        from dealtrace_engine.kernels import rules as kernels

        k = kernels
        each = (k.COUNT, k.RESPONDED_EXISTENCE, k.CO_EXISTENCE, k.NOT_SUCCESSION, k.NOT_CHAIN_SUCCESSION)
        single = (k.COUNT, k.INIT, k.END, k.NOT_CO_EXISTENCE, k.EXCLUSIVE_CHOICE, k.CHOICE, k.ON_TIME,
                  k.NOT_OVERDUE, k.CONDITION)  # fmt: skip
        kinds: dict[str, tuple[int, ...]] = {
            "single_events": single, "each_event": each, "people_of": (k.FOUR_EYES, k.SAME_PERSON),
            "unanswered": tuple(range(k.RESPONSE, k.CHAIN_SUCCESSION + 1)),
            "values_of": (k.NEVER_FALLS, k.NO_SKIP),
        }  # fmt: skip
        templates = self.arrays["rules"][:, k.TEMPLATE]
        rules = np.ascontiguousarray(suspects[:, 0])
        for kind, own in kinds.items():
            chosen = suspects.take(np.flatnonzero(np.isin(templates, own).take(rules)), axis=0)
            if len(chosen):
                yield kind, chosen

    def _pieces(self, suspects: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield the suspects in pieces whose violations, at most two an event, fit into `ROWS`."""
        cases = suspects[:, 1]
        most = np.cumsum(2 * (self.case_offsets[cases + 1] - self.case_offsets[cases]) + 1)
        first = 0
        while first < len(suspects):
            before = int(most[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(most, before + ROWS, side="right")))
            yield suspects[first:last]
            first = last

    def _looked_at(
        self, kind: str, suspects: NDArray[np.int64], applicable: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        from dealtrace_engine.kernels import rules as kernels

        given, reached = self.arrays, np.zeros(1, dtype=np.int64)
        cases = suspects[:, 1]
        most = int((2 * (self.case_offsets[cases + 1] - self.case_offsets[cases]) + 1).sum())
        rows = np.empty((most, 5), dtype=np.int64)
        symbols = (given["member"], given["condition_of"], given["marks"], given["rules"])
        timed = (self.activities, self.timestamps, self.case_offsets, *symbols)
        plain = (self.activities, self.case_offsets, *symbols)
        if kind == "single_events":
            kernels.single_events(*timed, given["deadlines"], self.now, suspects, rows, reached)
        elif kind == "each_event":
            kernels.each_event(*plain, suspects, rows, reached)
        elif kind == "unanswered":
            kernels.unanswered(*timed, self.now, suspects, rows, reached)
        elif kind == "people_of":
            seen = np.full((2, int(given["people"].max(initial=-1)) + 1), -1, dtype=np.int64)
            kernels.people_of(*plain, given["people"], self.groups, seen, suspects, applicable, rows, reached)
        else:
            kernels.values_of(*plain, given["values"], self.groups, suspects, applicable, rows, reached)
        return rows[: reached[0]].copy()
