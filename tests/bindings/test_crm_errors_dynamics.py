"""Damaged exports of Dynamics on the command line: counted and told, or an error in one line."""

from __future__ import annotations

import json
import shutil

import pytest

from crm_damage import change_records, copied, cut, into_days, rows, said, write_rows, written

SOME = "00000000-0000-0000-0000-00000000000a"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return written(tmp_path_factory.mktemp("dynamics") / "made", "dynamics")


@pytest.fixture(scope="module")
def whole_lake(tmp_path_factory):
    return written(tmp_path_factory.mktemp("lake") / "made", "dynamics", "synapse-link")


@pytest.fixture
def export(whole, tmp_path):
    return copied(whole, tmp_path / "export")


@pytest.fixture
def lake(whole_lake, tmp_path):
    return copied(whole_lake, tmp_path / "export")


def page(folder, name):
    return folder / f"{name}-1.json"


def removed(name):
    return lambda folder: page(folder, name).unlink()


def content(name, text):
    return lambda folder: page(folder, name).write_text(text, "utf-8")


def tenth(name, **values):
    """Set keys of every tenth record."""

    def new(number, record):
        if number % 10 == 0:
            record.update(values)

    return lambda folder: change_records(page(folder, name), new)


def lacks(name, column):
    def new(_, record):
        for key in [key for key in record if key.partition("@")[0] == column]:
            del record[key]

    return lambda folder: change_records(page(folder, name), new)


def opportunity_ids(name, new):
    def damage(_, record):
        if record.get("_opportunityid_value"):
            record["_opportunityid_value"] = new(record["_opportunityid_value"])

    return lambda folder: change_records(page(folder, name), damage)


def merged_in_a_cycle(folder):
    leads = json.loads(page(folder, "leads").read_text("utf-8"))["value"]
    masters = {0: leads[1]["leadid"], 1: leads[0]["leadid"]}

    def new(number, record):
        if number in masters:
            record.update(_masterid_value=masters[number], merged=True)

    change_records(page(folder, "leads"), new)


def of_windows(folder):
    text = page(folder, "accounts").read_text("utf-8")
    records = json.loads(text)
    for record in records["value"]:
        record["name"] = f"Müller {record['name']}"
    written_as = json.dumps(records, ensure_ascii=False).encode("cp1252", "replace")
    page(folder, "accounts").write_bytes(written_as)


TOLD = {
    "a table is missing": (removed("audits"), ["missing audit\n"]),
    "a column is missing": (lacks("opportunities", "createdon"), ["missing opportunity.createdon"]),
    "a column of cases is missing": (
        lacks("opportunities", "estimatedvalue"),
        ["missing opportunity.estimatedvalue"],
    ),
    "two days": (into_days, ["x opportunity: rows left out, older than another of the record"]),
    "charset": (of_windows, ["x accounts-1.json: records that are not UTF-8, read as Windows-1252"]),
    "ids in braces and capitals": (
        opportunity_ids("quotes", lambda old: f"{{{old.upper()}}}"),
        ["x quote.opportunityid had braces or capitals, which make no difference"],
    ),
    "ids as numbers": (
        opportunity_ids("quotes", lambda _: "6.0E+12"),
        ["x quote.opportunityid is no id", "orphans quote"],
    ),
    "a wrong character": (
        opportunity_ids("quotes", lambda old: f"z{old[1:]}"),
        ["x quote.opportunityid is no id", "orphans quote"],
    ),
    "history of unknown records": (
        tenth("audits", _objectid_value=SOME),
        [": changes are missing in the history of a record"],
    ),
    "changes cut off": (
        tenth("audits", changedata='{"changedAttri'),
        [": changes are missing in the history of a record"],
    ),
    "changes in the old form": (tenth("audits", changedata="[1, 2]"), ["x audit: changes in the old form"]),
    "leads merged in a cycle": (merged_in_a_cycle, ["2 x lead merged in a circle"]),
    "changed in the future": (
        tenth("opportunities", modifiedon="2090-01-01T00:00:00Z"),
        ["4 x opportunity.modifiedon lies in the future"],
    ),
    "created in the future": (
        tenth("opportunities", createdon="2090-01-01T00:00:00Z"),
        ["after the export 6"],
    ),
    "a year that cannot be": (
        tenth("opportunities", createdon="2990-01-01T00:00:00Z"),
        ["4 x opportunity.createdon is no instant"],
    ),
    "values of another kind": (
        tenth("opportunities", estimatedvalue={"a": 1}, createdon=["x"], statecode="odd"),
        ["4 x opportunity.createdon is no instant", "4 x opportunity.estimatedvalue is no number",
         "4 x opportunity.statecode is no number"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_is_damaged_is_counted_and_told(export, capsys, case):
    damage, parts = TOLD[case]
    damage(export)
    answer = said(capsys, export)
    assert answer.code == 0, answer.error
    for part in parts:
        assert part in answer.told


def test_what_is_whole_tells_little_of_it(whole, capsys):
    told = said(capsys, whole).told
    for part in ("is no id", "braces", "circle", "future", "is no instant", "old form", "left out", "UTF-8"):
        assert part not in told
    assert "after the export 0" in told


def test_contracts_are_told_as_underivable_and_not_as_missing(whole, capsys):
    told = said(capsys, whole).told
    assert "missing a table of contracts" not in told
    assert "cannot tell contract_signed: needs a table of contracts that the mapping names" in told


REFUSED = {
    "no opportunities": (removed("opportunities"), ["no event could be derived", "missing: opportunity,"]),
    "no ids": (lacks("opportunities", "opportunityid"), ["missing: opportunity.opportunityid"]),
    "cut off": (lambda folder: cut(page(folder, "opportunities")), ["opportunities-1.json", "is cut off"]),
    "the audit is cut off": (lambda folder: cut(page(folder, "audits")), ["audits-1.json", "is cut off"]),
    "no JSON": (content("quotes", "<html>sign in</html>"), ["quotes-1.json, line 1", "is no JSON"]),
    "an error message": (
        content("quotes", '{"error": {"code": "0x80040220", "message": "no privilege"}}'),
        ["quotes-1.json", "is an error message of the Web API"],
    ),
    "an empty file": (content("quotes", ""), ["quotes-1.json: the file is empty"]),
    "no records": (
        content("opportunities", '{"@odata.context": "x/$metadata#opportunities", "value": []}'),
        ["no event could be derived"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_line(export, capsys, case):
    damage, parts = REFUSED[case]
    damage(export)
    answer = said(capsys, export)
    assert answer.code == 1
    for part in parts:
        assert part in answer.error


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--crm", "salesforce"], "does not look like an export of salesforce"),
        (["--crm", "salesforce", "--shape", "rest-json"], "holds no object of Salesforce that is of use"),
        (["--shape", "fax"], "no exports of the shape 'fax'"),
        (["--shape", "synapse-link"], "there is no model.json"),
        (["--shape", "excel"], "holds no file that ends in .xlsx"),
        (["--shape", "replica"], "holds no table of Dynamics"),
    ],
)
def test_what_is_given_does_not_fit(whole, capsys, options, part):
    answer = said(capsys, whole, *options)
    assert answer.code == 1
    assert part in answer.error


def model(new):
    """Change the table of opportunities in model.json: `new` takes it and all tables."""

    def damage(folder):
        file = folder / "model.json"
        found = json.loads(file.read_text("utf-8"))
        new(next(table for table in found["entities"] if table["name"] == "opportunity"), found["entities"])
        file.write_text(json.dumps(found), "utf-8")

    return damage


def of_semicolons(folder):
    for file in (folder / "opportunity").glob("*.csv"):
        write_rows(file, rows(file), delimiter=";")


MISFITS = {
    "fewer columns": (model(lambda table, _: table["attributes"].pop()), ["does not fit model.json"]),
    "another order": (model(lambda table, _: table["attributes"].reverse()), ["does not fit", "no ids"]),
    "no columns": (model(lambda table, _: table.pop("attributes")), ["model.json: is no model of tables"]),
    "not in it": (model(lambda table, tables: tables.remove(table)), ["missing: opportunity,"]),
    "cut off": (lambda folder: cut(folder / "model.json"), ["model.json: cannot be read"]),
    "empty": (lambda folder: (folder / "model.json").write_bytes(b""), ["model.json: cannot be read"]),
    "a file is missing": (
        lambda folder: next((folder / "opportunity").glob("*.csv")).unlink(),
        ["model.json, value", "are not there; copy the export again"],
    ),
    "its folder is missing": (
        lambda folder: shutil.rmtree(folder / "opportunity"),
        ["no event could be derived"],
    ),
    "another delimiter": (of_semicolons, ["does not fit model.json", "the delimiter no comma?"]),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_model_that_does_not_match(lake, capsys, case):
    damage, parts = MISFITS[case]
    damage(lake)
    answer = said(capsys, lake)
    assert answer.code == 1
    for part in parts:
        assert part in answer.error


def test_a_workbook_that_is_cut_off(tmp_path, capsys):
    export = written(tmp_path / "made", "dynamics", "excel")
    assert said(capsys, export).code == 0
    file = next(export.glob("Opportunities*"))
    cut(file)
    assert f"{file.name}: is no workbook" in said(capsys, export).error
    file.write_bytes(b"")
    assert f"{file.name}: the file is empty" in said(capsys, export).error
