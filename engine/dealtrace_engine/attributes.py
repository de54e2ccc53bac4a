"""Columns besides case, activity and time: of the case where constant within each, else of the event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import view


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
        return self.values.take(pa.array(cases))


def attribute_of(name: str, values: pa.Array, case_offsets: NDArray[np.int64]) -> Attribute:
    """Make an attribute of a value per event: of the case if every case has only one value or only null."""
    from dealtrace_engine.kernels.constancy import constant_within_cases

    codes = codes_of(values)
    if constant_within_cases(codes, case_offsets, 0, len(case_offsets) - 1):
        return Attribute(name, "case", values.take(pa.array(case_offsets[:-1])))
    return Attribute(name, "event", values)


def codes_of(values: pa.Array) -> NDArray[np.int32]:
    """Return a code for each value, equal for equal values; nulls are a value of their own."""
    if pa.types.is_nested(values.type):
        values = pa.array([str(value) for value in values])
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode(null_encoding="encode")
        return view(values.indices).astype(np.int32, copy=False)
    return view(values.indices.cast(pa.int32()).fill_null(-1)).astype(np.int32, copy=False)
