"""Files of the shapes in which rows come from an API, as a reader without this project's code finds them."""

import csv
import gzip
import io
import json
import re
import zipfile
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import shape_tables as made
from dealtrace_engine.errors import ArgumentError, Cancelled
from dealtrace_engine.synthetic.crm.salesforce_shapes.replica import snake_case
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import SHAPES, write_salesforce

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000"


def written(folder: Path, shape: str, **options: object) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    write_salesforce(made.salesforce(), folder, shape, **options)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(data: bytes, encoding: str = "utf-8", **options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(encoding), newline=""), **options))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_tables_give_the_same_bytes(shape, tmp_path):
    assert written(tmp_path / "a", shape) == written(tmp_path / "b", shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_deleted_rows_are_only_in_what_is_queried(shape, tmp_path):
    data = b"".join(written(tmp_path, shape).values())
    if shape == "data-export-zip":
        (part,) = tmp_path.iterdir()
        data = zipfile.ZipFile(part).read("Opportunity.csv")
    queried = shape in ("data-loader", "bulk", "rest-json", "replica")
    assert (b'"Three"' in data or b",Three," in data) == queried


@pytest.mark.parametrize("shape", SHAPES)
def test_progress_reaches_the_end_and_can_cancel(shape, tmp_path):
    seen = []
    write_salesforce(made.salesforce(), tmp_path, shape, progress=lambda *at: seen.append(at))
    of = seen[-1][1]
    assert seen == sorted(seen)
    assert shape in ("report", "bulk", "tree") or seen[-1] == (of, of)
    (tmp_path / "again").mkdir()
    with pytest.raises(Cancelled):
        write_salesforce(made.salesforce(), tmp_path / "again", shape, progress=lambda *_: False)


def test_data_loader_in_capitals_with_the_mark_of_utf8(tmp_path):
    data = written(tmp_path, "data-loader")["Opportunity.csv"]
    assert data.startswith(b'\xef\xbb\xbf"ID","ISDELETED",')
    one, won, gone = rows(data, "utf-8-sig")
    assert one["OWNER.NAME"] == "Zoë Müller"
    assert (one["ISWON"], won["ISWON"], gone["ISWON"]) == ("false", "true", "")
    assert won["CREATEDDATE"] == "2023-07-01T23:30:00.000Z"
    assert won["CLOSEDATE"] == "2023-07-01"
    assert won["NAME"] == made.TEXT
    assert (won["ACCOUNT.NAME"], gone["OWNER.NAME"]) == ("", "")
    assert one["ACCOUNT.NAME"] == "N/A"  # a name, not a missing one
    assert b"\r\n" not in data


@pytest.mark.parametrize(("language", "encoding"), [("de", "cp1252"), ("ja", "cp932"), ("zh", "gbk")])
def test_data_loader_in_the_character_set_of_the_machine(language, encoding, tmp_path):
    data = written(tmp_path, "data-loader", language=language)["Opportunity.csv"]
    assert not data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 4
    name = rows(data, encoding)[0]["OWNER.NAME"]
    assert name == "Zoë Müller".encode(encoding, "replace").decode(encoding)
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")


def test_data_loader_as_the_query_names_things(tmp_path):
    files = written(
        tmp_path, "data-loader", all_caps=False, encoding="utf8", separator=";", file_name="x_{}.csv"
    )
    assert files["x_Quote.csv"].startswith(b'\xef\xbb\xbf"Id";"OpportunityId";')
    with pytest.raises(ArgumentError, match="no character set 'utf-9'"):
        written(tmp_path / "b", "data-loader", encoding="utf-9")


@pytest.mark.parametrize(
    ("name", "sign"),
    [("comma", ","), ("backquote", "`"), ("caret", "^"), ("pipe", "|"), ("semicolon", ";"), ("tab", "\t")],
)
@pytest.mark.parametrize("line_end", ["lf", "crlf"])
def test_bulk_chunks_repeat_the_header(name, sign, line_end, tmp_path):
    files = written(tmp_path, "bulk", delimiter=name, line_end=line_end, chunk_rows=2)
    first, second = files["Opportunity-0001.csv"], files["Opportunity-0002.csv"]
    end = {"lf": b"\n", "crlf": b"\r\n"}[line_end]
    assert first.split(end)[0] == second.split(end)[0] != b""
    read = rows(first, delimiter=sign) + rows(second, delimiter=sign)
    assert [row["Id"] for row in read] == [made.OPEN, made.WON, made.GONE]
    assert all(re.fullmatch(f"{INSTANT}Z", row["CreatedDate"]) for row in read)
    assert read[2]["OwnerId"] == read[2]["IsWon"] == ""
    assert "OrderStatus-0001.csv" not in files  # the Bulk API does not query it


def test_bulk_compressed_and_with_nul(tmp_path):
    many = pl.DataFrame({"Id": [str(n) for n in range(2000)], "Subject": ["Call"] * 2000})
    write_salesforce({"Task": many}, tmp_path, "bulk", compressed=True)
    data = gzip.decompress((tmp_path / "Task-0001.csv.gz").read_bytes())
    assert 2 <= data.count(b"Call\0") <= 3
    assert len(rows(data.replace(b"\0", b""))) == 2000
    with pytest.raises(ArgumentError, match="choose from comma, backquote"):
        written(tmp_path / "b", "bulk", delimiter="colon")


def test_rest_pages_follow_each_other(tmp_path):
    many = pl.DataFrame({"Id": [f"00T{n:015}" for n in range(4001)]})
    write_salesforce({"Task": many, "Nothing": many.head(0)}, tmp_path, "rest-json")
    pages = [json.loads((tmp_path / f"Task-{n}.json").read_text()) for n in (1, 2, 3)]
    assert [len(page["records"]) for page in pages] == [2000, 2000, 1]
    assert [page["done"] for page in pages] == [False, False, True]
    assert all(page["totalSize"] == 4001 for page in pages)
    assert re.fullmatch(r"/services/data/v\d\d\.0/query/\w+-2000", pages[0]["nextRecordsUrl"])
    assert "nextRecordsUrl" not in pages[2]
    none = json.loads((tmp_path / "Nothing-1.json").read_text())
    assert none == {"totalSize": 0, "done": True, "records": []}


def test_rest_values(tmp_path):
    one, won, gone = json.loads(written(tmp_path, "rest-json")["Opportunity-1.json"])["records"]
    address = f"/services/data/v62.0/sobjects/Opportunity/{made.OPEN}"
    assert next(iter(one)) == "attributes"
    assert one["attributes"] == {"type": "Opportunity", "url": address}
    assert one["Owner"]["Name"] == "Zoë Müller"
    assert (won["Amount"], gone["Amount"], won["IsWon"], won["Name"]) == (1500.25, None, True, made.TEXT)
    assert won["CloseDate"] == "2023-07-01"
    assert re.fullmatch(rf"{INSTANT}\+0000", won["LastStageChangeDate"])
    assert gone["Owner"] is None


def test_tree_knows_no_ids(tmp_path):
    files = written(tmp_path, "tree")
    records = json.loads(files["Opportunity.json"])["records"]
    assert records[0]["attributes"] == {"type": "Opportunity", "referenceId": "OpportunityRef1"}
    assert records[0]["AccountId"] == "@AccountRef1"
    assert "Id" not in records[0]
    assert "AccountId" not in records[1]  # what is null is not there
    (line,) = records[1]["OpportunityLineItems"]["records"]
    assert "OpportunityId" not in line
    assert json.loads(files["Opportunity-plan.json"])[0]["files"] == ["Opportunity.json"]
    history = json.loads(files["OpportunityHistory.json"])["records"]
    assert history[0]["OpportunityId"] == "@OpportunityRef2"
    assert not re.search(rb"00[56]5g00000", b"".join(files.values()))


def test_replica_names():
    names = {
        "Pricebook2Id": "pricebook_2_id",
        "Territory2Id": "territory_2_id",
        "IsExcludedFromTerritory2Filter": "is_excluded_from_territory_2_filter",
        "MC4SF__MC_Subscriber__c": "mc_4_sf_mc_subscriber_c",
        "LastCURequestDate": "last_curequest_date",
        "Product2": "product_2",
        "Id": "id",
        "SystemModstamp": "system_modstamp",
        "SBQQ__Opportunity2__c": "sbqq_opportunity_2_c",
        "OpportunityFieldHistory": "opportunity_field_history",
    }
    assert {name: snake_case(name) for name in names} == names


def test_replica_columns(tmp_path):
    files = written(tmp_path, "replica")
    one, won, gone = rows(files["opportunity.csv"])
    assert next(iter(one)) == "_fivetran_synced"
    assert list(one)[-1] == "_fivetran_active"
    assert (one["close_date"], one["created_date"]) == ("2024-01-31 00:00:00", "2023-01-05 17:07:21")
    assert (one["is_won"], won["is_won"], gone["is_won"], gone["is_deleted"]) == ("false", "true", "", "true")
    assert "_fivetran_deleted" not in one
    assert "_fivetran_deleted" in rows(files["user.csv"])[0]
    datetime.fromisoformat(one["_fivetran_synced"])


def test_unknown_shapes_and_options(tmp_path):
    with pytest.raises(
        ArgumentError, match="no shape 'carrier-pigeon' of a Salesforce export; choose from data-"
    ):
        write_salesforce(made.salesforce(), tmp_path, "carrier-pigeon")
    with pytest.raises(ArgumentError, match="no option 'delimiter'; it has: page_rows"):
        write_salesforce(made.salesforce(), tmp_path, "rest-json", delimiter="tab")
