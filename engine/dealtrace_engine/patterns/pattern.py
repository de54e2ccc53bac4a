"""A pattern, ready to run over logs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks
from dealtrace_engine.patterns.automaton import automaton
from dealtrace_engine.patterns.expression import Expression, reversed_expression, written
from dealtrace_engine.patterns.parser import parse
from dealtrace_engine.patterns.positions import name_classes
from dealtrace_engine.schema import nearest

if TYPE_CHECKING:
    from dealtrace_ext.automata import Runner


@dataclass(frozen=True, repr=False)
class Pattern:
    """A regular expression over activities; made by `compile_pattern`.

    Two patterns are equal if they are written the same but for spaces, quotes and needless parentheses;
    ``str`` gives the text. The grammar is at the top of the package.

    Attributes
    ----------
    expression : Expression
    """

    expression: Expression

    def __str__(self) -> str:
        return written(self.expression)

    def __repr__(self) -> str:
        return f"compile_pattern({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_pattern, (str(self),)

    @property
    def activities(self) -> tuple[str, ...]:
        """The activities that it names, sorted."""
        return tuple(name_classes(self.expression))

    def matches(
        self,
        log: EventLog,
        *,
        threads: int | None = None,
        progress: Progress | None = None,
        allow_unknown: bool = False,
    ) -> NDArray[np.bool_]:
        """Return which cases match.

        Parameters
        ----------
        log : EventLog
        threads : int, optional
            All CPUs by default; the result does not depend on it.
        progress : callable (done, of) -> object, optional
            Returning False cancels.
        allow_unknown : bool
            Activities that the log does not have are no error; no event is one.

        Returns
        -------
        ndarray of bool, shape (cases,)
            In the order of the log.

        Raises
        ------
        SchemaError
            The pattern names an activity that the log does not have.
        """
        from dealtrace_ext.automata import match_sequences

        classes = self._classes(log, allow_unknown=allow_unknown)
        matched = np.empty(log.cases, dtype=np.uint8)
        map_blocks(
            lambda block: match_sequences(
                self._matcher, log.activity_codes, log.case_offsets, classes, *block, matched
            ),
            blocks(log.case_offsets), threads=threads, progress=progress,
        )  # fmt: skip
        return matched.view(np.bool_)

    def count(
        self,
        log: EventLog,
        *,
        threads: int | None = None,
        progress: Progress | None = None,
        allow_unknown: bool = False,
    ) -> int:
        """Return how many cases match; see `matches`.

        Parameters
        ----------
        log, threads, progress, allow_unknown
            As in `matches`.
        """
        found = self.matches(log, threads=threads, progress=progress, allow_unknown=allow_unknown)
        return int(np.count_nonzero(found))

    def find(
        self,
        log: EventLog,
        *,
        longest: bool = False,
        threads: int | None = None,
        progress: Progress | None = None,
        allow_unknown: bool = False,
    ) -> NDArray[np.int64]:
        """Return where each case matches first: the earliest start, and from there the first end.

        Parameters
        ----------
        log : EventLog
        longest : bool
            The last end from there instead of the first.
        threads, progress, allow_unknown
            As in `matches`.

        Returns
        -------
        ndarray of int64, shape (cases, 2)
            The first event of the match and the event after its last one, as positions in the log; equal
            where the match has no event; -1 and -1 where the case does not match.

        Raises
        ------
        SchemaError
            As in `matches`.
        ParseError
            Reading backwards, the pattern would need too many states.
        """
        from dealtrace_ext.automata import find_spans

        classes = self._classes(log, allow_unknown=allow_unknown)
        spans = np.empty((log.cases, 2), dtype=np.int64)
        backward, forward = self._finders
        map_blocks(
            lambda block: find_spans(
                backward, forward, log.activity_codes, log.case_offsets, classes, *block, longest, spans
            ),
            blocks(log.case_offsets), threads=threads, progress=progress,
        )  # fmt: skip
        return spans

    def _classes(self, log: EventLog, *, allow_unknown: bool) -> NDArray[np.uint16]:
        """Return the class of each activity code of a log."""
        class_of = name_classes(self.expression)
        texts = log.activities.to_pylist()
        unknown = sorted(class_of.keys() - set(texts))
        if unknown and not allow_unknown:
            raise SchemaError(
                f"there is no activity {unknown[0]!r}",
                file=log.origin.source.label,
                hint=nearest(texts, unknown[0], "activities"),
            )
        return np.array([class_of.get(text, 0) for text in texts], dtype=np.uint16)

    @cached_property
    def _matcher(self) -> Runner:
        return _runner(self.expression, anywhere=True, once=True)

    @cached_property
    def _finders(self) -> tuple[Runner, Runner]:
        backward = _runner(reversed_expression(self.expression), anywhere=True, once=False)
        return backward, _runner(self.expression, anywhere=False, once=False)


def _runner(expression: Expression, *, anywhere: bool, once: bool) -> Runner:
    from dealtrace_ext.automata import Runner

    made = automaton(expression, anywhere=anywhere, once=once)
    return Runner(made.table, made.flags, made.start, made.inside, made.settled)


def compile_pattern(text: str) -> Pattern:
    """Return a pattern, with its automaton built.

    Parameters
    ----------
    text : str
        At most 10,000 characters and 2,000 steps with repetitions written out; see the grammar at the top of
        the package.

    Returns
    -------
    Pattern

    Raises
    ------
    ParseError
        What is wrong and at which character, counted from 1; or the automaton would need too many states.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "1", "2"], "time": ["2024-01-01"] * 4,
    ...                            "activity": ["Issue", "Call", "Accept", "Issue"]}))
    >>> pattern = compile_pattern("Issue->...->Accept")
    >>> pattern.matches(log).tolist(), pattern.find(log).tolist()
    ([True, False], [[0, 3], [-1, -1]])
    >>> str(pattern)
    'Issue -> ... -> Accept'
    """
    pattern = Pattern(parse(text))
    _ = pattern._matcher
    return pattern
