"""Warehouse copies and tables in memory: names, deleted rows, types, labels, Delta; what cannot be read."""

from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa
import pytest

from dealtrace_engine.errors import DealtraceError, ParseError, SchemaError
from dealtrace_engine.sources.crm.ids import with_texts
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics.memory import from_frames
from dealtrace_engine.sources.dynamics.naming import table_by_columns, table_of
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.recognise import recognise
from dealtrace_engine.sources.dynamics.shapes import read_raw
from shared_data import _FOLDER, needs_shared

A, B, C = (f"0000000{i}-aaaa-4bbb-8ccc-00000000000{i}" for i in (1, 2, 3))
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def tables(folder, **mapping):
    return CrmTables(read_raw(folder, "replica", CrmMapping(**mapping)), CATALOG)


def rows(tables, name, *columns):
    return with_texts(tables.table(name).select(columns).collect(), tables.ids).rows()


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("opportunity.csv", "opportunity"),
        ("Opportunities.json", "opportunity"),
        ("opportunity_data.csv", "opportunity"),
        ("dbo.QuoteClose.parquet", "quoteclose"),
        ("quote_close_0001.csv.gz", "quoteclose"),
        ("audits-page12.json", None),
        ("audits_page_12.json", "audit"),
        ("lead_to_opportunity_sales_process", "leadtoopportunitysalesprocess"),
        ("All Opportunities 11-26-2026 7-30-22 AM.xlsx", "opportunity"),
        ("2024-05-21T08.07.17Z_salesorders.csv", "salesorder"),
        ("new_opportunity.csv", None),
        ("opportunity_competitors.csv", None),
        ("msdyn_workorder_data.csv", None),
        ("customsalesprocess.csv", None),
        ("events.csv", None),
    ],
)
def test_tables_are_known_by_names_but_never_by_a_part_of_one(name, table):
    assert table_of(name) == table


def test_tables_are_known_by_their_columns():
    assert table_by_columns(["quoteid", "quotenumber", "opportunityid"]) == "quote"
    assert table_by_columns(["activityid"]) is None
    assert table_by_columns(["case_id", "activity", "timestamp"]) is None


def test_csv_with_snake_case_names_deleted_rows_and_labels(tmp_path):
    (tmp_path / "opportunity.csv").write_text(
        "opportunityid,owner_id,Parent_Account_Id,state_code,statecode_label,created_on,_fivetran_deleted\n"
        f'"{{{A.upper()}}}",{B},{C},1,Gewonnen,2024-05-01 12:00:00,false\n'
        f"{C},{B},,0,Offen,2024-05-01T12:00:00.000Z,TRUE\n"
    )
    assert recognise(tmp_path) == "replica"
    found = tables(tmp_path)
    columns = ("opportunityid", "ownerid", "parentaccountid", "statecode", "createdon")
    assert rows(found, "opportunity", *columns) == [(A, B, C, 1.0, NOON)]
    counts = {finding.reason: finding.count for finding in found.raw.findings}
    assert counts["opportunity: rows left out, marked as deleted"] == 1


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_and_charsets_are_found_out(tmp_path, delimiter):
    text = delimiter.join(["opportunityid", "name", "statecode"]) + "\n" + delimiter.join([A, "Müller", "1"])
    (tmp_path / "opportunity.csv").write_bytes(text.encode("cp1252"))
    found = tables(tmp_path)
    assert rows(found, "opportunity", "opportunityid", "name", "statecode") == [(A, "Müller", 1.0)]
    assert any("cp1252" in note for note in found.raw.notes)


def test_rows_with_a_wrong_number_of_fields_are_counted(tmp_path):
    (tmp_path / "opportunity.csv").write_text(f"opportunityid,name\n{A},x\n{B},x,y\n,z\n")
    found = tables(tmp_path)
    assert rows(found, "opportunity", "opportunityid") == [(A,)]
    assert {f.reason: (f.count, f.first_rows) for f in found.raw.findings} == {
        "opportunity.csv: rows left out, wrong number of fields": (1, [2]),
        "opportunity: rows left out, without an id": (1, [2]),
    }


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    (tmp_path / "opportunity.csv").write_text("opportunityid,name\n")
    assert rows(tables(tmp_path), "opportunity", "opportunityid") == []


def test_several_generations_the_newest_counts(tmp_path):
    for day, state in (("2024-01-01", 0), ("2024-02-01", 2)):
        (tmp_path / day).mkdir()
        (tmp_path / day / "opportunity.csv").write_text(
            f"opportunityid,statecode,modifiedon\n{A},{state},{day}T00:00:00Z\n"
        )
    found = tables(tmp_path)
    assert rows(found, "opportunity", "opportunityid", "statecode") == [(A, 2.0)]
    assert [f.count for f in found.raw.findings] == [1]


def typed():
    return pl.DataFrame(
        {
            "Id": [A, C],
            "statecode": [1, 0],
            "estimatedvalue": [pl.Series([1.5]).item(), None],
            "createdon": [NOON, None],
            "actualclosedate": [date(2024, 5, 1), None],
            "SinkModifiedOn": [NOON, NOON],
            "IsDelete": [False, True],
        }
    )


def test_parquet_keeps_its_types_in_files_and_folders(tmp_path):
    (tmp_path / "opportunity").mkdir()
    typed().write_parquet(tmp_path / "opportunity/part-00000-c000.snappy.parquet")
    typed().write_parquet(tmp_path / "opportunities.parquet")
    assert recognise(tmp_path / "opportunity") is None
    found = tables(tmp_path)
    columns = ("opportunityid", "statecode", "estimatedvalue", "createdon", "actualclosedate")
    assert rows(found, "opportunity", *columns) == [(A, 1.0, 1.5, NOON, date(2024, 5, 1))]


def test_a_delta_table_is_read_without_the_files_that_it_dropped(tmp_path):
    deltalake = pytest.importorskip("deltalake")
    folder = tmp_path / "Tables" / "opportunity"
    frame = typed()
    deltalake.write_deltalake(str(folder), frame.to_arrow())
    deltalake.write_deltalake(str(folder), frame.head(1).to_arrow(), mode="overwrite")
    assert recognise(tmp_path / "Tables") == "replica"
    assert recognise(folder) == "replica"
    found = tables(tmp_path / "Tables")
    assert rows(found, "opportunity", "opportunityid", "statecode", "createdon") == [(A, 1.0, NOON)]


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "opportunity" / "_delta_log").mkdir(parents=True)
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(ParseError, match=r"dealtrace\[delta\]"):
        tables(tmp_path)


def test_damage_is_an_error_in_one_line(tmp_path):
    (tmp_path / "opportunity.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(ParseError, match="is no Parquet file"):
        tables(tmp_path)
    (tmp_path / "opportunity.parquet").unlink()
    with pytest.raises(ParseError, match="holds no table of Dynamics"):
        tables(tmp_path)


def test_audit_rows_from_memory_give_changes():
    changes = '{"changedAttributes":[{"logicalName":"statecode","oldValue":"0","newValue":"1"}]}'
    frame = pa.table(
        {
            "AuditId": [A], "_objectid_value": [B], "objecttypecode": [3], "createdon": [NOON], "action": [2],
            "operation": [2], "changeData": [changes],
        }
    )  # fmt: skip
    found = CrmTables(from_frames({"audits": frame}, CrmMapping()), CATALOG)
    columns = ("auditid", "objecttypecode", "objectid", "createdon", "attribute", "old", "new")
    assert rows(found, "audit_changes", *columns) == [(A, "opportunity", B, NOON, "statecode", "0", "1")]


def test_frames_of_any_kind_and_case():
    pandas = pytest.importorskip("pandas")
    frames = {
        "OPPORTUNITY": pl.LazyFrame({"OPPORTUNITY_ID": [A], "STATECODE": [1]}),
        "d365_quote_close": pandas.DataFrame({"activityid": [C], "quoteid": [B]}),
        "new_flow": pl.DataFrame({"businessprocessflowinstanceid": [A], "traversedpath": [B], "leadid": [C]}),
    }
    found = CrmTables(from_frames(frames, CrmMapping()), CATALOG)
    assert rows(found, "opportunity", "opportunityid", "statecode") == [(A, 1.0)]
    assert rows(found, "quoteclose", "activityid", "quoteid") == [(C, B)]
    assert rows(found, "customsalesprocess", "bpf_table", "leadid") == [("new_flow", C)]


@pytest.mark.parametrize(
    ("frames", "what"),
    [
        ({"nonsense": pl.DataFrame({"a": [1]})}, "'nonsense', which is no table of Dynamics"),
        ({"opportunity": [1, 2]}, "is a list, which is no table"),
        ({"opportunity": pl.DataFrame({"foo": [1]})}, "none of the columns"),
        (
            {"lead": pl.DataFrame({"leadid": [A]}), "leads": pl.DataFrame({"leadid": [A]})},
            "both 'lead' and 'leads' for lead",
        ),
        ({}, "empty"),
    ],
)
def test_frames_that_cannot_serve_are_errors(frames, what):
    with pytest.raises(SchemaError, match=what):
        from_frames(frames, CrmMapping())


@pytest.mark.parametrize(
    "columns", ["case_id,activity,timestamp", "opportunityid,activity,timestamp", "Id,Name,StageName"]
)
def test_logs_and_other_systems_are_not_taken_for_dynamics(tmp_path, columns):
    (tmp_path / "log.csv").write_text(columns + "\n1,2,3\n")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "log.csv") is None
    assert recognise(tmp_path / "absent") is None


@needs_shared
def test_the_replica_with_almost_no_columns_is_read():
    folder = _FOLDER / "data" / "crm" / "dynamics_fivetran"
    assert recognise(folder) == "replica"
    found = tables(folder)
    assert {"opportunity", "account", "phonecall", "stringmap"} <= set(found.objects)
    assert found.columns("opportunity") == ["opportunityid"]
    assert found.table("stringmap").collect().height == 29


@needs_shared
def test_the_replica_with_almost_no_columns_ends_in_an_error_that_says_what_is_missing():
    system = pytest.importorskip("dealtrace_engine.sources.dynamics.system")
    from dealtrace_engine.sources.crm.read import log_of

    folder = _FOLDER / "data" / "crm" / "dynamics_fivetran"
    raw = read_raw(folder, "replica", CrmMapping())
    with pytest.raises(DealtraceError, match=r"missing: .*opportunity\.createdon"):
        log_of(system.SYSTEM, raw, CrmMapping())
