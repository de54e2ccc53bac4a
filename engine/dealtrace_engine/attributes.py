"""Columns besides case, activity and time: of the case where constant within each, else of the event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow, one_array, read_only, view


@dataclass(frozen=True)
class Attribute:
    """A column of the log.

    Attributes
    ----------
    name : str
    level : "case" or "event"
    values : pyarrow.Array, shape (cases,) or (events,)
        In the order of the log.
    """

    name: str
    level: Literal["case", "event"]
    values: pa.Array

    def per_event(self, case_offsets: NDArray[np.int64]) -> pa.Array:
        """Return a value per event, whatever the level."""
        if self.level == "event":
            return self.values
        cases = np.repeat(np.arange(len(case_offsets) - 1), np.diff(case_offsets))
        return self.values.take(arrow(cases))


def attribute_of(name: str, values: pa.Array, case_offsets: NDArray[np.int64]) -> Attribute:
    """Make an attribute of a value per event: of the case if every case has only one value or only null.

    Text becomes a dictionary, which is smaller, and the same whether it was read or kept in a file.
    """
    from dealtrace_engine.kernels.constancy import constant_within_cases

    if pa.types.is_large_string(values.type):
        values = values.dictionary_encode()
    columns = read_only(codes_of(values)), read_only(case_offsets)
    if constant_within_cases(*columns, 0, len(case_offsets) - 1):
        return Attribute(name, "case", values.take(arrow(case_offsets[:-1])))
    return Attribute(name, "event", values)


def plain_column(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array of a type that every Arrow function takes.

    Texts get 64-bit offsets (2 GiB of them are not many for comments), dictionaries 32-bit indices, distinct
    values and no null among these; views, runs and extension types become what they stand for.
    """
    chunks = [_plain(chunk) for chunk in column.chunks]
    kind = _plain(pa.nulls(0, column.type)).type if not chunks else chunks[0].type
    return one_array(pa.chunked_array(chunks, kind))


def _plain(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(values.storage)
    if pa.types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(values))
    if pa.types.is_dictionary(kind):
        return _plain_dictionary(values)
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.large_string())
    if pa.types.is_binary(kind) or pa.types.is_binary_view(kind):
        return values.cast(pa.large_binary())
    return values


def _plain_dictionary(values: pa.DictionaryArray) -> pa.Array:
    import pyarrow.compute as pc

    indices, distinct = values.indices.cast(pa.int32()), _plain(values.dictionary)
    if not pa.types.is_large_string(distinct.type):
        return distinct.take(indices)
    if distinct.null_count or len(pc.unique(distinct)) < len(distinct):
        return distinct.take(indices).dictionary_encode()
    return pa.DictionaryArray.from_arrays(indices, distinct)


_PLAIN: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    "whole numbers": (pa.types.is_integer,),
    "numbers": (pa.types.is_floating, pa.types.is_decimal),
    "truth values": (pa.types.is_boolean,),
    "dates": (pa.types.is_date,),
    "times": (pa.types.is_timestamp, pa.types.is_time),
    "durations": (pa.types.is_duration,),
    "nothing": (pa.types.is_null,),
    "bytes": (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary),
    "lists or records": (pa.types.is_nested,),
}


def plain_type(kind: pa.DataType) -> str:
    """Say in plain words what values of an Arrow type are.

    Examples
    --------
    >>> plain_type(pa.dictionary(pa.int32(), pa.large_string())), plain_type(pa.decimal128(9, 2))
    ('text', 'numbers')
    """
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    return next(
        (words for words, tests in _PLAIN.items() if any(is_one(kind) for is_one in tests)), str(kind)
    )


def is_number(kind: pa.DataType) -> bool:
    """Whether values of a type are numbers; truth values are none.

    Examples
    --------
    >>> is_number(pa.decimal128(9, 2)), is_number(pa.bool_())
    (True, False)
    """
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def sortable(values: pa.Array) -> pa.Array:
    """Return values that Arrow can sort and tell apart, in the place of lists, structs and intervals."""
    kind = values.type
    if pa.types.is_nested(kind) or pa.types.is_interval(kind):
        return pa.array([str(value) if value.is_valid else None for value in values], pa.string())
    return values.cast(pa.float32()) if pa.types.is_float16(kind) else values


def codes_of(values: pa.Array) -> NDArray[np.int32]:
    """Return a code for each value, equal for equal values; nulls are a value of their own."""
    values = sortable(values)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode(null_encoding="encode")
        return view(values.indices).astype(np.int32, copy=False)
    return view(values.indices.cast(pa.int32()).fill_null(-1)).astype(np.int32, copy=False)
