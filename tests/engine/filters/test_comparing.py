"""Columns of all kinds against values: as exact numbers and instants compare, whatever the column's type."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters.attribute import scalar
from dealtrace_engine.filters.comparing import compare
from dealtrace_engine.filters.values import duration, duration_us

SYMBOLS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
EDGES = [0, 1, -1, 2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1, -(2**63), 255, 256, -129]
NUMBERS = st.one_of(
    st.sampled_from(EDGES),
    st.sampled_from([2.5, -0.5, float(2**53), 1e300, -1e300, 2.0**63]),
    st.integers(-(2**63), 2**64 - 1),
)


@given(st.lists(st.none() | st.sampled_from(EDGES) | st.integers(-5, 5), max_size=6), NUMBERS)
def test_whole_numbers_are_compared_exactly(column, value):
    for kind, low, high in ((pa.int64(), -(2**63), 2**63 - 1), (pa.int8(), -128, 127), (pa.uint8(), 0, 255)):
        fitting = [x if x is None or low <= x <= high else None for x in column]
        for symbol, python in SYMBOLS.items():
            found = compare(pa.array(fitting, kind), symbol, value).tolist()
            expected = [
                symbol == "!=" if x is None else python(Fraction(x), Fraction(value)) for x in fitting
            ]
            assert found == expected, (kind, symbol)


INSTANTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(st.lists(st.none() | INSTANTS, max_size=5), INSTANTS)
def test_instants_are_compared_exactly_in_every_unit(column, value):
    wanted = scalar(value, "when")
    for unit, zone in (("s", None), ("ms", "UTC"), ("us", "Europe/Berlin"), ("ns", "UTC")):
        values = pa.array(column, pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"), safe=False)
        values = values.cast(pa.timestamp(unit)) if zone is None else values.cast(pa.timestamp(unit, zone))
        stored = [None if x is None else x.replace(tzinfo=x.tzinfo or UTC) for x in _plain(values)]
        for symbol, python in SYMBOLS.items():
            expected = [symbol == "!=" if x is None else python(x, value) for x in stored]
            assert compare(values, symbol, wanted).tolist() == expected


def _plain(values):
    return values.cast(pa.timestamp("us", values.type.tz)).to_pylist()


def test_days_durations_decimals_floats_and_truth_values():
    days = pa.array([date(2024, 1, 1), date(2024, 1, 2), None])
    for kind in (pa.date32(), pa.date64()):
        assert compare(days.cast(kind), "<=", "2024-01-01T12:00:00Z").tolist() == [True, False, False]
        assert compare(days.cast(kind), "==", "2024-01-02").tolist() == [False, True, False]
        assert compare(days.cast(kind), ">", "2024-01-01T12:00:00Z").tolist() == [False, True, False]
    lasting = pa.array([timedelta(hours=1), timedelta(days=2), None], pa.duration("s"))
    assert compare(lasting, "<", "1d").tolist() == [True, False, False]
    prices = pa.array([Decimal("0.10"), Decimal("12.34"), None], pa.decimal128(10, 2))
    assert compare(prices, "==", "0.1").tolist() == [True, False, False]
    assert compare(prices, ">", 0.1).tolist() == [False, True, False]
    assert compare(prices, "in", ["12.34", 5]).tolist() == [False, True, False]
    assert compare(prices, "<", "12.345").tolist() == [True, True, False]
    for kind in (pa.float64(), pa.float32(), pa.float16()):
        floats = pa.array(np.array([0.5, np.nan, 2.0], np.float16)).cast(kind)
        assert compare(floats, ">=", 2).tolist() == [False, False, True]
        assert compare(floats, "!=", 0.5).tolist() == [False, True, True]
    assert compare(pa.array([0.1], pa.float32()), "==", 0.1).tolist() == [True]
    truths = pa.array([True, False, None])
    assert compare(truths, "==", True).tolist() == [True, False, False]
    assert compare(truths, "in", [False, True]).tolist() == [True, True, False]
    assert compare(truths, "null", None).tolist() == [False, False, True]


@given(
    st.lists(st.none() | st.sampled_from("abcé"), max_size=6), st.lists(st.sampled_from("abcé"), min_size=1)
)
def test_text_plain_and_as_dictionary(column, wanted):
    for values in (pa.array(column, pa.string()), pa.array(column, pa.large_string()).dictionary_encode()):
        assert compare(values, "in", wanted).tolist() == [x in wanted for x in column]
        assert compare(values, "null", None).tolist() == [x is None for x in column]
        for symbol, python in SYMBOLS.items():
            expected = [
                symbol == "!=" if x is None else python(x.encode(), wanted[0].encode()) for x in column
            ]
            assert compare(values, symbol, wanted[0]).tolist() == expected


@pytest.mark.parametrize(
    ("values", "symbol", "value"),
    [
        (pa.array(["a"]), "==", 1),
        (pa.array(["a"]), "in", ["a", 1]),
        (pa.array([1]), "<", "1"),
        (pa.array([1.5]), "<", True),
        (pa.array([True]), "<", True),
        (pa.array([True]), "==", 1),
        (pa.array([[1]]), "==", 1),
        (pa.array([datetime(2024, 1, 1).time()]), "==", "12:00"),
        (pa.array([datetime(2024, 1, 1)]), "==", "yesterday"),
        (pa.array([datetime(2024, 1, 1)]), "==", 5),
        (pa.array([timedelta(1)]), "==", "soon"),
        (pa.array([Decimal("1.5")]), "==", "a lot"),
        (pa.array([None]), "==", "a"),
        (pa.array([b"a"]), "==", "a"),
    ],
    ids=lambda value: f"{value.type}" if isinstance(value, pa.Array) else repr(value),
)
def test_what_cannot_be_compared(values, symbol, value):
    with pytest.raises(SchemaError):
        compare(values, symbol, value)


@given(st.integers(0, 2**62))
def test_a_duration_is_written_exactly(microseconds):
    assert duration_us(duration(timedelta(microseconds=1) * 0, "d")) == 0
    written = duration(f"{microseconds}us", "d")
    assert duration_us(written) == microseconds
    assert duration(written, "d") == written
