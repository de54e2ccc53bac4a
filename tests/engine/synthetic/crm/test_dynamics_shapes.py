"""Files of Dataverse's shapes: what a reader without this project's code finds in them."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import shape_tables as made
from dealtrace_engine.errors import ArgumentError, Cancelled
from dealtrace_engine.synthetic.crm.dynamics_shapes.display_names import column_name
from dealtrace_engine.synthetic.crm.dynamics_shapes.writing import SHAPES, write_dynamics
from shared_data import SHARED, needs_shared

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
LOGICAL = "@Microsoft.Dynamics.CRM.lookuplogicalname"


def written(folder: Path, shape: str, tables=None, **options: object) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    write_dynamics(tables or made.dynamics(), folder, shape, **options)
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def lines(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_tables_give_the_same_bytes(shape, tmp_path):
    assert written(tmp_path / "a", shape) == written(tmp_path / "b", shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_progress_and_cancelling(shape, tmp_path):
    seen = []
    written(tmp_path / "a", shape, progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    with pytest.raises(Cancelled):
        written(tmp_path / "b", shape, progress=lambda *_: False)


def test_web_api_values_and_annotations(tmp_path):
    page = json.loads(written(tmp_path, "web-api")["opportunities-1.json"])
    assert page["@odata.context"].endswith("$metadata#opportunities")
    assert "@odata.nextLink" not in page
    one, done = page["value"]
    assert next(iter(one)) == "@odata.etag"
    assert one["@odata.etag"] == 'W/"81359849"'
    assert one["opportunityid"] == made.DEAL
    assert one["_ownerid_value"] == made.REP
    assert one[f"_ownerid_value{FORMATTED}"] == "Zoë Müller"
    assert one[f"_ownerid_value{LOGICAL}"] == "systemuser"
    assert (one[f"_customerid_value{LOGICAL}"], done[f"_customerid_value{LOGICAL}"]) == ("account", "contact")
    assert done["_parentaccountid_value"] is None
    assert not [key for key in done if key.startswith("_parentaccountid_value@")]
    assert (one["statecode"], one[f"statecode{FORMATTED}"]) == (0, "Open")
    assert one["createdon"] == "2023-01-05T17:07:21Z"
    assert one[f"createdon{FORMATTED}"] == "1/5/2023 6:07 PM"
    assert one["estimatedclosedate"] == "2024-05-20"
    assert one["estimatedvalue"] == 20000.0
    assert (done["name"], done["isprivate"], done["salesstage"]) == (made.TEXT, True, None)


def test_web_api_labels_in_the_language_of_the_caller(tmp_path):
    page = json.loads(written(tmp_path, "web-api", language="de")["opportunities-1.json"])
    assert [row[f"statecode{FORMATTED}"] for row in page["value"]] == ["Offen", "Gewonnen"]
    assert page["value"][0][f"statuscode{FORMATTED}"] == "In Progress"  # there is no German label
    assert page["value"][0][f"createdon{FORMATTED}"] == "05.01.2023 18:07"


def test_web_api_audit_rows(tmp_path):
    (row,) = json.loads(written(tmp_path, "web-api")["audits-1.json"])["value"]
    assert row["_objectid_value"] == made.DONE
    assert row[f"_objectid_value{LOGICAL}"] == "opportunity"
    assert json.loads(row["changedata"])["changedAttributes"][0]["newValue"] == "1"
    assert (row["action"], row["objecttypecode"]) == (2, "opportunity")


def test_web_api_pages(tmp_path):
    many = pl.DataFrame({"accountid": [f"{n:08}-0000-4000-8000-000000000000" for n in range(10_001)]})
    files = written(tmp_path, "web-api", {"account": many})
    pages = [json.loads(files[f"accounts-{n}.json"]) for n in (1, 2, 3)]
    assert [len(page["value"]) for page in pages] == [5000, 5000, 1]
    assert ["@odata.nextLink" in page for page in pages] == [True, True, False]
    assert "$skiptoken=" in pages[0]["@odata.nextLink"]
    assert files.keys() == {f"accounts-{n}.json" for n in (1, 2, 3)}


def attributes(files: dict[str, bytes], table: str, folder: str = "") -> list[str]:
    model = json.loads(files[f"{folder}model.json"])
    assert (model["name"], model["version"]) == ("cdm", "1.0")
    (entity,) = (entity for entity in model["entities"] if entity["name"] == table)
    return [attribute["name"] for attribute in entity["attributes"]]


def test_synapse_link_is_headerless_and_ragged(tmp_path):
    files = written(tmp_path, "synapse-link")
    names = attributes(files, "opportunity")
    assert names[:3] == ["Id", "SinkCreatedOn", "SinkModifiedOn"]
    assert names[-3:] == ["versionnumber", "IsDelete", "new_region"]
    (old,), (new,) = lines(files["opportunity/2023.csv"]), lines(files["opportunity/2025.csv"])
    assert (len(old), len(new)) == (len(names) - 1, len(names))  # the custom column was added in between
    row = dict(zip(names, new, strict=True))
    assert (row["Id"], row["opportunityid"], row["new_region"]) == (made.DONE, made.DONE, "South")
    assert row["SinkModifiedOn"] == "6/1/2025 10:03:10 PM"
    assert row["createdon"] == "2025-06-01T22:00:00.0264900+00:00"
    assert row["modifiedon"] == "2025-06-01T22:00:00Z"
    assert (row["isprivate"], row["name"], row["IsDelete"]) == ("True", made.TEXT, "")
    assert (row["customerid_entitytype"], row["ownerid_entitytype"]) == ("contact", "systemuser")
    assert "stringmap/2026.csv" not in files
    assert "audit/2023.csv" in files


def test_synapse_partitions_are_in_the_model(tmp_path):
    moments = pl.Series([datetime(2024, 3, day, tzinfo=UTC) for day in (1, 2, 3)])
    table = pl.DataFrame({"accountid": ["a", "b", "c"], "createdon": moments})
    files = written(tmp_path, "synapse-link", {"account": table}, partition_rows=2)
    (entity,) = json.loads(files["model.json"])["entities"]
    assert [part["name"] for part in entity["partitions"]] == ["2024_000", "2024_001"]
    assert all(part["location"].endswith(f"account/{part['name']}.csv") for part in entity["partitions"])
    assert json.loads(files["Microsoft.Athena.TrickleFeedService/account-model.json"])["entities"] == [entity]
    assert [row[0] for n in (0, 1) for row in lines(files[f"account/2024_00{n}.csv"])] == ["a", "b", "c"]


def test_synapse_labels(tmp_path):
    files = written(tmp_path, "synapse-link")
    assert ["opportunity", "1", "False", "1031", "Gewonnen"] in lines(
        files["OptionsetMetadata/StateMetadata.csv"]
    )
    assert lines(files["OptionsetMetadata/StatusMetadata.csv"]) == [
        ["opportunity", "0", "1", "False", "1033", "In Progress"],
        ["opportunity", "1", "3", "False", "1033", "Won"],
    ]
    assert lines(files["OptionsetMetadata/OptionsetMetadata.csv"]) == [
        ["opportunity", "salesstage", "2", "False", "1033", "Propose"]
    ]
    targets = lines(files["OptionsetMetadata/TargetMetadata.csv"])
    assert ["opportunity", "ownerid", "systemuser", "systemuserid"] in targets


def versions() -> dict[str, pl.DataFrame]:
    deal = made.dynamics()["opportunity"]
    later = deal.head(1).with_columns(modifiedon=made.CHANGED, versionnumber=81359900, statecode=1)
    gone = later.with_columns(
        versionnumber=81359990, modifiedon=datetime(2025, 7, 1, tzinfo=UTC), IsDelete=True
    )
    first = pl.concat([deal, later.cast(deal.schema)]).with_columns(IsDelete=False)
    return {"opportunity": pl.concat([first, gone.cast(first.schema)])}


def test_synapse_append_keeps_every_version(tmp_path):
    files = written(tmp_path, "synapse-append", versions=versions())
    names = attributes(files, "opportunity")
    rows = [dict(zip(names, row, strict=False)) for row in lines(files["opportunity/2023.csv"])]
    assert [(row["versionnumber"], row["IsDelete"]) for row in rows] == [
        ("81359849", "False"), ("81359900", "False"), ("81359990", "True"),
    ]  # fmt: skip
    assert not [name for name in files if name.startswith("audit/")]


def test_synapse_append_writes_some_rows_twice(tmp_path):
    many = pl.DataFrame(
        {"accountid": [f"a{n}" for n in range(500)], "versionnumber": range(500)}
    ).with_columns(createdon=made.CREATED, modifiedon=made.CREATED)  # fmt: skip
    files = written(tmp_path, "synapse-append", {"account": many})
    names = attributes(files, "account")
    found = [dict(zip(names, row, strict=True))["versionnumber"] for row in lines(files["account/2023.csv"])]
    assert len(found) == 502
    assert len(set(found)) == 500


def test_synapse_incremental_folders(tmp_path):
    files = written(tmp_path, "synapse-incremental", versions=versions(), folders=4)
    folders = sorted({name.partition("/")[0] for name in files})
    assert len(folders) == 4
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\dZ", folder) for folder in folders)
    found = []
    for folder in folders:
        for name in files:
            if name.startswith(f"{folder}/opportunity/"):
                names = attributes(files, "opportunity", f"{folder}/")
                rows = [dict(zip(names, row, strict=False)) for row in lines(files[name])]
                found += [(folder, row["versionnumber"]) for row in rows]
    assert sorted(number for _, number in found) == ["81359849", "81359850", "81359900", "81359990"]
    assert found[-1][0] > found[0][0]
    assert all(f"{folder}/OptionsetMetadata/StateMetadata.csv" in files for folder in folders)


def test_replica(tmp_path):
    files = written(tmp_path, "replica")
    one, done = csv.DictReader(io.StringIO(files["opportunity.csv"].decode(), newline=""))
    assert list(one)[:3] == ["opportunityid", "_fivetran_deleted", "_fivetran_synced"]
    assert (one["createdon"], one["estimatedvalue"], done["name"]) == (
        "2023-01-05 17:07:21",
        "20000",
        made.TEXT,
    )
    assert (done["isprivate"], done["salesstage"]) == ("TRUE", "")
    assert "audit.csv" not in files


@needs_shared
def test_replica_of_labels_has_the_columns_of_a_real_one(tmp_path):
    real = (SHARED / "data/crm/dynamics_fivetran/stringmap_data.csv").read_text().splitlines()
    header = written(tmp_path, "replica")["stringmap.csv"].decode().splitlines()[0].split(",")
    assert set(real[0].split(",")) - {"renamed_attributename"} <= set(header)
    assert real[1].split(",")[1] == "FALSE"


@needs_shared
@pytest.mark.parametrize(
    ("entity", "table"),
    [("Opportunity", "opportunity"), ("Quote", "quote"), ("Order", "salesorder"), ("Invoice", "invoice")],
)
def test_display_names_are_those_of_the_common_data_model(entity, table):
    text = (SHARED / f"data/crm/dynamics_cdm_schema/{entity}.cdm.json").read_text("utf-8-sig")
    members = [
        member
        for group in json.loads(text)["definitions"][0]["hasAttributes"]
        for member in group.get("attributeGroupReference", {}).get("members", [])
        if isinstance(member, dict) and member.get("displayName")
    ]
    names = {member["sourceName"]: member["displayName"] for member in members}
    shown = (
        "name", "statecode", "statuscode", "estimatedvalue", "actualclosedate", "totalamount", "submitdate",
        "datefulfilled", "closeprobability", "duedate", "salesstage", "stepname",
    )  # fmt: skip
    for column in set(shown) & set(names):
        assert column_name(table, column, "en") == names[column]


def test_unknown_shapes_and_options(tmp_path):
    with pytest.raises(ArgumentError, match="no shape 'bulk' of a Dynamics export; choose from web-api, "):
        written(tmp_path, "bulk")
    with pytest.raises(ArgumentError, match="no option 'page_rows'; it has: none"):
        written(tmp_path, "replica", page_rows=3)


@pytest.mark.parametrize("shape", ["web-api", "synapse-link", "replica"])
def test_the_kind_of_a_lookup_is_told_as_each_shape_tells_it(shape, tmp_path):
    tables = made.dynamics()
    tables["opportunity"] = tables["opportunity"].with_columns(
        customeridtype=pl.Series(["account", "contact"])
    )
    files = written(tmp_path, shape, tables)
    if shape == "web-api":
        rows = json.loads(files["opportunities-1.json"])["value"]
        assert [row[f"_customerid_value{LOGICAL}"] for row in rows] == ["account", "contact"]
    elif shape == "synapse-link":
        names = attributes(files, "opportunity")
        assert (
            dict(zip(names, lines(files["opportunity/2025.csv"])[0], strict=True))["customerid_entitytype"]
            == "contact"
        )
    told = b"customeridtype" in b"".join(files.values())
    assert told == (shape == "replica")
