"""Several exports in one folder: parts are put together, of generations the newest row of a record counts."""

import polars as pl

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.generations import combined
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import OPPORTUNITY, OTHER, quoted, read, rows, written

HEADER = ("Id", "StageName", "SystemModstamp", "CreatedDate")
THIRD = "0064600000J5S5VAAV"


def week(folder, day, *deals):
    body = [(id_, stage, f"{at} 10:00:00", "2024-01-01 00:00:00") for id_, stage, at in deals]
    return written(folder / day, Opportunity=quoted(HEADER, *body))


def test_dated_subfolders_are_generations(tmp_path):
    week(
        tmp_path,
        "2024-01-07",
        (OPPORTUNITY, "Prospecting", "2024-01-02"),
        (OTHER, "Won", "2024-01-03"),
        (THIRD, "x", "2024-01-03"),
    )
    week(tmp_path, "2024-01-14", (OPPORTUNITY, "Closed Won", "2024-01-10"), (OTHER, "Won", "2024-01-03"))
    assert recognise(tmp_path) == "data-export"
    raw = read(tmp_path)
    assert rows(raw, "Opportunity", "Id", "StageName") == [
        (THIRD, "x"),
        (OPPORTUNITY, "Closed Won"),
        (OTHER, "Won"),
    ]
    (note,) = [note for note in raw.notes if "generations" in note]
    assert "2 older or equal rows set aside, 1 records are newest in an earlier file" in note


def test_older_generations_are_versions(tmp_path):
    week(tmp_path, "a", (OPPORTUNITY, "Prospecting", "2024-01-02"), (OTHER, "Won", "2024-01-03"))
    week(tmp_path, "b", (OPPORTUNITY, "Closed Won", "2024-01-10"), (OTHER, "Won", "2024-01-03"))
    versions = CrmTables(read(tmp_path), CATALOG).all_versions("Opportunity").collect()
    found = versions.sort("Id", "version_at").select(
        "Id", "StageName", pl.col("version_at").dt.strftime("%d")
    )
    assert found.rows() == [
        (OPPORTUNITY, "Prospecting", "02"),
        (OPPORTUNITY, "Closed Won", "10"),
        (OTHER, "Won", "03"),
    ]


def test_the_later_change_counts_not_the_later_file(tmp_path):
    week(tmp_path, "1-new", (OPPORTUNITY, "Closed Won", "2024-01-10"))
    week(tmp_path, "2-old", (OPPORTUNITY, "Prospecting", "2024-01-02"))
    assert rows(read(tmp_path), "Opportunity", "StageName") == [("Closed Won",)]


def test_rows_of_changes_in_both_generations_count_once(tmp_path):
    header = ("Id", "OpportunityId", "StageName", "CreatedDate")
    first = ("0084600000iqknnAAA", OPPORTUNITY, "Prospecting", "2024-01-02 10:00:00")
    second = ("0084600000iqknoAAA", OPPORTUNITY, "Won", "2024-01-09 10:00:00")
    written(tmp_path / "a", OpportunityHistory=quoted(header, first))
    written(tmp_path / "b", OpportunityHistory=quoted(header, first, second))
    raw = read(tmp_path)
    assert rows(raw, "OpportunityHistory", "StageName") == [("Prospecting",), ("Won",)]
    assert "OpportunityHistory" not in raw.versions


def test_exports_of_different_days_are_told_by_changes_after_their_records(tmp_path):
    header = ("Id", "OpportunityId", "StageName", "CreatedDate")
    week(tmp_path, "", (OPPORTUNITY, "Prospecting", "2024-01-02"))
    early = ("0084600000iqknnAAA", OPPORTUNITY, "Prospecting", "2024-01-03 03:00:00")
    late = ("0084600000iqknoAAA", OPPORTUNITY, "Won", "2024-01-09 10:00:00")
    written(tmp_path, OpportunityHistory=quoted(header, early))
    assert read(tmp_path).findings == []
    written(tmp_path, OpportunityHistory=quoted(header, early, late))
    (finding,) = read(tmp_path).findings
    assert "exports of different days?" in finding.reason
    assert (finding.count, "2024-01-09 10:00:00" in finding.reason) == (2, True)


def test_short_and_long_ids_are_of_one_record():
    frames = [
        pl.LazyFrame({"Id": [OPPORTUNITY[:15]], "Name": ["a"]}),
        pl.LazyFrame({"Id": [OPPORTUNITY], "Name": ["b"]}),
    ]
    result = combined("Opportunity", [(frame, str(i)) for i, frame in enumerate(frames)])
    assert result.frame.collect()["Name"].to_list() == ["b"]


def test_parts_with_other_columns_are_put_together():
    frames = [pl.LazyFrame({"Id": ["1"], "Name": ["a"]}), pl.LazyFrame({"Id": ["2"], "Type": ["b"]})]
    result = combined("Account", [(frame, str(i)) for i, frame in enumerate(frames)])
    assert result.frame.collect().rows() == [("1", "a", None), ("2", None, "b")]
    assert result.notes == ["Account: 2 parts"]
