import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dealtrace_engine.errors import OutputError, ParseError, SchemaError
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import (
    ACCOUNT,
    HEADER,
    OPPORTUNITY,
    OTHER,
    ROWS,
    USER,
    quoted,
    read,
    rows,
    typed,
    written,
)

READ = [row[:3] for row in ROWS]


def test_a_data_export_as_it_comes(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS), Attachment=quoted(("Id", "Body"), ("1", "x")))
    assert recognise(tmp_path) == "data-export"
    raw = read(tmp_path)
    when = datetime(2023, 1, 5, 17, 7, 21, tzinfo=UTC)
    assert typed(raw, "Opportunity", "Id", "Amount", "IsClosed", "CreatedDate")[0] == (
        OPPORTUNITY,
        15000.0,
        False,
        when,
    )
    assert any("Attachment.csv" in note for note in raw.notes)


def test_an_object_in_several_parts(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, ROWS[0]), Opportunity_1=quoted(HEADER, ROWS[1]))
    assert rows(read(tmp_path), "Opportunity", "Id") == [(OPPORTUNITY,), (OTHER,)]


def test_only_columns_of_the_catalogue_and_of_the_mapping_are_read(tmp_path):
    written(
        tmp_path,
        Task=quoted(
            ("Id", "Description", "Subject", "Mood__c"), ("00T46000003LmYzEAK", "x" * 9000, "Call", "good")
        ),
    )
    raw = read(tmp_path, fields={"Task.Mood__c": "mood"})
    assert raw.frames["Task"].collect_schema().names() == ["Id", "Subject", "Mood__c"]


def test_a_custom_table_that_the_mapping_names(tmp_path):
    written(
        tmp_path,
        Signature__c=quoted(("Id", "Deal__c", "Note__c"), ("a0B46000003LmYzEAK", OPPORTUNITY, "n")),
        Opportunity=quoted(HEADER, *ROWS),
    )
    raw = read(tmp_path, objects={"Signature__c": {"id": "Id", "case": "Deal__c"}})
    assert rows(raw, "Signature__c", "Deal__c") == [(OPPORTUNITY,)]
    assert "Note__c" not in raw.frames["Signature__c"].collect_schema().names()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_charset_is_told_by_the_bytes(tmp_path, encoding):
    text = quoted(HEADER, (OPPORTUNITY, "Lösung übergeben", "1", "0", "2023-01-05 17:07:21"))
    written(tmp_path, Opportunity=text.encode(encoding))
    assert rows(read(tmp_path), "Opportunity", "StageName") == [("Lösung übergeben",)]


@pytest.mark.parametrize(
    ("encoding", "stage"),
    [("cp932", "提案中のフェーズ"), ("gb18030", "已结束并赢得客户"), ("big5", "已結束並贏得客戶")],
)
def test_east_asian_charsets(tmp_path, encoding, stage):
    text = quoted(HEADER, *[(OPPORTUNITY, stage, "1", "0", "2023-01-05 17:07:21")] * 20)
    written(tmp_path, Opportunity=text.encode(encoding))
    raw = read(tmp_path)
    assert rows(raw, "Opportunity", "StageName")[0] == (stage,)
    assert any(encoding in note for note in raw.notes)


def test_charsets_that_are_mixed_in_one_file_are_both_read_and_counted(tmp_path):
    first, second = (
        quoted(HEADER, (OPPORTUNITY, "Lösung", "1", "0", "")),
        quoted((OTHER, "Übergabe", "1", "0", "")),
    )
    written(tmp_path, Opportunity=first.encode() + second.encode("cp1252"))
    raw = read(tmp_path)
    assert rows(raw, "Opportunity", "StageName") == [("Lösung",), ("Übergabe",)]
    assert any("not UTF-8" in finding.reason for finding in raw.findings)


def test_a_late_byte_that_is_not_utf8_does_not_escape(tmp_path):
    text = quoted(HEADER, *[(OPPORTUNITY, "Qualification", "1", "0", "2023-01-05 17:07:21")] * 30_000)
    late = quoted((OTHER, "Übergabe", "1", "0", "")).encode("cp1252")
    written(tmp_path, Opportunity=text.encode() + late)
    assert rows(read(tmp_path), "Opportunity", "StageName")[-1] == ("Übergabe",)


def test_nul_bytes_are_left_out_and_counted(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, (OPPORTUNITY, "Qua\0lification", "1", "0", "")))
    raw = read(tmp_path, "bulk")
    assert rows(raw, "Opportunity", "StageName") == [("Qualification",)]
    assert [finding.count for finding in raw.findings if "NUL" in finding.reason] == [1]


@pytest.mark.parametrize("delimiter", [",", "`", "^", "|", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_delimiter_of_the_bulk_api(tmp_path, delimiter, end):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS, delimiter=delimiter, end=end))
    assert rows(read(tmp_path, "bulk"), "Opportunity", *HEADER[:3]) == READ


def test_values_without_quotes(tmp_path):
    written(tmp_path, Opportunity="\n".join(";".join(row) for row in (HEADER, *ROWS)))
    assert typed(read(tmp_path, "data-loader"), "Opportunity", "Id", "StageName") == [row[:2] for row in ROWS]


def test_chunks_of_a_bulk_job_named_by_no_object(tmp_path):
    header = (*HEADER, "LastModifiedDate")
    one, two = ((*row[:4], "2024-01-31T12:34:56.000Z", "2024-01-31T12:34:56.000Z") for row in ROWS)
    written(
        tmp_path, **{"7505e00000AbCdEAAV_1": quoted(header, one), "7505e00000AbCdEAAV_2": quoted(header, two)}
    )
    assert recognise(tmp_path) == "bulk"
    when = datetime(2024, 1, 31, 12, 34, 56, tzinfo=UTC)
    assert typed(read(tmp_path, "bulk"), "Opportunity", "Id", "CreatedDate") == [
        (OPPORTUNITY, when),
        (OTHER, when),
    ]


def test_a_later_chunk_without_its_header(tmp_path):
    written(tmp_path, Opportunity_1=quoted(HEADER, ROWS[0]), chunk_2=quoted(ROWS[1]))
    raw = read(tmp_path, "bulk")
    assert rows(raw, "Opportunity", "Id") == [(OPPORTUNITY,), (OTHER,)]
    assert any("no header" in note for note in raw.notes)


def test_gzip(tmp_path):
    (tmp_path / "Opportunity.csv.gz").write_bytes(gzip.compress(quoted(HEADER, *ROWS).encode()))
    assert recognise(tmp_path) == "bulk"
    assert rows(read(tmp_path, "bulk"), "Opportunity", *HEADER[:3]) == READ


def test_gzip_that_is_cut_off_is_a_clear_error(tmp_path):
    packed = gzip.compress(quoted(HEADER, *ROWS).encode())
    (tmp_path / "Opportunity.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(ParseError, match="cut short"):
        read(tmp_path, "bulk")


def test_upper_case_headers_of_the_data_loader(tmp_path):
    header = ("ID", "STAGENAME", "ACCOUNT.NAME", "ISCLOSED", "CREATEDDATE")
    row = (OPPORTUNITY, "Qualification", "Acme", "true", "2024-01-31T12:34:56.000Z")
    written(tmp_path, deals="\ufeff" + quoted(header, row, end="\r\n"))
    assert recognise(tmp_path) == "data-loader"
    raw = read(tmp_path, "data-loader")
    assert typed(raw, "Opportunity", "Account.Name", "IsClosed") == [("Acme", True)]


def test_soql_text_as_headers(tmp_path):
    header = ("Id", "toLabel(StageName)", "Owner.UserRole.Name", "Account.Id", "CloseDate")
    written(tmp_path, extract=quoted(header, (OPPORTUNITY, "Gewonnen", "Sales", ACCOUNT, "2024-01-31")))
    raw = read(tmp_path, "data-loader")
    assert rows(raw, "Opportunity", "StageName", "Owner.UserRole.Name", "AccountId") == [
        ("Gewonnen", "Sales", ACCOUNT)
    ]


def test_a_table_of_changes_is_told_by_its_parent(tmp_path):
    header = ("ID", "LEADID", "FIELD", "OLDVALUE", "NEWVALUE", "CREATEDBYID", "CREATEDDATE")
    row = (
        "0174600000J5S5TAAV",
        "00Q4600000LbVvfEAF",
        "Status",
        "Open",
        "Working",
        USER,
        "2024-01-31T12:34:56.000Z",
    )
    written(tmp_path, history=quoted(header, row))
    assert list(read(tmp_path, "data-loader").frames) == ["LeadHistory"]


def test_ids_tell_the_object_where_columns_do_not(tmp_path):
    written(
        tmp_path, one=quoted(("Id", "Name"), (ACCOUNT, "Acme")), two=quoted(("Id", "Name"), (USER, "Ann"))
    )
    raw = read(tmp_path, "data-loader")
    assert set(raw.frames) == {"Account", "User"}


def test_an_object_that_stays_open_is_an_error_that_names_the_candidates(tmp_path):
    written(
        tmp_path, extract=quoted(("ApiName", "MasterLabel", "SortOrder", "StatusCode"), ("a", "b", "1", "c"))
    )
    with pytest.raises(SchemaError, match=r"ContractStatus or OrderStatus.*name the file after its object"):
        read(tmp_path, "data-loader")


def test_a_row_of_another_width_is_left_out_and_counted(tmp_path):
    good = [(f"0064600000J5S{i:02}AAV", "Qualification", "1", "0", "") for i in range(20)]
    text = quoted(HEADER, *good[:5]) + '"short","row"\n' + quoted(*good[5:])
    raw = read(written(tmp_path, Opportunity=text))
    assert len(rows(raw, "Opportunity", "Id")) == 20
    (finding,) = raw.findings
    assert (finding.count, finding.first_rows, finding.example) == (1, [6], "2 fields")


def test_rows_written_with_another_delimiter_are_an_error(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER) + quoted(*ROWS * 3, delimiter=";"))
    with pytest.raises(
        ParseError, match=r"row 1: 6 of 6 rows have another number of fields.*another delimiter"
    ):
        read(tmp_path)


def test_a_file_that_ends_within_quotes_is_an_error(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS)[:-28])
    with pytest.raises(ParseError, match=r"a quote is opened and never closed.*cut off"):
        read(tmp_path)


def test_quotes_within_unquoted_values_and_lone_carriage_returns(tmp_path):
    text = (
        "Id,StageName,Name,CloseDate\r"
        + f'{OPPORTUNITY},5" pipe,Q,2023-01-05\r{OTHER},x,7" wide,2023-01-05\r'
    )
    raw = read(written(tmp_path, Opportunity=text), "data-loader")
    assert rows(raw, "Opportunity", "StageName", "Name") == [('5" pipe', "Q"), ("x", '7" wide')]


def test_values_that_look_like_null_stay(tmp_path):
    stages = ["NA", "N/A", "null", "None", "nan", ""]
    written(
        tmp_path,
        Opportunity=quoted(
            HEADER, *((f"0064600000J5S{i:02}AAV", stage, "", "0", "") for i, stage in enumerate(stages))
        ),
    )
    assert [stage for (stage,) in typed(read(tmp_path), "Opportunity", "StageName")] == [*stages[:5], None]


def test_values_of_several_lines(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, (OPPORTUNITY, 'two\nlines, "said"', "1", "0", "")))
    assert rows(read(tmp_path), "Opportunity", "StageName") == [('two\nlines, "said"',)]


def test_a_table_of_records_without_ids_is_an_error(tmp_path):
    written(tmp_path, Opportunity=quoted(("Name", "StageName", "CloseDate"), ("A", "B", "2024-01-01")))
    with pytest.raises(SchemaError, match="the table Opportunity has no column Id"):
        read(tmp_path)


def test_two_columns_of_one_name_are_an_error(tmp_path):
    written(tmp_path, Opportunity=quoted(("Id", "StageName", "StageName"), (OPPORTUNITY, "a", "b")))
    with pytest.raises(SchemaError, match="2 columns are called 'StageName'"):
        read(tmp_path)


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS), Order=quoted(("Id", "Status", "OpportunityId")))
    assert rows(read(tmp_path), "Order", "Id") == []


def test_an_empty_file_in_a_folder_is_noted(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS), Lead="")
    assert any("Lead.csv" in note for note in read(tmp_path).notes)


def test_a_folder_without_anything_of_use(tmp_path):
    written(tmp_path, Attachment=quoted(("Id", "Body"), ("1", "x")))
    assert recognise(tmp_path) is None
    with pytest.raises(ParseError, match=r"no object of Salesforce.*Attachment\.csv"):
        read(tmp_path)


def test_ids_that_a_spreadsheet_damaged_are_counted(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, ROWS[0], ("6.46E+15", "x", "1", "0", "")))
    raw = read(tmp_path)
    assert typed(raw, "Opportunity", "Id") == [(OPPORTUNITY,), (None,)]
    assert any("spreadsheet" in finding.reason for finding in raw.findings)


def test_converted_text_is_removed_with_the_export(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    folder = written(tmp_path / "e", Opportunity=quoted(HEADER, *ROWS).encode("utf-16"))
    raw = read(folder)
    assert len(list((tmp_path / "t").iterdir())) == 1
    assert rows(raw, "Opportunity", "Id")
    del raw
    assert list((tmp_path / "t").iterdir()) == []


def test_a_place_for_converted_text_that_cannot_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    folder = written(tmp_path / "e", Opportunity=quoted(HEADER, *ROWS).encode("utf-16"))
    with pytest.raises(OutputError, match=r"no temporary folder can be made.*TMPDIR"):
        read(folder)


def test_nothing_is_left_behind_by_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    folder = written(tmp_path / "e", Account=quoted(("Id", "Name"), (ACCOUNT, "Ä")).encode("utf-16"),
                     Opportunity=quoted(HEADER) + quoted(*ROWS * 3, delimiter=";"))  # fmt: skip
    with pytest.raises(ParseError):
        read(folder)
    assert list((tmp_path / "t").iterdir()) == []


def test_a_path_of_one_file(tmp_path):
    written(tmp_path, Opportunity=quoted(HEADER, *ROWS))
    path: Path = tmp_path / "Opportunity.csv"
    assert recognise(path) == "data-export"
    assert rows(read(path), "Opportunity", "Id") == [(OPPORTUNITY,), (OTHER,)]
