"""Conditions on the attributes of cases and of events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pyarrow as pa

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters.comparing import OPERATORS, Scalar, compare
from dealtrace_engine.filters.events import EventExpression
from dealtrace_engine.filters.expressions import Expression, Mask, marked_cases
from dealtrace_engine.filters.values import duration, moment, text
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import nearest

Value = Scalar | date | datetime | timedelta | Decimal
"""What a column can be compared with."""


@dataclass(frozen=True, repr=False)
class _Compared(Expression):
    column: str
    operator: str
    value: Scalar | tuple[Scalar, ...] | None = None

    def __post_init__(self) -> None:
        text(self.column, f"the column of {self.op!r}")
        if self.operator not in OPERATORS:
            raise SchemaError(f"there is no operator {self.operator!r}", column=self.column,
                              hint=nearest(OPERATORS, str(self.operator), "operators"))  # fmt: skip
        self._set(value=self._checked_value())

    def _checked_value(self) -> Scalar | tuple[Scalar, ...] | None:
        if self.operator == "null":
            if self.value is not None:
                raise SchemaError("'null' takes no value", column=self.column, value=self.value)
            return None
        if self.operator not in ("in", "between"):
            return scalar(self.value, self.column)
        if isinstance(self.value, str) or not isinstance(self.value, Sequence) or not self.value:
            raise SchemaError(
                f"{self.operator!r} takes a list of values", column=self.column, value=self.value
            )
        if self.operator == "between" and len(self.value) != 2:
            raise SchemaError("'between' takes two values", column=self.column, value=self.value)
        return tuple(scalar(value, self.column) for value in self.value)

    @property
    def infix(self) -> bool:
        """Yes, but for the operators that are written as methods."""
        return self.operator not in ("in", "between", "null")

    def _compare(self, values: pa.Array, log: EventLog) -> Mask:
        try:
            return compare(values, self.operator, self.value)
        except SchemaError as error:
            raise SchemaError(error.what, file=log.origin.source.label, column=self.column,
                              value=error.value, hint=error.hint) from error  # fmt: skip

    def __repr__(self) -> str:
        column = f"w.{self.op}({self.column!r})"
        if self.infix:
            return f"{column} {self.operator} {self.value!r}"
        if self.operator == "null":
            return f"{column}.is_null()"
        assert isinstance(self.value, tuple)
        written = ", ".join(map(repr, self.value))
        return f"{column}.is_in([{written}])" if self.operator == "in" else f"{column}.between({written})"


class CaseAttribute(_Compared):
    """Cases whose attribute compares so."""

    op: ClassVar[str] = "case"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases for which the comparison holds."""
        attribute = log.attribute(self.column)
        if attribute.level != "case":
            raise SchemaError(
                f"column {self.column!r} varies within cases", file=log.origin.source.label,
                hint=f"say any_event(event({self.column!r}) ...) or every_event(...)",
            )  # fmt: skip
        return self._compare(attribute.values, log)


class EventAttribute(_Compared, EventExpression):
    """Events whose attribute compares so; a case attribute is that of all its events."""

    op: ClassVar[str] = "event"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the events for which the comparison holds."""
        attribute = log.attribute(self.column)
        passes = self._compare(attribute.values, log)
        return marked_cases(log, passes, threads) if attribute.level == "case" else passes


def scalar(value: object, column: str) -> Scalar:
    """Return a value as it is kept and sent: instants, days, durations and decimals as text.

    Examples
    --------
    >>> from datetime import date
    >>> scalar(date(2024, 3, 1), "close date")
    '2024-03-01T00:00:00Z'
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, date):
        return moment(value, "the value")
    if isinstance(value, timedelta):
        return duration(value, "the value")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise SchemaError("only finite numbers can be compared with", column=column, value=value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        raise SchemaError("the number does not fit 64 bits", column=column, value=value)
    if isinstance(value, Scalar):
        return value
    hint = "is_null() finds nulls" if value is None else "compare with a text, number, date or truth value"
    raise SchemaError("cannot be compared with this value", column=column, value=value, hint=hint)


class Column:
    """A column that waits to be compared: ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` or a method.

    Parameters
    ----------
    kind : type of CaseAttribute or of EventAttribute
    name : str
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kind: type[CaseAttribute] | type[EventAttribute], name: str) -> None:
        self._kind, self._name = kind, text(name, "the name of a column")

    def _compared(self, operator: str, value: object = None) -> Expression:
        return self._kind(self._name, operator, value)  # type: ignore[arg-type]

    def __eq__(self, value: object) -> Expression:  # type: ignore[override]
        return self._compared("==", value)

    def __ne__(self, value: object) -> Expression:  # type: ignore[override]
        return self._compared("!=", value)

    def __lt__(self, value: Value) -> Expression:
        return self._compared("<", value)

    def __le__(self, value: Value) -> Expression:
        return self._compared("<=", value)

    def __gt__(self, value: Value) -> Expression:
        return self._compared(">", value)

    def __ge__(self, value: Value) -> Expression:
        return self._compared(">=", value)

    def is_in(self, values: Sequence[Value]) -> Expression:
        """Whether it is one of these values."""
        return self._compared("in", values if isinstance(values, str) else tuple(values))

    def between(self, low: Value, high: Value) -> Expression:
        """Whether it is from `low` to `high`, both included."""
        return self._compared("between", (low, high))

    def is_null(self) -> Expression:
        """Whether there is no value."""
        return self._compared("null")

    def __repr__(self) -> str:
        return f"w.{self._kind.op}({self._name!r})"
