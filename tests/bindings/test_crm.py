"""Exports of a CRM on the command line: recognised, read, reported; and what cannot be, in one line."""

from __future__ import annotations

import json
import tomllib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dealtrace as dt
from dealtrace.cli import main
from shared_data import CRM, needs_shared

ONE, TWO = "0064600000J5S5TAAV", "0064600000J5S5UAAV"
ANN = "00546000001l1cJAAQ"
TABLES = {
    "Opportunity": (
        ("Id", "IsDeleted", "Name", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon", "CreatedDate",
         "OwnerId", "Loss_Reason__c", "Sales_Region__c"),
        (ONE, 0, "Big", "Closed Won", 900, "2024-02-01", 1, 1, "2024-01-08 09:30:00", ANN, "", "DACH"),
        (TWO, 0, "Small", "Closed Lost", 50.5, "2024-02-20", 1, 0, "2024-01-09 10:00:00", ANN, "Price", ""),
    ),
    "OpportunityHistory": (
        ("Id", "OpportunityId", "CreatedById", "CreatedDate", "StageName", "Amount", "CloseDate"),
        ("0084600000iqknnAAA", ONE, ANN, "2024-01-08 09:30:00", "Prospecting", 900, "2024-02-01"),
        ("0084600000iqknoAAA", ONE, ANN, "2024-01-20 12:00:00", "Negotiation", 900, "2024-02-01"),
        ("0084600000iqknpAAA", ONE, ANN, "2024-02-01 16:00:00", "Closed Won", 900, "2024-02-01"),
        ("0084600000iqknqAAA", TWO, ANN, "2024-01-09 10:00:00", "Prospecting", 50.5, "2024-02-20"),
        ("0084600000iqknrAAA", TWO, ANN, "2024-02-20 08:00:00", "Closed Lost", 50.5, "2024-02-20"),
    ),
    "User": (("Id", "Name", "Department"), (ANN, "Ann Archer", "Sales")),
}  # fmt: skip


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for name, rows in TABLES.items():
        lines = (",".join(f'"{value}"' for value in row) for row in rows)
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return str(folder)


def words(capsys):
    return " ".join(capsys.readouterr().out.split())


def failure(capsys, *arguments):
    """The one line of an error."""
    assert main(list(arguments)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_an_export_is_recognised_and_its_coverage_is_told(export, capsys):
    assert main(["analyze", export]) == 0
    said = words(capsys)
    for part in ("2 cases", "export salesforce, data-export (recognised)", "Opportunity 2",
                 "closings 2 of 2 found in history (100.0%)", "cannot tell",
                 "more; dealtrace info says why"):  # fmt: skip
        assert part in said
    assert "(given)" not in said


def test_result_files(export, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["analyze", export, "-o", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    coverage = json.loads((out / "coverage.json").read_text())
    assert coverage["objects"] == {"Opportunity": 2, "OpportunityHistory": 5, "User": 1}
    quality = json.loads((out / "quality.json").read_text())
    schemas = coverage.pop("schema"), quality["schema"]
    assert schemas == ("dealtrace.coverage/1", "dealtrace.quality/1")
    assert quality["coverage"] == coverage
    assert answer["quality"]["coverage"] == coverage
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["crm"]["shape"] == "data-export"
    assert [file["path"].rpartition("/")[2] for file in manifest["inputs"]] == [
        "Opportunity.csv", "OpportunityHistory.csv", "User.csv",
    ]  # fmt: skip
    assert "coverage.json" in [file["name"] for file in manifest["files"]]
    cases = {row["case_id"]: row for row in pq.read_table(out / "cases.parquet").to_pylist()}
    assert (cases[ONE]["outcome"], cases[ONE]["amount"], cases[ONE]["owner"]) == ("Won", 900.0, "Ann Archer")
    assert cases[ONE]["throughput_s"] == 24.0 * 86_400 + 6.5 * 3600


def test_info_tells_all_of_it(export, capsys):
    assert main(["info", export]) == 0
    said = words(capsys)
    assert "cannot tell quote_created: needs" in said
    assert "history OpportunityHistory: 5 rows, 2024-01-08T09:30:00 to 2024-02-20T08:00:00" in said
    assert main(["info", export, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["format"] == "salesforce"
    assert answer["quality"]["coverage"]["closed"] == 2


def test_import_keeps_coverage_and_case_table(export, tmp_path, capsys):
    own = tmp_path / "log.dealtrace"
    assert main(["import", export, "-o", str(own)]) == 0
    assert "Coverage of the export" in capsys.readouterr().out
    assert main(["analyze", str(own), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    cases = pq.read_table(tmp_path / "out/cases.parquet").to_pylist()
    assert sorted(case["outcome"] for case in cases) == ["Lost", "Won"]
    assert dt.open(own).quality.coverage == dt.read_salesforce(export).quality.coverage


def test_options_for_exports(export, tmp_path, capsys):
    options = ["--crm", "salesforce", "--shape", "data-export", "--timezone", "Europe/Berlin", "--lang", "de"]
    assert main(["info", export, *options, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["quality"]["coverage"]["how_recognised"] == "given"
    assert answer["quality"]["coverage"]["zone"] == "Europe/Berlin"
    assert main(["analyze", export, "--lang", "de"]) == 0
    assert "Opportunity gewonnen" in capsys.readouterr().out
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[activities]\nstage = "Stage: <to>"\n[fields]\n"Opportunity.Loss_Reason__c" = "why"\n'
    )
    assert main(["analyze", export, "--mapping", str(mapping), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "Stage: Negotiation" in [node["activity"] for node in answer["process_map"]["activities"]]
    assert "why" in answer["log"]["attributes"]


def test_a_filter_keeps_the_coverage(export, capsys):
    lost = '{"version": 1, "filter": {"op": "contains", "activity": "Opportunity Closed Lost"}}'
    assert main(["analyze", export, "--filter", lost, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["log"]["cases"] == 1
    assert answer["quality"]["coverage"]["objects"]["Opportunity"] == 2


def test_a_proposed_mapping_changes_nothing(export, tmp_path, capsys):
    path = tmp_path / "mapping.toml"
    assert main(["mapping", export, "-o", str(path)]) == 0
    assert f"dealtrace analyze {export} --mapping {path}" in capsys.readouterr().out
    text = path.read_text("utf-8")
    assert "'Closed Won' 1: stage.won (as 'closed won')" in text
    assert '# "Opportunity.Sales_Region__c" = "region"  # 50.0% of 2, 1 values' in text
    assert dt.read_salesforce(export, mapping=path).fingerprint == dt.read_salesforce(export).fingerprint
    assert main(["mapping", export]) == 0
    assert tomllib.loads(capsys.readouterr().out)["system"] == "salesforce"


def test_a_folder_of_parquet_files_is_said_to_be_one(tmp_path, capsys):
    pq.write_table(
        pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}), tmp_path / "a.parquet"
    )
    assert main(["info", str(tmp_path)]) == 0
    assert "the folder is a set of Parquet files, no export of a CRM" in words(capsys)


def test_activities_of_other_logs_in_another_language(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(
        "case,activity,time\n1,Lead erstellt,2024-01-01\n1,Angebot erstellt,2024-01-02\n1,x,2024-01-03\n"
    )
    assert main(["analyze", str(path), "--lang", "fr"]) == 0
    said = words(capsys)
    assert "Devis/Proposition émis" in said
    assert "is taken for quote_issued, could be quote_created" in said
    assert "unknown activities: 'x' 1" in said
    mapping = tmp_path / "m.toml"
    mapping.write_text('[labels]\n"Angebot erstellt" = "quote_created"\n')
    assert main(["analyze", str(path), "--lang", "en", "--mapping", str(mapping)]) == 0
    assert "Quote Created" in capsys.readouterr().out
    path.write_text("case,activity,time\n1,x,2024-01-03\n")
    assert "none of the activities is a canonical one" in failure(
        capsys, "analyze", str(path), "--lang", "en"
    )


def test_what_cannot_be(export, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "is neither an export of" in failure(capsys, "analyze", str(tmp_path / "empty"))
    assert "--activity is not for an export of a CRM" in failure(capsys, "analyze", export, "--activity", "x")
    assert "does not look like an export of dynamics" in failure(capsys, "info", export, "--crm", "dynamics")
    assert "no exports of the shape 'x'" in failure(capsys, "info", export, "--shape", "x")
    assert "'deal' cannot be the case" in failure(capsys, "info", export, "--case-object", "deal")
    assert "there is no language 'es'; choose from en, de" in failure(capsys, "info", export, "--lang", "es")
    assert "no such time zone" in failure(capsys, "info", export, "--timezone", "Mars")
    assert "cannot be read" in failure(capsys, "info", export, "--mapping", str(tmp_path / "none.toml"))
    (tmp_path / "m.toml").write_text("[cases]\nleadin = 1\n")
    said = failure(capsys, "info", export, "--mapping", str(tmp_path / "m.toml"))
    assert "m.toml, line 2: 'leadin' in [cases] is not known; nearest: 'leading'" in said
    (tmp_path / "log.csv").write_text("case,activity,time\n1,a,2024-01-01\n")
    said = failure(capsys, "analyze", str(tmp_path / "log.csv"), "--shape", "bulk")
    assert "--shape is for exports of a CRM only" in said
    assert "is no export of a CRM" in failure(capsys, "mapping", str(tmp_path / "log.csv"))


def test_an_export_without_any_event_says_what_is_missing(tmp_path, capsys):
    (tmp_path / "opportunity_data.csv").write_text(
        "opportunityid,name\n6f9619ff-8b86-d011-b42d-00cf4fc964ff,Big\n"
    )
    said = failure(capsys, "analyze", str(tmp_path))
    assert "no event could be derived for any opportunity: the export has opportunity (1)" in said
    assert "opportunity.createdon" in said


@needs_shared
def test_real_exports(capsys):
    assert main(["analyze", str(CRM / "salesforce_data_export"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["log"]["cases"] == 31
    assert answer["quality"]["coverage"]["objects"]["OpportunityHistory"] == 62
    said = failure(capsys, "analyze", str(CRM / "dynamics_fivetran"))
    assert "no event could be derived for any opportunity" in said
    assert "opportunity.createdon" in said
