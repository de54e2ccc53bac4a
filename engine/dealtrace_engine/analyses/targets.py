"""What is to be explained: a yes or no, or a number, per case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.decided import LOST_TEXTS, WON_TEXTS
from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.analyses.throughput import case_durations
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.attributes import plain_type
from dealtrace_engine.errors import ArgumentError, SchemaError, first_line
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import EventLog

Kind = Literal["yes/no", "number"]
THROUGHPUT = "throughput"
"""The target that is the days from the first to the last event of the case."""
RANKS = 1 << 16
"""Numbers are scored by their rank, from 0 to this: sums of squares of two million cases are exact."""
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Target:
    """A target per case.

    Attributes
    ----------
    name : str
        What it is called in sentences.
    kind : {"yes/no", "number"}
    values : ndarray of float64, shape (cases,)
        1 and 0, or the number; NaN where it is not known.
    columns : tuple of str
        Attributes it was made of, which cannot explain it.
    holds : str
        What is said in sentences of cases where it is a yes, such as ``"have outcome = Won"``.
    """

    name: str
    kind: Kind
    values: NDArray[np.float64]
    columns: tuple[str, ...] = ()
    holds: str = ""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where it is known, shape (cases,)."""
        return ~np.isnan(self.values)

    @property
    def scores(self) -> NDArray[np.int64]:
        """1 for yes and 0 for no, or the mean rank of the number from 0 to `RANKS`; -1 where not known."""
        scores = np.full(len(self.values), -1, dtype=np.int64)
        known = self.values[self.known]
        if self.kind == "yes/no":
            scores[self.known] = known.astype(np.int64)
        elif len(known):
            from scipy.stats import rankdata

            scores[self.known] = np.rint(rankdata(known) * (RANKS / (len(known) + 1))).astype(np.int64)
        return scores


def target_of(
    log: EventLog, target: Any, *, kind: Kind | None = None, yes: object = None,
    calendar: Calendar | None = None, threads: int | None = None,
) -> Target:  # fmt: skip
    """Return the target that is named, given, or told by a filter.

    Parameters
    ----------
    log : EventLog
    target : str, Expression or sequence, shape (cases,)
        An attribute of the case; ``"throughput"``, in days, where no attribute is called so; a filter, which
        says yes for the cases that pass; or a truth value or number per case.
    kind : {"yes/no", "number"}, optional
        Found by default: yes/no where there are truth values, or texts.
    yes : optional
        The value that is a yes. Needed unless there are truth values, the numbers 1 and 0, or two texts that
        say by themselves which is the yes (`decided.WON_TEXTS` and `decided.LOST_TEXTS`: Won and Lost, yes
        and no, true and false): no other is chosen for you.
    calendar : WorkingCalendar or Calendars, optional
        The throughput is working time by it, in days of 24 hours.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such attribute, it varies within cases, or which of its values is a yes is to be said.
    ArgumentError
        There is not one value per case, or no such kind; a calendar is given for another target than the
        throughput, or a case has none.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2"], "activity": ["a"] * 2, "time": ["2024-01-01"] * 2,
    ...                            "outcome": ["Won", "Lost"]}))
    >>> found = target_of(log, "outcome")
    >>> found.name, found.values.tolist()
    ('outcome = Won', [1.0, 0.0])
    """
    if kind not in (None, "yes/no", "number"):
        raise ArgumentError(f"the kind of a target is 'yes/no' or 'number', got {kind!r}")
    if isinstance(target, str) and target == THROUGHPUT and target not in log.attribute_names:
        days = "days" if calendar is None else "days of 24 working hours"
        durations = case_durations(log, threads, calendar=calendar)
        return Target(f"throughput ({days})", "number", durations / US_PER_DAY)
    if calendar is not None:
        raise ArgumentError("a calendar is for the target 'throughput', no other tells times",
                            hint="leave the calendar out")  # fmt: skip
    if isinstance(target, Expression):
        mask = target.mask(log, threads)
        if target.level == "event":
            raise ArgumentError("the target is a choice of events", hint="give a condition on cases")
        return Target(repr(target), "yes/no", mask.astype(np.float64), holds=f"pass {target!r}")
    if isinstance(target, str):
        return _of_values(target, case_values(log, target), kind, yes, (target,))
    if not isinstance(target, Sequence | np.ndarray | pa.Array | pa.ChunkedArray):
        raise ArgumentError(f"a target is an attribute, a filter or values, got {type(target).__name__}")
    values = target.combine_chunks() if isinstance(target, pa.ChunkedArray) else target
    if not isinstance(values, pa.Array):
        try:
            values = pa.array(np.asarray(values).tolist())
        except (TypeError, ValueError, pa.ArrowException) as error:
            raise ArgumentError("a target has a truth value, a number or a text per case",
                                hint=first_line(error)) from error  # fmt: skip
    if len(values) != log.cases:
        raise ArgumentError(f"the target has {len(values):,} values for {log.cases:,} cases")
    return _of_values("the target", values, kind, yes, ())


def _of_values(
    name: str, values: pa.Array, kind: Kind | None, yes: object, columns: tuple[str, ...]
) -> Target:
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    numeric = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    numeric = numeric or pa.types.is_decimal(values.type)
    if pa.types.is_nested(values.type):
        raise SchemaError(
            f"{name!r} has neither two sides nor numbers but {plain_type(values.type)}", column=name
        )
    if numeric and yes is None and kind != "yes/no":
        numbers = np.array(values.cast(pa.float64(), safe=False).fill_null(np.nan))
        numbers[~np.isfinite(numbers)] = np.nan
        return Target(name, "number", numbers, columns)
    if kind == "number":
        raise SchemaError(f"column {name!r} has no numbers but {plain_type(values.type)}", column=name)
    if pa.types.is_boolean(values.type) and yes is None:
        truths = np.array(values.cast(pa.float64()).fill_null(np.nan))
        return Target(name, "yes/no", truths, columns, f"have {name} = yes")
    distinct = sorted(set(values.drop_null().to_pylist()), key=str)
    chosen = _yes_of(distinct) if yes is None else yes
    shown = f"values: {', '.join(map(repr, distinct[:10]))}"
    if chosen is None:
        what = f"{len(distinct):,} values" if len(distinct) != 2 else "two values"
        raise SchemaError(f"{name!r} has {what} of which none is known to be the yes", column=name,
                          hint=f"say which value is a yes with yes=; {shown}")  # fmt: skip
    if chosen not in distinct:
        raise SchemaError(f"{name!r} has no value {yes!r}", column=name, hint=shown)
    told = [np.nan if value is None else float(value == chosen) for value in values.to_pylist()]
    name = f"{name} = {chosen}"
    return Target(name, "yes/no", np.array(told, dtype=np.float64), columns, f"have {name}")


def _yes_of(distinct: list[Any]) -> Any:
    """Return which of two values says by itself that it is the yes; None where none does."""
    for yes, no in (distinct, distinct[::-1]) if len(distinct) == 2 else ():
        if (yes, no) == (1, 0) or (str(yes).lower() in WON_TEXTS and str(no).lower() in LOST_TEXTS):
            return yes
    return None
