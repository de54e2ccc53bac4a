from collections import Counter

import pytest
from dealtrace_engine.sources.iso_dates import FIRST_US, LAST_US, parse_dates
from hypothesis import given
from hypothesis import strategies as st
from naive import xes as naive

digits = st.integers(0, 9).map(str)
zones = st.one_of(
    st.sampled_from(["", "Z", "+00:00", "-00:00", "+0530", "-23:59"]),
    st.builds("{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 25), st.integers(0, 61)),
)
fractions = st.one_of(st.just(""), st.lists(digits, min_size=1, max_size=10).map(lambda d: "." + "".join(d)))
texts = st.builds(
    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format,
    st.one_of(st.sampled_from([0, 1, 1900, 2000, 2024, 9999]), st.integers(0, 9999)),
    st.integers(0, 13), st.integers(0, 32), st.integers(0, 24), st.integers(0, 60), st.integers(0, 60),
    fractions, zones,
)  # fmt: skip


def naive_dates(texts):
    values = []
    for row, text in enumerate(texts):
        try:
            values.append(naive.date(text))
        except ValueError:
            return values, row
    return values, None


@given(st.lists(texts, min_size=1, max_size=20))
def test_equal_to_the_standard_library(texts):
    dates = parse_dates(texts)
    values, first_bad = naive_dates(texts)
    assert dates.first_bad == first_bad
    got = [
        us * 1000 + ns for us, ns in zip(dates.microseconds.tolist(), dates.nanoseconds.tolist(), strict=True)
    ]
    assert got[: len(values)] == values
    if first_bad is None:
        assert dates.zones == Counter(naive.DATE.fullmatch(text)[3] or "naive" for text in texts)


@given(st.datetimes(), fractions.filter(lambda f: len(f) <= 10), zones)
def test_every_real_date(moment, fraction, zone):
    text = moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S") + fraction + zone
    values, first_bad = naive_dates([text])
    dates = parse_dates([text])
    assert dates.first_bad == first_bad
    assert first_bad == 0 or values == [int(dates.microseconds[0]) * 1000 + int(dates.nanoseconds[0])]


def test_the_ends_of_time():
    dates = parse_dates(
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999999Z"]
    )
    assert dates.first_bad is None
    assert dates.microseconds.tolist() == [FIRST_US, LAST_US, -1]
    assert dates.nanoseconds.tolist() == [0, 0, 999]


@pytest.mark.parametrize(
    "text",
    [
        "", "?", "now", "2020-01-01", "2020-01-01T00:00", "2020-01-01 00:00:00", "2020-01-01t00:00:00z",
        "2020-01-01T00:00:00.", "2020-01-01T00:00:00.0000000001", "2020-01-01T24:00:00Z",
        "2020-01-01T00:00:60Z",
        "2020-02-30T00:00:00Z", "1900-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
        "12020-01-01T00:00:00Z", "2020-01-01T00:00:00+24:00", "2020-01-01T00:00:00+01:60",
        "2020-01-01T00:00:00+1:00",
        "2020-01-01T00:00:00 Z", " 2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z\n", "２０20-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2020-W01-1T00:00:00Z", "20200101T000000Z",
    ],
)  # fmt: skip
def test_no_date(text):
    good = "2020-01-01T00:00:00Z"
    assert parse_dates([good, good, text, good]).first_bad == 2
