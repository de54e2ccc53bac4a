"""The value types of XES: text as written to typed Arrow arrays, strictly."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import pyarrow as pa

from dealtrace_engine.date_formats import ISO, parse_text
from dealtrace_engine.readings import Readings
from dealtrace_ext import timestamps

KINDS = {
    "string": "string",
    "id": "string",
    "date": "date",
    "int": "int",
    "float": "float",
    "boolean": "boolean",
}
"""XES tag to kind of column; tags of one kind share a column."""

MICROSECONDS, NANOSECONDS = pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")

_INT = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))|(?i:nan)")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_NS_LIMIT = (1 << 63) // 1000 - 1


class BadValue(Exception):
    """The value at `index` of a column is not what its tag says."""

    def __init__(self, index: int, value: str, what: str, hint: str = "") -> None:
        super().__init__(index, value, what, hint)
        self.index, self.value, self.what, self.hint = index, value, what, hint


def typed(kind: str, texts: list[str]) -> tuple[pa.Array, Counter[str]]:
    """Return the values of one kind as an Arrow array, and how often each UTC offset is written.

    Raises
    ------
    BadValue
        The first text that is no value of that kind.
    """
    if kind == "date":
        return _dates(texts)
    return _PARSERS[kind](texts), Counter()


def _dates(texts: list[str]) -> tuple[pa.Array, Counter[str]]:
    read = Readings.of(parse_text(_strings(texts), ISO))
    if read.status is not None:
        first = int((read.status != timestamps.OK).argmax())
        hint = "expected YYYY-MM-DDThh:mm:ss[.f][Z|+hh:mm] in the years 1 to 9999"
        raise BadValue(first, texts[first], "this is not a date", hint)
    zones = Counter(read.zones())
    if read.nanoseconds is None:
        return pa.array(read.microseconds).cast(MICROSECONDS), zones
    outside = abs(read.microseconds) > _NS_LIMIT
    if outside.any():
        first = int(outside.argmax())
        raise BadValue(first, texts[first], "with nanoseconds in its column, a date must lie in 1678 to 2261")
    return pa.array(read.microseconds * 1000 + read.nanoseconds).cast(NANOSECONDS), zones


def _strings(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.string())


def _ints(texts: list[str]) -> pa.Array:
    _check(texts, _INT, "an integer")
    values = [int(text) for text in texts]
    for index, value in enumerate(values):
        if not -(1 << 63) <= value < 1 << 63:
            raise BadValue(index, texts[index], "the integer does not fit 64 bits")
    return pa.array(values, pa.int64())


def _floats(texts: list[str]) -> pa.Array:
    _check(texts, _FLOAT, "a number")
    values = [float(text) for text in texts]
    for index, value in enumerate(values):
        if math.isinf(value) and "n" not in texts[index].lower():
            raise BadValue(index, texts[index], "the number does not fit a 64-bit float")
    return pa.array(values, pa.float64())


def _booleans(texts: list[str]) -> pa.Array:
    values = [_BOOLEANS.get(text.lower()) for text in texts]
    if None in values:
        index = values.index(None)
        raise BadValue(index, texts[index], "this is neither true nor false")
    return pa.array(values, pa.bool_())


def _check(texts: Sequence[str], pattern: re.Pattern[str], what: str) -> None:
    for index, match in enumerate(map(pattern.fullmatch, texts)):
        if match is None:
            raise BadValue(index, texts[index], f"this is not {what}")


_PARSERS: dict[str, Callable[[list[str]], pa.Array]] = {
    "string": _strings,
    "int": _ints,
    "float": _floats,
    "boolean": _booleans,
}
