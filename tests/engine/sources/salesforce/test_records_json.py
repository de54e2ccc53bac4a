import gzip
import json

import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce import json_stream, plain_json, records_json
from dealtrace_engine.sources.salesforce.json_stream import JsonRecords
from dealtrace_engine.sources.salesforce.plain_json import plain_frame
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import ACCOUNT, OPPORTUNITY, OTHER, read, rows, typed

URL = "/services/data/v60.0/sobjects/Opportunity/"


def record(id_=OPPORTUNITY, **more):
    return {
        "attributes": {"type": "Opportunity", "url": URL + id_},
        "Id": id_,
        "StageName": "Prospecting",
        **more,
    }


def page(*records, done=True, total=None, **more):
    return {"totalSize": total or len(records), "done": done, **more, "records": list(records)}


def stored(folder, name, *values, indent=None):
    (folder / name).write_text("\n".join(json.dumps(value, indent=indent) for value in values), "utf-8")
    return folder


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "values",
    [
        [page(record(), record(OTHER))],
        [page(record(), done=False, nextRecordsUrl="/services/data/x-2000"), page(record(OTHER))],
        [{"status": 0, "result": page(record(), record(OTHER)), "warnings": []}],
        [[record(), record(OTHER)]],
        [[page(record()), page(record(OTHER))]],
        [record(), record(OTHER)],
    ],
    ids=["page", "concatenated", "command line", "array", "array of pages", "lines"],
)
def test_every_way_in_which_records_come(tmp_path, values, indent):
    stored(tmp_path, "answer.json", *values, indent=indent)
    assert recognise(tmp_path) == "rest-json"
    assert rows(read(tmp_path, "rest-json"), "Opportunity", "Id") == [(OPPORTUNITY,), (OTHER,)]


def test_values_come_as_they_are_written(tmp_path):
    stored(
        tmp_path,
        "a.json",
        page(
            record(
                Amount=15000.10, IsClosed=False, LeadSource=None, CreatedDate="2018-12-10T17:50:19.000+0000"
            )
        ),
    )
    raw = read(tmp_path, "rest-json")
    assert rows(raw, "Opportunity", "Amount", "IsClosed", "LeadSource") == [("15000.1", "false", None)]
    ((created, amount),) = typed(raw, "Opportunity", "CreatedDate", "Amount")
    assert (created.isoformat(), amount) == ("2018-12-10T17:50:19+00:00", 15000.1)


def test_related_records_and_those_nested_in_a_record(tmp_path):
    line = {
        "attributes": {"type": "OpportunityLineItem", "url": "u"},
        "Id": "00k1G000009ajwQAAQ",
        "Quantity": 2.0,
    }
    deal = record(
        Account={"attributes": {"type": "Account", "url": "u"}, "Id": ACCOUNT, "Name": "@Acme"},
        Owner={
            "attributes": {"type": "User", "url": "u"},
            "Name": "Ann",
            "UserRole": {"attributes": {}, "Name": "East"},
        },
        OpportunityLineItems=page(line),
    )
    stored(tmp_path, "a.json", page(deal))
    raw = read(tmp_path, "rest-json")
    assert rows(raw, "Opportunity", "AccountId", "Account.Name", "Owner.UserRole.Name") == [
        (ACCOUNT, "@Acme", "East")
    ]
    assert rows(raw, "OpportunityLineItem", "Id", "OpportunityId", "Quantity") == [
        ("00k1G000009ajwQAAQ", OPPORTUNITY, "2.0")
    ]


def test_pages_in_several_files(tmp_path):
    stored(tmp_path, "p1.json", page(record(), done=False, total=2))
    stored(tmp_path, "p2.json", page(record(OTHER), total=2))
    assert len(rows(read(tmp_path, "rest-json"), "Opportunity", "Id")) == 2


def test_in_bulk_and_one_by_one_it_is_the_same(tmp_path, monkeypatch):
    related = {"attributes": {"type": "Account"}, "Id": ACCOUNT, "Name": 'Äcme, "x"'}
    deals = [
        record(Amount=15000.25, IsWon=True, Account=related if i % 3 else None, Name=f"\u5546 \\ {i}")
        for i in range(300)
    ]
    stored(tmp_path, "a.json", page(*deals[:150], done=False), page(*deals[150:]), indent=1)
    columns = ("Id", "Amount", "IsWon", "AccountId", "Account.Name", "Name")
    in_bulk = read(tmp_path, "rest-json")
    monkeypatch.setattr("dealtrace_engine.sources.salesforce.records_json.plain_frame", lambda *_: None)
    one_by_one = read(tmp_path, "rest-json")
    assert rows(in_bulk, "Opportunity", *columns) == rows(one_by_one, "Opportunity", *columns)
    assert in_bulk.other_columns == one_by_one.other_columns == {}


def test_a_tree_in_bulk_and_one_by_one_is_the_same(tmp_path, monkeypatch):
    """References stand for ids, and columns appear when a record first has something in them."""
    deals = [
        {
            "attributes": {"type": "Opportunity", "referenceId": f"OpportunityRef{i}"},
            "StageName": "Won \u00fc" if i % 2 else "Lost",
            "AccountId": f"@AccountRef{i % 7}",
            **({"Amount": i / 4} if i > 150 else {}),
            **({"LeadSource": None if i % 2 else "Web"} if i > 220 else {}),
        }
        for i in range(300)
    ]
    stored(tmp_path, "a.json", {"records": deals}, indent=1)
    monkeypatch.setattr(plain_json, "PIECE", 1 << 12)
    taken = []
    monkeypatch.setattr(
        records_json, "plain_frame", lambda *given: taken.append(plain_frame(*given)) or taken[-1]
    )
    in_bulk = read(tmp_path, "tree")
    assert taken[0] is not None
    monkeypatch.setattr(records_json, "plain_frame", lambda *_: None)
    one_by_one = read(tmp_path, "tree")
    columns = ("Id", "StageName", "AccountId", "Amount", "LeadSource")
    found = rows(in_bulk, "Opportunity", *columns)
    assert found == rows(one_by_one, "Opportunity", *columns)
    assert found[0] == ("@OpportunityRef0", "Lost", "@AccountRef0", None, None)
    assert found[299] == ("@OpportunityRef299", "Won ü", "@AccountRef5", "74.75", None)
    assert (in_bulk.notes, [f.count for f in in_bulk.findings]) == (
        one_by_one.notes, [f.count for f in one_by_one.findings],
    )  # fmt: skip


def test_keys_that_are_not_spelled_as_the_api_does(tmp_path):
    stored(
        tmp_path,
        "a.json",
        page({"attributes": {"type": "Opportunity"}, "id": OPPORTUNITY, "stage_name": "Won"}),
    )
    assert rows(read(tmp_path, "rest-json"), "Opportunity", "Id", "StageName") == [(OPPORTUNITY, "Won")]


def test_records_at_several_depths_are_all_read(tmp_path):
    stored(tmp_path, "a.json", page(record()), record(OTHER), [record("0064600000J5S5VAAV")])
    assert len(rows(read(tmp_path, "rest-json"), "Opportunity", "Id")) == 3


def test_a_query_that_found_nothing_is_a_table_without_rows(tmp_path):
    stored(tmp_path, "Opportunity-1.json", page(record()))
    stored(tmp_path, "Lead-1.json", page())
    assert rows(read(tmp_path, "rest-json"), "Lead", "Id") == []


def test_a_page_that_is_missing_is_noted(tmp_path):
    stored(tmp_path, "p1.json", page(record(), done=False, total=2500, nextRecordsUrl="x"))
    assert any("1 of the 2,500 records" in note for note in read(tmp_path, "rest-json").notes)


def test_records_without_a_type_are_told_by_the_file_or_their_columns(tmp_path):
    bare = {"Id": OPPORTUNITY, "StageName": "Won", "CloseDate": "2024-01-01", "IsWon": True}
    stored(tmp_path, "rows.jsonl", bare)
    assert recognise(tmp_path) == "rest-json"
    assert rows(read(tmp_path, "rest-json"), "Opportunity", "IsWon") == [("true",)]


def test_a_column_that_appears_late(tmp_path, monkeypatch):
    monkeypatch.setattr("dealtrace_engine.sources.salesforce.records_json.ROWS", 2)
    stored(tmp_path, "a.jsonl", record(), record(OTHER), record("0064600000J5S5VAAV", Type="New"))
    assert rows(read(tmp_path, "rest-json"), "Opportunity", "Type") == [(None,), (None,), ("New",)]


def test_objects_of_no_use_are_noted(tmp_path):
    stored(tmp_path, "a.json", page(record(), {"attributes": {"type": "Attachment"}, "Id": "x"}))
    assert any("1 records of Attachment" in note for note in read(tmp_path, "rest-json").notes)


def test_small_pieces_and_wide_characters_make_no_difference(tmp_path, monkeypatch):
    stored(tmp_path, "a.json", page(*(record(f"{i:015}AAA", Name="商談 é 🙂") for i in range(50))))
    (tmp_path / "a.json").write_text(
        json.dumps(page(record(Name="商談 é 🙂"), record(OTHER, Name="ä")), ensure_ascii=False), "utf-8"
    )
    whole = list(JsonRecords(InputFile.at(tmp_path / "a.json")))
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(json_stream, "PIECE", size)
        assert list(JsonRecords(InputFile.at(tmp_path / "a.json"))) == whole
    assert whole[0]["Name"] == "商談 é 🙂"


def test_utf16_of_a_shell_and_gzip(tmp_path):
    text = json.dumps(page(record()))
    (tmp_path / "a.json").write_bytes(text.encode("utf-16"))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(page(record(OTHER))).encode()))
    assert len(rows(read(tmp_path, "rest-json"), "Opportunity", "Id")) == 2


@pytest.mark.parametrize("cut", [20, 60, 150])
def test_a_file_that_is_cut_off(tmp_path, cut):
    (tmp_path / "a.json").write_text(json.dumps(page(record(), record(OTHER)))[:-cut])
    with pytest.raises(ParseError, match=r"a\.json, line 1: is cut off.*query it again"):
        read(tmp_path, "rest-json")


def test_an_array_of_numbers_is_no_records(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert recognise(tmp_path) is None
    with pytest.raises(ParseError, match="something else than records"):
        read(tmp_path, "rest-json")


def test_a_tree_is_read_and_flagged(tmp_path):
    tree = {
        "records": [
            {
                "attributes": {"type": "Account", "referenceId": "AccountRef1"},
                "Name": "@Acme",
                "Opportunities": {
                    "records": [
                        {
                            "attributes": {"type": "Opportunity", "referenceId": "OpportunityRef1"},
                            "StageName": "Won",
                        }
                    ]
                },
            },
            {
                "attributes": {"type": "Opportunity", "referenceId": "OpportunityRef2"},
                "AccountId": "@AccountRef1",
            },
        ]
    }
    stored(tmp_path, "Account-Opportunity.json", tree)
    stored(tmp_path, "Account-Opportunity-plan.json", [{"sobject": "Account", "files": ["x.json"]}])
    assert recognise(tmp_path) == "tree"
    raw = read(tmp_path, "tree")
    assert rows(raw, "Opportunity", "Id", "AccountId") == [
        ("@OpportunityRef1", "@AccountRef1"),
        ("@OpportunityRef2", "@AccountRef1"),
    ]
    assert rows(raw, "Account", "Name") == [("@Acme",)]
    assert any("tree" in finding.reason and finding.count == 3 for finding in raw.findings)
