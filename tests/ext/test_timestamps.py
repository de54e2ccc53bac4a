"""Date text to microseconds: by example, and against the plain twin on valid, mutated and random text."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_ext import timestamps
from dealtrace_ext.columns import Text
from naive import timestamps as naive

REASONS = {
    timestamps.MISSING: "null",
    timestamps.UNPARSED: "unparsed",
    timestamps.OUT_OF_RANGE: "out of range",
}
LAYOUTS = [(order, separator) for order in ("ymd", "dmy", "mdy") for separator in "-/."]


def parse(values, order="ymd", separator="-", kind=None, **options):
    column = pa.array(values, kind or pa.string()) if isinstance(values, list) else values
    n = len(column)
    out = np.empty(n, np.int64), np.empty(n, np.uint16), np.empty(n, np.int16), np.empty(n, np.uint8)
    summary = timestamps.parse(Text(column), order, separator, *out, **options)
    results = []
    for microsecond, nano, offset, state in zip(*(part.tolist() for part in out), strict=True):
        if state == timestamps.OK:
            results.append(("ok", microsecond, nano, None if offset == timestamps.NAIVE else offset))
        else:
            assert (microsecond, nano, offset) == (timestamps.NOT_A_TIME, 0, timestamps.NAIVE)
            results.append((REASONS[state],))
    good = [result for result in results if result[0] == "ok"]
    offsets = [timestamps.NAIVE if offset is None else offset for *_, offset in good]
    assert summary == (
        n - len(good),
        any(nano for _, _, nano, _ in good),
        min(offsets, default=0),
        max(offsets, default=timestamps.NAIVE),
    )
    return results


def microseconds(*parts):
    return int((datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


NOON = microseconds(2024, 2, 29, 12, 0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", ("ok", 0, 0, None)),
        ("1970-01-01T00:00:00Z", ("ok", 0, 0, 0)),
        ("1969-12-31 23:59:59.999999999", ("ok", -1, 999, None)),
        ("2024-02-29 12:00", ("ok", NOON, 0, None)),
        ("2024-02-29T12:00:00", ("ok", NOON, 0, None)),
        ("2024-02-29 12:00:00,5", ("ok", NOON + 500_000, 0, None)),
        ("2024-02-29 12:00:00.000000001", ("ok", NOON, 1, None)),
        ("2024-02-29 13:00:00+01", ("ok", NOON, 0, 60)),
        ("2024-02-29 13:00:00.000+0100", ("ok", NOON, 0, 60)),
        ("2024-02-29 13:00+01:00", ("ok", NOON, 0, 60)),
        ("2024-02-29 02:30:00 -09:30", ("ok", NOON, 0, -570)),
        ("2024-02-29 12:00:00 UTC", ("ok", NOON, 0, 0)),
        ("2024-02-29 12:00:00.123 Z", ("ok", NOON + 123_000, 0, 0)),
        ("2024-2-29 12:00 PM", ("ok", NOON, 0, None)),
        ("  2024-02-29 12:00:00  ", ("ok", NOON, 0, None)),
        ("2024-02-28 24:00:00", ("ok", microseconds(2024, 2, 29), 0, None)),
        ("0001-01-01", ("ok", naive.EARLIEST, 0, None)),
        ("9999-12-31 23:59:59.999999999", ("ok", naive.LATEST, 999, None)),
        ("9999-12-31 24:00:00", ("out of range",)),
        ("0001-01-01 00:00:00+00:01", ("out of range",)),
        ("0000-06-01", ("out of range",)),
        (None, ("null",)),
    ],
)
def test_reads(text, expected):
    assert parse([text]) == [expected]
    assert naive.parse(text, "ymd", "-") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "2024",
        "2024-02",
        "2023-02-29",
        "2024-02-31",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "2024-02-29 24:00:01",
        "2024-02-29 24:00:00.1",
        "2024-02-29 25:00",
        "2024-02-29 12:60",
        "2016-12-31 23:59:60",
        "2024-02-29 12:00:00.",
        "2024-02-29 12:00:00.1234567890",
        "2024-02-29T",
        "2024-02-29 ?",
        "2024-02-29 12",
        "2024-02-29 12:0",
        "2024-02-29 12:00:0",
        "2024-02-29 12:00:00+1",
        "2024-02-29 12:00:00+1:00",
        "2024-02-29 12:00:00+01:00:00",
        "2024-02-29 12:00:00+19:00",
        "2024-02-29 12:00:00+01:60",
        "2024-02-29 12:00:00 CET",
        "2024-02-29 13:00 PM",
        "2024-02-29 0:00 AM",
        "2024-02-29Z",
        "02024-02-29",
        "2024/02/29",
        "2024-02/29",
        "-2024-02-29",
        "2024-02-29 12:00:00Z0",
        "2024-02-29 12:00:00 +01:",
        "2024-02-29\n",
        "２０２４-02-29",
        "2024-02-29 12:00:00\0",
    ],
)
def test_refuses(text):
    assert parse([text]) == [("unparsed",)]
    assert naive.parse(text, "ymd", "-") == ("unparsed",)


def test_every_order_and_separator():
    for order, separator in LAYOUTS:
        text = separator.join({"y": "2024", "m": "2", "d": "9"}[letter] for letter in order) + " 1:05:09 pm"
        assert parse([text], order, separator) == [("ok", microseconds(2024, 2, 9, 13, 5, 9), 0, None)]


def test_a_date_that_failed_is_not_remembered():
    clock = " 10:00:00"
    for wrong in ("\0" * 10, "\0" * 8 + "01", "2023-02-29", "0000-01-01", "2023-01-0:", "9999-12-32"):
        values = [wrong + clock, wrong + clock, "2023-02-28" + clock, wrong + clock, "2023-02-28" + clock]
        assert parse(values) == [naive.parse(value, "ymd", "-") for value in values]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(range(-400, 400)), max_size=30),
    st.sampled_from(["2023-02-28", "2024-02-29", "9999-12-31"]),
)
def test_runs_of_near_dates(steps, start):
    values = []
    for step in steps:
        day = datetime.fromisoformat(start).toordinal() - abs(step)
        values.append(
            datetime.fromordinal(day).strftime("%Y-%m-%d")
            + f" {step % 25:02}:00:00"
            + ("+18:00" if step % 3 else "-1800")
        )
    assert parse(values) == [naive.parse(value, "ymd", "-") for value in values]


def test_two_digit_years_mean_1969_to_2068():
    results = parse(["31.12.69", "31.12.68", "31.12.2068"], "dmy", ".", two_digit_years=True)
    assert results == [
        ("ok", microseconds(1969, 12, 31), 0, None),
        ("ok", microseconds(2068, 12, 31), 0, None),
        ("unparsed",),
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
def test_slices_and_widths(kind):
    values = [None, "1970-01-01", None, "x", "1970-01-02"] * 3
    column = pa.array(values, pa.string()).cast(kind).slice(3, 9)
    assert parse(column) == [naive.parse(text, "ymd", "-") for text in values[3:12]]


def test_empty_column():
    assert parse([]) == []


def test_refuses_other_layouts_and_lengths():
    with pytest.raises(ValueError, match="no such layout"):
        parse(["x"], "ydm", "-")
    with pytest.raises(ValueError, match="no such layout"):
        parse(["x"], "ymd", " ")
    short = np.empty(0, np.int64)
    rest = np.empty(1, np.uint16), np.empty(1, np.int16), np.empty(1, np.uint8)
    with pytest.raises(ValueError, match="buffers of 1 values"):
        timestamps.parse(Text(pa.array(["x"])), "ymd", "-", short, *rest)


def test_offsets_that_leave_the_buffer_are_refused():
    offsets = pa.py_buffer(np.array([0, 1000, 10], np.int32).tobytes())
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"1970-01-01")])
    assert parse(column) == [("unparsed",), ("unparsed",)]


def number(low, high, *widths):
    return st.builds(
        lambda value, width: str(value).zfill(width), st.integers(low, high), st.sampled_from(widths)
    )


@st.composite
def dates(draw, order, separator):
    """Text that is a date, or nearly."""
    parts = {"y": draw(number(0, 10_000, 4)), "m": draw(number(0, 13, 1, 2)), "d": draw(number(0, 32, 1, 2))}
    text = separator.join(parts[letter] for letter in order)
    if draw(st.booleans()):
        text += (
            draw(st.sampled_from(["T", " ", ", ", "  "]))
            + draw(number(0, 25, 1, 2))
            + ":"
            + draw(number(0, 60, 2))
        )
        if draw(st.booleans()):
            text += ":" + draw(number(0, 61, 2))
            text += draw(st.sampled_from(["", ".", ","])) + draw(st.text("0123456789", max_size=10))
        text += draw(st.sampled_from(["", "", " AM", "pm", " PM", " XM"]))
        text += draw(st.sampled_from(["", " "])) + draw(
            st.sampled_from(
                ["", "", "Z", "z", "UTC", "+01", "-0330", "+05:45", "+18:00", "-18:01", "+0", "+01:60", "CET"]
            )
        )
    return text


@st.composite
def mutated(draw, order, separator):
    """Text that was a date before a few of its characters were changed, doubled or lost."""
    text = draw(dates(order, separator))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        new = draw(st.text("0123456789-/.:, TZ+APMam\0é", max_size=2))
        text = text[:at] + new + text[at + draw(st.integers(0, 2)) :]
    return text


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_equals_the_twin(data):
    order, separator = data.draw(st.sampled_from(LAYOUTS))
    values = data.draw(st.lists(st.none() | mutated(order, separator) | st.text(max_size=30), max_size=8))
    assert parse(values, order, separator) == [naive.parse(text, order, separator) for text in values]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.datetimes(), min_size=1, max_size=20),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_reads_what_isoformat_writes(moments, precision):
    texts = [
        moment.isoformat(draw, precision) for moment, draw in zip(moments, "T " * len(moments), strict=False)
    ]
    expected = [(datetime.fromisoformat(text) - naive.EPOCH) // naive.MICROSECOND for text in texts]
    assert parse(texts) == [("ok", microsecond, 0, None) for microsecond in expected]


def test_integers():
    texts = [
        "0",
        "-5",
        "+7",
        " 12 ",
        "",
        "-",
        "1.5",
        "9223372036854775806",
        "9223372036854775807",
        "9" * 30,
        None,
        "1e3",
    ]
    numbers, status = np.empty(len(texts), np.int64), np.empty(len(texts), np.uint8)
    assert timestamps.integers(Text(pa.array(texts)), numbers, status) == 7
    assert numbers[status == timestamps.OK].tolist() == [0, -5, 7, 12, 9223372036854775806]
    assert [REASONS.get(state, "ok") for state in status.tolist()] == [
        "ok",
        "ok",
        "ok",
        "ok",
        "unparsed",
        "unparsed",
        "unparsed",
        "ok",
        "out of range",
        "out of range",
        "null",
        "unparsed",
    ]
    assert (numbers[status != timestamps.OK] == timestamps.NOT_A_TIME).all()


def test_six_digits_and_z_at_once():
    text = "2024-02-29 12:00:00.123456Z"
    assert parse([text]) == [("ok", NOON + 123456, 0, 0)]
    for at in range(19, len(text)):
        for other in "/:.,-Zz0 9é":
            changed = text[:at] + other + text[at + 1 :]
            assert parse([changed]) == parse([changed + " "]), changed
