"""Columns of text become ids, instants, dates, numbers and truth values; what is none is null and counted."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from dealtrace_engine.sources.crm.tables import CrmTables, Kind, RawExport
from dealtrace_engine.sources.crm.values import dense, different, shared

CATALOG = {
    "Deal": {
        "Id": Kind.ID,
        "At": Kind.INSTANT,
        "Day": Kind.DATE,
        "Sum": Kind.NUMBER,
        "Won": Kind.BOOLEAN,
        "Name": Kind.TEXT,
    }
}


def read(system="salesforce", zone="UTC", **columns):
    raw = RawExport(system, "test", "memory", {"Deal": pl.LazyFrame(columns)}, zone=zone)
    tables = CrmTables(raw, CATALOG)
    return tables.table("Deal").collect(), raw.findings


@pytest.mark.parametrize(
    "text",
    [
        "2018-10-13 17:16:45", "2018-10-13T17:16:45.000Z", "2018-10-13T17:16:45.000+0000",
        "2018-10-13T17:16:45Z", "2018-10-13T17:16:45.0000000+00:00", "10/13/2018 5:16:45 PM",
        "2018-10-13T19:16:45+02:00", "2018-10-13T17:16:45",
    ],
)  # fmt: skip
def test_instants_as_exports_write_them(text):
    found, findings = read(At=[text, "", None])
    assert found["At"].to_list() == [datetime(2018, 10, 13, 17, 16, 45, tzinfo=UTC), None, None]
    assert findings == []


def test_instants_without_a_zone_are_in_that_of_the_export():
    found, _ = read(zone="Europe/Berlin", At=["2024-07-01 12:00:00"])
    assert found["At"][0] == datetime(2024, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2013-09-16", "2013-09-16 00:00:00", "9/16/2013 12:00:00 AM", "2013-09-16T00:00:00Z"]
)
def test_dates_as_exports_write_them(text):
    assert read(Day=[text])[0]["Day"].to_list() == [date(2013, 9, 16)]


def test_what_cannot_be_read_is_null_and_counted_with_its_rows():
    found, findings = read(
        At=["2024-01-01 10:00:00", "soon", "0001-01-01 00:00:00"], Sum=["1e3", "ten", "-2.5"]
    )
    assert found["At"].null_count() == 2
    assert found["Sum"].to_list() == [1000.0, None, -2.5]
    told = {finding.reason: (finding.count, finding.first_rows, finding.example) for finding in findings}
    assert told == {"Deal.At is no instant": (2, [2, 3], "soon"), "Deal.Sum is no number": (1, [2], "ten")}


def test_a_validity_without_an_end_is_no_date_and_no_mistake():
    found, findings = read(Day=["9999-12-31 00:00:00", "2024-01-01"], At=["9999-12-31T00:00:00Z", ""])
    assert found["Day"].to_list() == [None, date(2024, 1, 1)]
    assert found["At"].null_count() == 2
    assert findings == []


def test_truth_values():
    assert read(Won=["1", "0", "true", "FALSE", "", None])[0]["Won"].to_list() == [
        True,
        False,
        True,
        False,
        None,
        None,
    ]
    assert read(Won=[1, 0, None])[0]["Won"].to_list() == [True, False, None]
    assert [finding.count for finding in read(Won=["maybe"])[1]] == [1]


def test_only_the_empty_text_is_null():
    assert read(Name=["NA", "null", "None", "", None])[0]["Name"].to_list() == [
        "NA",
        "null",
        "None",
        None,
        None,
    ]


def test_ids_are_brought_to_one_form_and_odd_ones_counted():
    ids = [
        "0064600000J5S5T",
        "0064600000j5s5taav",
        "0064600000J5S5tAAV",
        "000000000000000AAA",
        "5.0E+11",
        "x-1",
    ]
    found, findings = read(Id=ids)
    assert found["Id"].to_list() == ["0064600000J5S5TAAV"] * 2 + ["0064600000J5S5tAAV", None, None, "x-1"]
    assert [(finding.count, finding.first_rows) for finding in findings] == [
        (1, [2]),
        (1, [3]),
        (1, [6]),
        (1, [5]),
    ]


def test_guids():
    ids = ["{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "00000000-0000-0000-0000-000000000000"]
    found, findings = read("dynamics", Id=ids)
    assert found["Id"].to_list() == ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", None]
    assert [finding.reason for finding in findings] == [
        "Deal.Id had braces or capitals, which make no difference"
    ]


def test_columns_that_came_with_a_type_keep_their_values():
    at = datetime(2024, 1, 1, 10)
    found, findings = read(At=[at], Day=[date(2024, 1, 2)], Sum=[3], Won=[True])
    assert found.select("At", "Day", "Sum", "Won").row(0) == (
        at.replace(tzinfo=UTC),
        date(2024, 1, 2),
        3.0,
        True,
    )
    assert findings == []


def test_what_an_export_lacks_is_null_and_an_object_that_is_missing_has_no_rows():
    raw = RawExport("salesforce", "test", "memory", {})
    tables = CrmTables(raw, CATALOG)
    assert tables.table("Deal").collect().shape == (0, 6)
    assert not tables.has("Deal")
    found, _ = read(Id=["0064600000J5S5T"])
    assert found["At"].dtype == pl.Datetime("us", "UTC")
    assert found["At"].to_list() == [None]


def test_a_table_is_read_once():
    raw = RawExport("salesforce", "test", "memory", {"Deal": pl.LazyFrame({"At": ["x"]})})
    tables = CrmTables(raw, CATALOG)
    for _ in range(2):
        tables.table("Deal").collect()
    tables.release("Deal")
    tables.table("Deal").collect()
    assert [finding.count for finding in raw.findings] == [1]


def test_texts_that_repeat_are_the_same_texts():
    long = "a text longer than twelve bytes"
    texts = pl.Series("name", [long, None, "short", long, "", long, "short", None, "short"])
    for found in (shared(texts), dense(texts)):
        assert found.name == "name"
        assert found.to_list() == texts.to_list()
    first, spots = different(texts)
    assert first.to_list() == [long, "short", ""]
    assert spots.to_list() == [0, None, 1, 0, 2, 0, 1, None, 1]
    assert different(pl.Series(["short"] * 9)) is None
    assert different(pl.Series([f"each is another {i}" for i in range(9)])) is None
    assert different(pl.Series([None, None], dtype=pl.String)) is None
    assert different(pl.Series([], dtype=pl.String)) is None


def test_odd_ids_that_repeat_are_counted_in_every_row():
    odd = [
        "0064600000J5S5TAAX",
        None,
        "0064600000J5S5T",
        "000000000000000AAA",
        "5.0E+11",
        "",
        "nothing like an id",
    ]
    found, findings = read(Id=odd * 5)
    single, once = read(Id=odd)
    assert found["Id"].to_list() == single["Id"].to_list() * 5
    assert [finding.reason for finding in findings] == [finding.reason for finding in once]
    assert [finding.count for finding in findings] == [5 * finding.count for finding in once]
    assert [finding.example for finding in findings] == [finding.example for finding in once]
    damaged = next(finding for finding in findings if "damaged" in finding.reason)
    assert list(damaged.first_rows)[:3] == [1, 8, 15]
