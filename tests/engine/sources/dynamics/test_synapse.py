"""Synapse Link: no headers, ragged rows, three ways to write times, versions, folders by time, labels."""

import csv
import io
import json
import random

import polars as pl
import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.ids import with_texts
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_engine.sources.csv_frames import framed
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.recognise import recognise
from dealtrace_engine.sources.dynamics.shapes import read_raw
from dealtrace_engine.sources.dynamics.synapse import _uneven
from dealtrace_engine.sources.dynamics.synapse_model import Entity

A, B, C = (f"0000000{i}-aaaa-4bbb-8ccc-00000000000{i}" for i in (1, 2, 3))
COLUMNS = (
    "Id", "SinkCreatedOn", "SinkModifiedOn", "statecode", "statuscode", "customerid", "customerid_entitytype",
    "name", "createdon", "modifiedon", "versionnumber", "new_wide", "IsDelete", "estimatedvalue",
)  # fmt: skip
FIRST = "6/28/2021 4:34:35 PM"


def deal(
    key,
    *,
    state=0,
    sink=FIRST,
    name="Deal",
    modified="2021-06-01T10:00:00Z",
    version=1,
    deleted="",
    value=None,
):
    row = [
        key, FIRST, sink, state, 1, B, "account", name, "2018-05-25T16:21:09.0000000+00:00", modified,
        version, "x", deleted, value,
    ]  # fmt: skip
    return row if value is not None else row[:-1]


def text(rows):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def model(*entities):
    return json.dumps(
        {
            "name": "cdm",
            "version": "1.0",
            "entities": [
                {
                    "$type": "LocalEntity",
                    "name": name,
                    "annotations": [{"name": "Athena:PartitionGranularity", "value": "Year"}],
                    "attributes": [
                        {"name": column, "dataType": "string", "maxLength": -1} for column in columns
                    ],
                    "partitions": [
                        {
                            "name": file,
                            "location": f"https://lake.dfs.core.windows.net/org%20one/{name}/{file}",
                        }
                        for file in files
                    ],
                }
                for name, columns, files in entities
            ],
        }
    )


def lake(folder, rows, columns=COLUMNS, name="opportunity", file="2018.csv"):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "model.json").write_text(model((name, columns, [file])))
    (folder / name).mkdir(exist_ok=True)
    (folder / name / file).write_text(text(rows), "utf-8")
    return folder


def tables(folder, shape, **mapping):
    return CrmTables(read_raw(folder, shape, CrmMapping(**mapping)), CATALOG)


def rows(tables, name, *columns):
    return with_texts(tables.table(name).select(columns).collect(), tables.ids).rows()


def test_rows_without_header_are_named_by_the_model(tmp_path):
    lake(tmp_path, [deal(A, name='He said "no",\nthen yes'), deal(C, name="", state=2, value=7.5)])
    assert recognise(tmp_path) == "synapse-link"
    found = tables(tmp_path, "synapse-link")
    columns = ("opportunityid", "name", "statecode", "customerid", "customerid_entitytype", "estimatedvalue")
    assert rows(found, "opportunity", *columns) == [
        (A, 'He said "no",\nthen yes', 0.0, B, "account", None),
        (C, None, 2.0, B, "account", 7.5),
    ]
    assert not found.raw.versions
    assert not found.raw.findings


def test_three_ways_to_write_times_in_one_file(tmp_path):
    lake(tmp_path, [deal(A, modified="2021-06-01T10:00:00Z"), deal(C, modified="6/28/2021 4:34:35 PM")])
    found = rows(tables(tmp_path, "synapse-link"), "opportunity", "createdon", "modifiedon")
    assert [[str(when)[:19] for when in row] for row in found] == [
        ["2018-05-25 16:21:09", "2021-06-01 10:00:00"],
        ["2018-05-25 16:21:09", "2021-06-28 16:34:35"],
    ]


def test_append_only_gives_versions_the_newest_row_and_no_deleted_records(tmp_path):
    lake(
        tmp_path,
        [
            deal(A, state=0, version=1, modified="2021-06-01T10:00:00Z"),
            deal(C, state=0, version=2, modified="2021-06-02T10:00:00Z"),
            deal(A, state=1, version=5, sink="6/28/2021 10:00:00 PM", modified="2021-06-05T10:00:00Z"),
            deal(A, state=1, version=5, sink="6/28/2021 10:00:01 PM", modified="2021-06-05T10:00:00Z"),
            deal(A, state=0, version=3, sink="6/28/2021 9:00:00 PM", modified="2021-06-03T10:00:00Z"),
            deal(C, version=6, sink="6/29/2021 9:00:00 AM", modified="", deleted="True"),
        ],
    )
    assert recognise(tmp_path) == "synapse-append"
    found = tables(tmp_path, "synapse-append")
    assert rows(found, "opportunity", "opportunityid", "statecode") == [(A, 1.0)]
    versions = with_texts(found.all_versions("opportunity").sort("version_at").collect(), found.ids)
    assert versions.select("opportunityid", "statecode", "versionnumber").rows() == [
        (A, 0.0, 1.0), (C, 0.0, 2.0), (A, 0.0, 3.0), (A, 1.0, 5.0),
    ]  # fmt: skip
    assert str(versions["version_at"][3])[:19] == "2021-06-05 10:00:00"
    counts = {finding.reason: finding.count for finding in found.raw.findings}
    assert counts["opportunity: rows left out, the same version once more"] == 1
    assert counts["opportunity: rows left out, marked as deleted"] == 1


def test_a_version_without_a_time_of_its_own_has_that_of_the_copy(tmp_path):
    lake(tmp_path, [deal(A, modified="", sink="6/28/2021 4:34:35 PM")])
    versions = tables(tmp_path, "synapse-append").all_versions("opportunity").collect()
    assert str(versions["version_at"][0])[:19] == "2021-06-28 16:34:35"


def test_folders_by_time_the_newest_row_wins(tmp_path):
    lake(tmp_path / "2024-05-21T08.07.17Z", [deal(A, state=0, version=1), deal(C, version=1)])
    later = "5/21/2024 9:07:00 AM"
    lake(
        tmp_path / "2024-05-21T09.07.17Z",
        [deal(A, state=2, version=9, sink=later), deal(C, version=8, sink=later, deleted="True")],
    )
    (tmp_path / "2024-05-21T10.07.17Z").mkdir()
    assert recognise(tmp_path) == "synapse-incremental"
    found = tables(tmp_path, "synapse-incremental")
    assert rows(found, "opportunity", "opportunityid", "statecode") == [(A, 2.0)]
    assert found.all_versions("opportunity").collect().height == 3
    assert found.raw.exported.isoformat() == "2024-05-21T09:07:17+00:00"
    assert any("left out" in note for note in found.raw.notes)


def test_labels_come_from_the_metadata_folders(tmp_path):
    lake(tmp_path, [deal(A)])
    for folder, line in {
        "StatusMetadata": ["opportunity", 1, 100000, False, 1033, "Signed"],
        "StateMetadata": ["opportunity", 1, False, 1033, "Won"],
        "OptionsetMetadata": ["lead", "leadsourcecode", 8, False, 1031, "Netz"],
        "GlobalOptionsetMetadata": ["budget", 1, False, 1033, "May Buy", "budgetstatus", "lead"],
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "2021.csv").write_text(text([line]), "utf-8")
    found = rows(
        tables(tmp_path, "synapse-link"),
        "stringmap",
        "objecttypecode",
        "attributename",
        "attributevalue",
        "value",
    )
    assert set(found) == {
        ("opportunity", "statuscode", 100000.0, "Signed"),
        ("opportunity", "statecode", 1.0, "Won"),
        ("lead", "leadsourcecode", 8.0, "Netz"),
        ("lead", "budget", 1.0, "May Buy"),
    }


def test_live_files_come_before_those_of_the_snapshot(tmp_path):
    lake(tmp_path, [deal(A), deal(C)])
    (tmp_path / "model.json").write_text(model(("opportunity", COLUMNS, ["Snapshot/2018_1621.csv"])))
    assert len(rows(tables(tmp_path, "synapse-link"), "opportunity", "name")) == 2
    (tmp_path / "opportunity/Snapshot").mkdir()
    (tmp_path / "opportunity/Snapshot/2018_1621.csv").write_text(text([deal(A)]))
    assert len(rows(tables(tmp_path, "synapse-link"), "opportunity", "name")) == 2
    (tmp_path / "opportunity/2018.csv").unlink()
    assert len(rows(tables(tmp_path, "synapse-link"), "opportunity", "name")) == 1


def test_models_of_single_tables_serve_too(tmp_path):
    lake(tmp_path, [deal(A)])
    folder = tmp_path / "Microsoft.Athena.TrickleFeedService"
    folder.mkdir()
    (tmp_path / "model.json").rename(folder / "opportunity-model.json")
    assert recognise(tmp_path) == "synapse-link"
    assert rows(tables(tmp_path, "synapse-link"), "opportunity", "opportunityid") == [(A,)]


def test_a_table_of_the_model_without_files_is_said(tmp_path):
    lake(tmp_path, [deal(A)])
    (tmp_path / "model.json").write_text(
        model(("opportunity", COLUMNS, ["2018.csv"]), ("quote", COLUMNS, ["1.csv"]))
    )
    found = tables(tmp_path, "synapse-link")
    assert any("have no rows: quote" in note for note in found.raw.notes)
    assert not found.has("quote")


def wider(folder):
    lake(folder, [deal(A, value=1)], columns=COLUMNS[:-1])


def shifted(folder):
    lake(folder, [deal(A)], columns=("name", *COLUMNS))


def semicolons(folder):
    lake(folder, [])
    (folder / "opportunity/2018.csv").write_text(text([deal(A)]).replace(",", ";"))


def lost(folder):
    lake(folder, [deal(A)])
    (folder / "model.json").write_text(model(("opportunity", COLUMNS, ["2018.csv", "2019.csv"])))


def broken(folder):
    lake(folder, [deal(A)])
    (folder / "model.json").write_text(model(("opportunity", COLUMNS, ["2018.csv"]))[:-40])


def other(folder):
    lake(folder, [deal(A)])
    (folder / "model.json").write_text('{"name": "cdm"}')


def absent(folder):
    lake(folder, [deal(A)])
    (folder / "model.json").unlink()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (wider, "2018.csv: does not fit model.json: a row has 14 fields, but there are 13 columns"),
        (shifted, "does not fit model.json: the column 'Id' holds no ids"),
        (semicolons, "does not fit model.json: the column 'Id' holds no ids"),
        (lost, "1 of the 2 files that it names of opportunity are not there"),
        (broken, "model.json: cannot be read"),
        (other, "is no model of tables"),
        (absent, "there is no model.json"),
    ],
)
def test_a_model_that_does_not_match_is_a_clear_error(tmp_path, damage, what):
    damage(tmp_path)
    with pytest.raises(ParseError, match=what):
        rows(tables(tmp_path, "synapse-link"), "opportunity", "name")


def test_a_wide_row_far_down_is_the_same_error(tmp_path):
    lake(tmp_path, [deal(A)] * 5_000 + [deal(C, value=1)], columns=COLUMNS[:-1])
    with pytest.raises(ParseError, match="a row has more than 13 fields"):
        rows(tables(tmp_path, "synapse-link"), "opportunity", "name")


def test_other_charsets_do_not_stop_the_reading(tmp_path):
    lake(tmp_path, [])
    (tmp_path / "opportunity/2018.csv").write_bytes(text([deal(A, name="Müller")]).encode("cp1252"))
    ((name,),) = rows(tables(tmp_path, "synapse-link"), "opportunity", "name")
    assert name == "Müller"


@pytest.mark.parametrize("seed", range(3))
def test_random_quoted_text_in_rows_of_several_widths(tmp_path, seed):
    dice = random.Random(seed)
    texts = ["a", "x,y", 'q"q', "line\nbreak", "", "ü", '"', "\r\n", "long " * 30, ",,", '\n\n"']
    written = [
        deal(f"{i:08x}-aaaa-4bbb-8ccc-000000000001", name=dice.choice(texts), value=dice.choice([None, i]))
        for i in range(20_000)
    ]
    lake(tmp_path, written)
    found = rows(tables(tmp_path, "synapse-link"), "opportunity", "opportunityid", "name", "estimatedvalue")
    assert found == [(row[0], row[7] or None, row[13] if len(row) > 13 else None) for row in written]


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_one_width_are_the_same_whichever_way_they_are_read(tmp_path, seed):
    draw = random.Random(seed)
    fields = ("", "a", "Zürich", 'say "yes"', "two\nlines", "a,b", '{"k":"v"}', " ", "見積")
    written = [[draw.choice(fields) for _ in range(5)] for _ in range(draw.randint(1, 40))]
    data, places = text(written).encode(), [f"{place}" for place in range(6)]
    dialect, columns = Dialect(",", '"', "utf-8", "\n", tuple(places[:5]), 0), ["3", "0"]
    file = tmp_path / "2018.csv"
    entity = Entity("opportunity", tuple("abcde"), (), tmp_path / "model.json")
    even = framed([Block(memoryview(data), 0)], dialect, columns)
    uneven = _uneven([Block(memoryview(data), 0)], places, columns, entity, file)
    assert even is not None
    empty = pl.all().replace("", None)
    assert even.select(empty).rows() == uneven.select(columns).select(empty).rows()
    short = data + b"a,b\n"
    block = Block(memoryview(short), 0)
    assert framed([block], dialect, columns) is None
    assert _uneven([block], places, columns, entity, file)["0"][-1] == "a"
