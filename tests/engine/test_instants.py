"""Columns of every type to instants."""

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.instants import NOT_A_TIME, InstantReader
from naive import timestamps as naive

DAY = 86_400_000_000


def read(values, kind=None, **options):
    column = pa.array(values, kind) if isinstance(values, list) else values
    reader = InstantReader("time", **options)
    return checked(reader.read(column), len(column)), reader


def checked(instants, length):
    """What must hold of all instants."""
    assert instants.microseconds.dtype == np.int64
    assert len(instants.microseconds) == length
    positions = sorted(p for found in instants.rejected.values() for p in found.tolist())
    assert positions == np.flatnonzero(instants.microseconds == NOT_A_TIME).tolist()
    assert all(len(found) for found in instants.rejected.values())
    assert sum(instants.zones.values()) == length - len(positions)
    if instants.nanoseconds is not None:
        assert instants.nanoseconds.any()
        assert instants.nanoseconds.max() < 1000
        assert not instants.nanoseconds[positions].any()
    return instants


def rejected(instants):
    return {reason: positions.tolist() for reason, positions in instants.rejected.items()}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_text(kind):
    values = [
        "1970-01-01",
        None,
        "soon",
        "1970-01-01 01:00+01:00",
        "1970-01-01T00:00:00.000001002Z",
        "0000-01-01",
    ]
    instants, reader = read(values, kind)
    assert instants.microseconds.tolist() == [0, NOT_A_TIME, NOT_A_TIME, 0, 1, NOT_A_TIME]
    assert instants.nanoseconds.tolist() == [0, 0, 0, 0, 2, 0]
    assert rejected(instants) == {"null": [1], "unparsed": [2], "out of range": [5]}
    assert instants.zones == {"naive": 1, "+01:00": 1, "UTC": 1}
    assert reader.notes == ["time: format ISO 8601", "time: values without an offset are taken as UTC"]


@pytest.mark.parametrize("index", [pa.int8(), pa.int32(), pa.uint64()])
def test_dictionary_of_text(index):
    dictionary = pa.array(["1970-01-02", "soon", None, "1970-01-01 00:00:00.000000001", "0000-01-01"])
    indices = pa.array([0, 1, None, 3, 2, 0, 4, 3], index)
    instants, _ = read(pa.DictionaryArray.from_arrays(indices, dictionary).slice(1))
    assert instants.microseconds.tolist() == [NOT_A_TIME, NOT_A_TIME, 0, NOT_A_TIME, DAY, NOT_A_TIME, 0]
    assert rejected(instants) == {"unparsed": [0], "null": [1, 3], "out of range": [5]}
    assert instants.nanoseconds.tolist() == [0, 0, 1, 0, 0, 0, 1]
    assert instants.zones == {"naive": 3}


@pytest.mark.parametrize(("unit", "scale"), [("s", 1_000_000), ("ms", 1_000), ("us", 1)])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+01:00"])
def test_arrow_timestamps(unit, scale, zone):
    kind = pa.timestamp(unit, zone)
    column = pa.array([9, 0, None, -3], pa.int64()).cast(kind).slice(1)
    instants, reader = read(column)
    assert instants.microseconds.tolist() == [0, NOT_A_TIME, -3 * scale]
    assert instants.nanoseconds is None
    assert instants.zones == {zone or "naive": 2}
    assert reader.notes == ([] if zone else ["time: values without an offset are taken as UTC"])


def test_arrow_nanoseconds():
    instants, _ = read(pa.array([0, 1, -1, 2**62, None], pa.int64()).cast(pa.timestamp("ns")))
    assert instants.microseconds.tolist() == [0, 0, -1, 2**62 // 1000, NOT_A_TIME]
    assert instants.nanoseconds.tolist() == [0, 1, 999, 2**62 % 1000, 0]
    assert read(pa.array([5_000], pa.int64()).cast(pa.timestamp("ns")))[0].nanoseconds is None


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_arrow_timestamps_out_of_range(unit):
    scale = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    low, high = naive.EARLIEST // scale, naive.LATEST // scale
    values = [low - 1, low, high, high + 1, 2**63 - 1, -(2**63)]
    instants, _ = read(pa.array(values, pa.int64()).cast(pa.timestamp(unit)))
    assert rejected(instants) == {"out of range": [0, 3, 4, 5]}
    assert instants.microseconds[1:3].tolist() == [low * scale, high * scale]


def test_clean_microseconds_are_not_copied():
    column = pa.array(range(1000), pa.int64()).cast(pa.timestamp("us", "UTC"))
    instants, _ = read(column)
    assert instants.microseconds.ctypes.data == column.buffers()[1].address
    assert instants.rejected == {}


def test_dates():
    expected = [0, (date(2024, 2, 29) - date(1970, 1, 1)).days * DAY, NOT_A_TIME]
    for kind in (pa.date32(), pa.date64()):
        assert read([date(1970, 1, 1), date(2024, 2, 29), None], kind)[0].microseconds.tolist() == expected
    far = pa.array([2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32())
    assert rejected(read(far)[0]) == {"out of range": [0, 1]}


@pytest.mark.parametrize(("format", "scale"), [("epoch_s", 1_000_000), ("epoch_ms", 1_000), ("epoch_us", 1)])
def test_epochs(format, scale):
    for column in (pa.array([7, None, -7], pa.int8()), pa.array(["7", None, " -7"])):
        instants, reader = read(column, format=format)
        assert instants.microseconds.tolist() == [7 * scale, NOT_A_TIME, -7 * scale]
        assert instants.zones == {"UTC": 2}
        assert reader.notes == [f"time: format {format}"]


def test_epoch_nanoseconds_and_limits():
    instants, _ = read(["1700000000123456789", "-1", "x", "9" * 20], format="epoch_ns")
    assert instants.microseconds.tolist() == [1700000000123456, -1, NOT_A_TIME, NOT_A_TIME]
    assert instants.nanoseconds.tolist() == [789, 999, 0, 0]
    assert rejected(instants) == {"unparsed": [2], "out of range": [3]}
    instants, _ = read([1, 2**64 - 1, 2**63 - 1], pa.uint64(), format="epoch_s")
    assert rejected(instants) == {"out of range": [1, 2]}


def test_integers_need_a_format():
    with pytest.raises(SchemaError, match="whole numbers; say what they count with timestamp_format="):
        read([1_700_000_000])


@pytest.mark.parametrize("values", [[1.5], [True], [b"1970-01-01"], [[1]]])
def test_other_types_are_refused(values):
    with pytest.raises(SchemaError, match="cannot be read as dates"):
        read(values)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.null(), pa.timestamp("us"), pa.dictionary(pa.int8(), pa.string())]
)
@pytest.mark.parametrize("length", [0, 3])
def test_nothing_but_nulls(kind, length):
    instants, reader = read([None] * length, kind)
    assert rejected(instants) == ({"null": [0, 1, 2]} if length else {})
    assert reader.notes == []


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["03/04/2020", "25/03/2020 10:00"], "d/m/Y"),
        (["03/04/2020", "3/25/2020 10:00:05 PM"], "m/d/Y"),
        (["25-3-2020", "1-3-2020"], "d-m-Y"),
        (["03-25-2020"], "m-d-Y"),
        (["03.04.2020 10:00"], "d.m.Y"),
        (["2020/12/31"], "Y/m/d"),
        (["junk", "2020-12-31"], "ISO 8601"),
    ],
)
def test_formats_are_found(values, name):
    _, reader = read(values)
    assert reader.notes[0] == f"time: format {name}"
    order, separator = (
        name.lower().replace("iso 8601", "y-m-d")[::2],
        (name[1] if name != "ISO 8601" else "-"),
    )
    expected = [naive.parse(value, order, separator) for value in values]
    instants, _ = read(values)
    assert [NOT_A_TIME if e[0] != "ok" else e[1] for e in expected] == instants.microseconds.tolist()


def test_day_or_month_first_is_never_guessed():
    with pytest.raises(
        ParseError, match=r"value '03/04/2020': day or month first\? .*timestamp_format='d/m/Y' or 'm/d/Y'"
    ):
        read(["03/04/2020", "04/04/2020"])
    with pytest.raises(ParseError, match=r"mixes d/m/Y \('25/03/2020'\) and m/d/Y \('03/26/2020'\)"):
        read(["25/03/2020", "03/26/2020", "03/04/2020"])
    assert read(["03/04/2020"], format="d/m/Y")[0].microseconds.tolist() == [
        naive.parse("3/4/2020", "dmy", "/")[1]
    ]
    assert read(["03/04/2020"], format="%m/%d/%Y")[0].microseconds.tolist() == [
        naive.parse("3/4/2020", "mdy", "/")[1]
    ]


def test_looking_ahead_for_evidence():
    chunks = [pa.array(["03/04/2020"]), pa.array([None, "x"]), pa.array(["04/13/2020", "never seen"])]
    reader = InstantReader("time", look_ahead=lambda: iter(chunks))
    assert reader.read(chunks[0]).microseconds.tolist() == [naive.parse("03/04/2020", "mdy", "/")[1]]
    assert rejected(reader.read(pa.array(["13/04/2020"]))) == {"unparsed": [0]}
    with pytest.raises(ParseError, match=r"4 seen\) can be read both ways"):
        InstantReader("time", look_ahead=lambda: chunks[:2] * 2).read(chunks[0])


def test_text_that_is_no_date():
    with pytest.raises(
        ParseError, match=r"log\.csv, column 'time', value 'soon': no date format reads any of the first 2"
    ):
        read(["soon", None, "later"], file="log.csv")


def test_a_rare_date_far_down_is_enough():
    instants, _ = read(["junk"] * 20_000 + ["2020-01-01"])
    assert len(instants.rejected["unparsed"]) == 20_000


def test_the_format_is_kept_for_later_chunks():
    _, reader = read(["25/03/2020"])
    later = checked(reader.read(pa.array(["03/25/2020", "2020-03-25", "26/03/2020"])), 3)
    assert rejected(later) == {"unparsed": [0, 1]}


def test_local_time():
    values = ["2020-03-29 02:30", "2020-10-25 02:30", "2020-10-25 02:30Z", "2020-07-01 00:00", None, "x"]
    instants, reader = read(values, timezone="Europe/Berlin")
    expected = [
        (datetime(*parts) - naive.EPOCH) // naive.MICROSECOND
        for parts in ((2020, 10, 25, 0, 30), (2020, 10, 25, 2, 30), (2020, 6, 30, 22, 0))
    ]
    assert instants.microseconds.tolist() == [NOT_A_TIME, *expected, NOT_A_TIME, NOT_A_TIME]
    assert rejected(instants) == {"nonexistent local time": [0], "null": [4], "unparsed": [5]}
    assert {note: at.tolist() for note, at in instants.noted.items()} == {"ambiguous local time": [1]}
    assert instants.zones == {"naive": 2, "UTC": 1}
    assert reader.notes[1] == "time: values without an offset are taken as Europe/Berlin"


def test_local_time_of_arrow_values():
    kind = pa.timestamp("ms")
    instants, _ = read(
        [datetime(2020, 1, 1), None, datetime(2020, 3, 8, 2, 30)], kind, timezone="America/New_York"
    )
    assert instants.microseconds[0] == (datetime(2020, 1, 1, 5) - naive.EPOCH) // naive.MICROSECOND
    assert rejected(instants) == {"null": [1], "nonexistent local time": [2]}
    aware = pa.array([datetime(2020, 1, 1)], pa.timestamp("us", "Asia/Tokyo"))
    assert (
        read(aware, timezone="America/New_York")[0].microseconds.tolist()
        == aware.cast(pa.int64()).to_pylist()
    )


def test_local_time_that_leaves_the_range():
    instants, _ = read(["9999-12-31 23:00", "0001-01-01"], timezone="America/New_York")
    assert rejected(instants) == {"out of range": [0]}
    instants, _ = read(["0001-01-01"], timezone="Asia/Tokyo")
    assert rejected(instants) == {"out of range": [0]}


def test_local_time_leaves_the_input_alone():
    column = pa.array([0], pa.int64()).cast(pa.timestamp("us"))
    read(column, timezone="Asia/Tokyo")
    assert column.cast(pa.int64()).to_pylist() == [0]


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (
            "%d %b %Y %H:%M",
            ["1 Mar 2020 05:06", "31 Feb 2020 00:00", "01 mar 2020 05:06", "29 Feb 2020 05:60", "x"],
        ),
        ("%Y%m%d%H%M%S", ["20200229030405", "20210229030405", "20200229030460", "", "2020022903040"]),
        (
            "%d %B %Y %I:%M:%S %p",
            ["01 March 2020 12:00:01 AM", "1 March 2020 1:0:0 pm", "01 March 2020 13:00:00 PM"],
        ),
        (
            "%d %b %Y %H:%M:%S.%f %z",
            ["01 Mar 2020 05:06:07.5 +0130", "01 Mar 2020 05:06:07.000001 -1130", "x"],
        ),
        ("%Y/%j", ["2020/366", "2021/366"]),
        ("%b %d %y", ["Mar 01 69", "Mar 01 68"]),
    ],
)
def test_strptime_patterns(pattern, texts):
    instants, _ = read([*texts, None, texts[0]], format=pattern)
    expected = [strptime(text, pattern) for text in texts]
    assert instants.microseconds.tolist() == [*expected, NOT_A_TIME, expected[0]]


def strptime(text, pattern):
    try:
        moment = datetime.strptime(text, pattern)
    except ValueError:
        return NOT_A_TIME
    return (
        moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta()) - naive.EPOCH
    ) // naive.MICROSECOND


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), max_size=8),
    st.text("0123456789 :aMr", max_size=9),
)
def test_strptime_equals_the_standard_library(moments, garbage):
    pattern = "%a %d %b %Y, %H:%M:%S"
    texts = [moment.strftime(pattern) for moment in moments] + [
        "Mon 02 Mar 2020, 1:2:3",
        "Tue 02 Mar 2020, 01:02:03",
        garbage,
    ]
    instants, _ = read(texts, format=pattern)
    assert instants.microseconds.tolist() == [strptime(text, pattern) for text in texts]


@pytest.mark.parametrize(
    ("format", "problem"),
    [
        ("foo", "no timestamp format 'foo'; known are"),
        ("%H:%M", "year, month or day is missing"),
        ("%Y-%m", "year, month or day is missing"),
        ("%d/%m/%Y %I:%M", "%I needs %p"),
        ("%Y %b %d %Z", "%Z cannot be read"),
        ("%Y %b %d %Q", "%Q cannot be read"),
        ("%Y %b %d %", "% cannot be read"),
    ],
)
def test_formats_that_make_no_sense(format, problem):
    with pytest.raises(SchemaError, match=problem):
        InstantReader("time", format=format)


@pytest.mark.parametrize(
    ("pattern", "text", "parts"),
    [
        ("%d.%m.%y", "31.12.20", (2020, 12, 31)),
        ("%d/%m/%Y %H:%M", "01/02/2020 03:04", (2020, 2, 1, 3, 4)),
        ("%m/%d/%Y %I:%M %p", "1/2/2020 3:04 PM", (2020, 1, 2, 15, 4)),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2020-01-02T03:04:05.6+01:00", (2020, 1, 2, 2, 4, 5, 600_000)),
        ("Y/m/d", "2020/1/2", (2020, 1, 2)),
        ("ISO 8601", "2020-01-02", (2020, 1, 2)),
    ],
)
def test_patterns_that_the_fast_parser_reads(pattern, text, parts):
    instants, _ = read([text], format=pattern)
    assert instants.microseconds.tolist() == [(datetime(*parts) - naive.EPOCH) // naive.MICROSECOND]


days = st.builds(lambda y, m, d: (y, m, d), st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28))


@settings(max_examples=100, deadline=None)
@given(st.lists(days, min_size=1, max_size=10), st.sampled_from("/-"), st.booleans())
def test_a_column_of_days_is_right_or_refused(column, separator, day_first):
    texts = [
        separator.join(f"{x:02}" for x in ((d, m) if day_first else (m, d))) + f"{separator}{y:04}"
        for y, m, d in column
    ]
    expected = [(datetime(*parts) - naive.EPOCH) // naive.MICROSECOND for parts in column]
    if any(d > 12 for _, _, d in column):
        assert read(texts)[0].microseconds.tolist() == expected
    else:
        with pytest.raises(ParseError, match="day or month first"):
            read(texts)
