"""Values of a column against a value, exactly: no integer becomes a float, no instant loses a digit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dealtrace_engine.attributes import codes_of, plain_type
from dealtrace_engine.buffers import view
from dealtrace_engine.errors import SchemaError, first_line
from dealtrace_engine.filters.expressions import Mask
from dealtrace_engine.filters.values import duration, duration_us, moment, moment_us

Scalar = str | int | float | bool
ARROW = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "between", "null")
UNIT_US = {"s": Fraction(10**6), "ms": Fraction(1000), "us": Fraction(1), "ns": Fraction(1, 1000)}
DAY_US = Fraction(86_400 * 10**6)


def compare(values: pa.Array, operator: str, value: Scalar | Sequence[Scalar] | None) -> Mask:
    """Return where a comparison holds, shape (n,).

    A null is unequal to everything: only ``!=`` and ``null`` hold for it.

    Parameters
    ----------
    values : pyarrow.Array, shape (n,)
    operator : str
        One of `OPERATORS`.
    value : scalar, sequence of scalars for ``in`` and ``between``, None for ``null``
        Instants, days, durations and decimals as text.

    Raises
    ------
    SchemaError
        The values cannot be compared with this value.

    Examples
    --------
    >>> import pyarrow as pa
    >>> compare(pa.array([1, None, 3]), ">=", 2.5).tolist()
    [False, False, True]
    >>> compare(pa.array(["a", None]), "!=", "a").tolist()
    [False, True]
    """
    if operator == "null":
        return _mask(values.is_null())
    if operator == "!=":
        return ~compare(values, "==", value)
    if operator == "between":
        assert isinstance(value, Sequence)
        return compare(values, ">=", value[0]) & compare(values, "<=", value[1])
    if pa.types.is_dictionary(values.type):  # the code of null is -1: the last one
        mask: Mask = np.append(compare(values.dictionary, operator, value), False)[codes_of(values)]
        return mask
    if operator == "in":
        assert isinstance(value, Sequence)
        return _among(values, value)
    assert isinstance(value, Scalar)
    try:
        return _compared(values, operator, value)
    except pa.ArrowException as error:
        raise _incomparable(values.type, value, first_line(error)) from error


def _mask(holds: pa.BooleanArray) -> Mask:
    return view(holds.fill_null(False).cast(pa.uint8())).view(np.bool_)


def _among(values: pa.Array, wanted: Sequence[Scalar]) -> Mask:
    if _is_text(values.type) and all(isinstance(value, str) for value in wanted):
        return _mask(pc.is_in(values, pa.array(wanted, values.type)))
    mask: Mask = np.logical_or.reduce([compare(values, "==", value) for value in wanted])
    return mask


def _compared(values: pa.Array, operator: str, value: Scalar) -> Mask:
    kind, function = values.type, ARROW[operator]
    if _is_text(kind) and isinstance(value, str):
        return _mask(function(values, pa.scalar(value, kind)))
    if pa.types.is_boolean(kind) and isinstance(value, bool) and operator == "==":
        return _mask(function(values, pa.scalar(value)))
    if pa.types.is_temporal(kind) and isinstance(value, str) and not pa.types.is_time(kind):
        return _whole(values.cast(_integer_of(kind)), operator, _temporal(kind, value))
    if isinstance(value, bool):
        raise _incomparable(kind, value)
    if pa.types.is_integer(kind) and isinstance(value, int | float):
        return _whole(values, operator, Fraction(value))
    if pa.types.is_floating(kind) and isinstance(value, int | float):
        kind = pa.float32() if pa.types.is_float16(kind) else kind
        return _mask(function(values.cast(kind), pa.scalar(float(value), kind)))
    if pa.types.is_decimal(kind) and (number := _decimal(value)) is not None:
        return _mask(function(values, pa.scalar(number)))
    raise _incomparable(kind, value)


def _decimal(value: Scalar) -> Decimal | None:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _integer_of(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _temporal(kind: pa.DataType, value: str) -> Fraction:
    """Return an instant or a duration in the unit of a column, whole or not."""
    if pa.types.is_duration(kind):
        return duration_us(duration(value, "the value")) / UNIT_US[kind.unit]
    microseconds = Fraction(moment_us(moment(value, "the value")))
    if pa.types.is_timestamp(kind):
        return microseconds / UNIT_US[kind.unit]
    return microseconds / (DAY_US if pa.types.is_date32(kind) else UNIT_US["ms"])


def _whole(values: pa.Array, operator: str, value: Fraction) -> Mask:
    """Compare whole numbers with any number: with the whole number below it, or above."""
    if operator == "==" and value.denominator != 1:
        return np.zeros(len(values), dtype=np.bool_)
    bound = math.ceil(value) if operator in ("<", ">=") else math.floor(value)
    limits = np.iinfo(values.type.to_pandas_dtype())
    if not limits.min <= bound <= limits.max:
        beyond = operator in (("<", "<=") if bound > limits.max else (">", ">="))
        return _mask(values.is_valid()) & beyond
    return _mask(ARROW[operator](values, pa.scalar(bound, values.type)))


def _incomparable(kind: pa.DataType, value: Scalar, why: str = "") -> SchemaError:
    detail = f" ({why})" if why else ""
    return SchemaError(f"{plain_type(kind)} cannot be compared so with this value{detail}", value=value)
