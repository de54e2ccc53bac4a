"""The deterministic automaton of a pattern: sets of positions as states, merged where they do the same.

References
----------
Rabin, M. O.; Scott, D. (1959). Finite automata and their decision problems. IBM Journal 3(2), 114-125.
Moore, E. F. (1956). Gedanken-experiments on sequential machines. Automata Studies, 129-153.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ParseError
from dealtrace_engine.patterns.covering import covers, without_covered
from dealtrace_engine.patterns.expression import Expression, written
from dealtrace_engine.patterns.positions import (
    AT_END,
    AT_START,
    EMPTY_CASE,
    INSIDE,
    Positions,
    members,
    name_classes,
)

MOST_STATES = 10_000
MOST_WORK = 4_000_000
"""Unions and intersections of sets while building; some seconds at worst."""
MOST_MERGING = 2_000_000
"""Table cells looked at to merge states; above that they stay apart, which is as right."""

HERE, AT_LAST = 1, 2
"""Flags of a state: there is a match up to here; there is one if the case ends here."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """A complete deterministic automaton over classes of activities.

    Attributes
    ----------
    table : ndarray of int32, shape (states, classes)
        The next state.
    flags : ndarray of uint8, shape (states,)
        `HERE` and `AT_LAST`.
    start : int
        The state before the first event of a case.
    inside : int
        The state before any other event, where reading begins there.
    settled : int
        From this state on, states are never left and what follows changes nothing.
    """

    table: NDArray[np.int32]
    flags: NDArray[np.uint8]
    start: int
    inside: int
    settled: int


def automaton(expression: Expression, *, anywhere: bool, once: bool) -> Automaton:
    """Return the automaton of an expression.

    Parameters
    ----------
    expression : Expression
    anywhere : bool
        A match may begin before any event, not only where reading begins.
    once : bool
        Nothing matters after the first match: a state with `HERE` is never left.

    Returns
    -------
    Automaton

    Raises
    ------
    ParseError
        It would need too many states.
    """
    made = _merged(_Subsets(expression, anywhere=anywhere, once=once).automaton())
    stays = (made.table == np.arange(len(made.table))[:, None]).all(axis=1)
    settled = stays if once else stays & (made.flags == 0)
    order = np.argsort(settled, kind="stable")
    return _renumbered(made, np.argsort(order), order, len(order) - int(settled.sum()))


class _Subsets:
    """States are told apart by the positions that may read the next event, and by their flags."""

    def __init__(self, expression: Expression, *, anywhere: bool, once: bool) -> None:
        self.expression, self.anywhere, self.once = expression, anywhere, once
        self.positions = Positions(expression)
        self.readers = _readers(expression, self.positions)
        self.covered_by = covers(self.positions, self.readers)
        self.states: list[tuple[int, int]] = []
        self.numbers: dict[tuple[int, int], int] = {}
        self.after: dict[int, int] = {}
        self.work = 0

    def automaton(self) -> Automaton:
        whole = self.positions.whole
        start = self._number(whole.first_at_start, _flags(whole.empty & AT_START, whole.empty & EMPTY_CASE))
        inside = self._number(whole.first, _flags(whole.empty & INSIDE, whole.empty & AT_END))
        rows: list[list[int]] = []
        for reach, flags in self.states:  # it grows meanwhile
            if self._is_final(flags):
                rows.append([len(rows)] * len(self.readers))
            else:
                rows.append([self._next(reach & reader) for reader in self.readers])
            self._spend(len(self.readers))
        signs = np.array([flags for _, flags in self.states], np.uint8)
        return Automaton(np.array(rows, np.int32), signs, start, inside, len(rows))

    def _is_final(self, flags: int) -> bool:
        return self.once and bool(flags & HERE)

    def _next(self, read: int) -> int:
        """Return the state after an event that these positions have read."""
        if read not in self.after:
            whole = self.positions.whole
            empty, reach = (whole.empty, whole.first) if self.anywhere else (0, 0)
            for position in members(read):
                reach |= self.positions.follow[position]
            self._spend(read.bit_count() + reach.bit_count())
            here, at_end = read & whole.last | empty & INSIDE, read & whole.last_at_end | empty & AT_END
            self.after[read] = self._number(reach, _flags(here, at_end))
        return self.after[read]

    def _number(self, reach: int, flags: int) -> int:
        key = (0 if self._is_final(flags) else without_covered(reach, self.covered_by), flags)
        if key not in self.numbers:
            self.numbers[key] = len(self.states)
            self.states.append(key)
            if len(self.states) > MOST_STATES:
                raise self._too_large(f"more than {MOST_STATES:,} states")
        return self.numbers[key]

    def _spend(self, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise self._too_large(f"more than {MOST_WORK:,} set operations to build")

    def _too_large(self, need: str) -> ParseError:
        return ParseError(
            f"the automaton of the pattern would need {need}",
            value=written(self.expression),
            hint="anchor it with ^, or repeat steps that allow the same activities less often",
        )


def _flags(here: int, at_end: int) -> int:
    return (HERE if here else 0) | (AT_LAST if at_end else 0)


def _readers(expression: Expression, positions: Positions) -> list[int]:
    """Return the positions that read each class of activities."""
    class_of = name_classes(expression)
    classes = range(max(class_of.values(), default=0) + 1)
    readers = [0 for _ in classes]
    for step, bits in positions.of_step.items():
        named = {class_of[name] for name in step.names}
        for number in set(classes) - named if step.negated else named:
            readers[number] |= bits
    return readers


def _merged(made: Automaton) -> Automaton:
    """Merge states that no sequence of events tells apart, unless there are too many to do so quickly."""
    _, group = np.unique(made.flags, return_inverse=True)
    for _ in range(MOST_MERGING // made.table.size + 1):
        signatures = np.column_stack((group, group[made.table]))
        _, firsts, finer = np.unique(signatures, axis=0, return_index=True, return_inverse=True)
        finer = finer.reshape(-1)
        if len(firsts) == group.max() + 1:
            return _renumbered(made, finer, firsts, len(firsts))
        group = finer
    return made


def _renumbered(
    made: Automaton, number: NDArray[np.int64], kept: NDArray[np.int64], settled: int
) -> Automaton:
    """Give each state its new number and keep one old state for each of them."""
    table = number[made.table[kept]].astype(np.int32)
    start, inside = int(number[made.start]), int(number[made.inside])
    return Automaton(table, made.flags[kept], start, inside, settled)
