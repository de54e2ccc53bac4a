"""`dealtrace demo --crm`: what it writes, what it tells, and what it refuses."""

import json

import polars as pl
import pytest

from dealtrace.cli import main
from dealtrace_engine.synthetic.crm.writing import write_organisation


def run(*arguments) -> int:
    return main(["demo", *map(str, arguments)])


def test_it_writes_and_tells(tmp_path, capsys):
    out = tmp_path / "org"
    assert run("--crm", "salesforce", "--deals", 400, "--seed", 3, "-o", out) == 0
    told = capsys.readouterr().out
    truth = pl.read_parquet(out / "truth.parquet")
    planted = json.loads((out / "planted.json").read_text("utf-8"))
    assert f"{truth.height:,} happened, {truth['derivable'].mean():.1%} of them" in told
    assert planted["findings"]["slow_approver"]["name"] in told
    assert f"{planted['findings']['weak_lead_source']['leads']:,}" in told
    assert f"dealtrace analyze {out / 'export'}\n" in told
    assert all(len(line) <= 80 or str(tmp_path) in line for line in told.splitlines())
    assert (out / "export/Opportunity.csv").read_bytes().startswith(b'"Id","IsDeleted"')


def test_activities_that_cannot_all_be_found_are_named(tmp_path, capsys):
    asked = ("--crm", "salesforce", "--shape", "report", "--lang", "de", "--deals", 40)
    assert run(*asked, "-o", tmp_path / "org") == 0
    told = capsys.readouterr().out
    assert "Not all of it can be found" in told
    assert "Lead erfasst" in told
    assert "--timezone Europe/Berlin" in told


def test_it_is_the_organisation_of_the_library(tmp_path):
    assert run("--crm", "dynamics", "--deals", 10, "--seed", 2, "--quiet", "-o", tmp_path / "a") == 0
    write_organisation("dynamics", "web-api", 10, 2, tmp_path / "b")
    for name in ("truth.parquet", "planted.json", "export/opportunities-1.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--crm", "salesforce", "--shape", "web-api"), "choose from data-export, data-export-zip"),
        (("--crm", "dynamics", "--shape", "report"), "choose from web-api, synapse-link"),
        (("--crm", "dynamics", "--lang", "tlh"), "no language 'tlh'; choose from en, de"),
        (("--crm", "dynamics", "--packages"), "packages of Salesforce"),
        (("--packages",), "--packages is for a CRM; add --crm salesforce"),
        (("--shape", "report"), "add --crm salesforce or --crm dynamics"),
    ],
)
def test_what_it_refuses(arguments, said, tmp_path, capsys):
    assert run(*arguments, "-o", tmp_path / "org") == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_crm_is_wrong_usage(capsys):
    assert run("--crm", "sap") == 2
    assert "invalid choice: 'sap'" in capsys.readouterr().err


def test_a_folder_that_is_not_empty(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run("--crm", "salesforce", "--deals", 5, "-o", tmp_path) == 1
    assert "the folder is not empty; choose another one with -o" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_said_when_quiet(tmp_path, capsys):
    assert run("--crm", "salesforce", "--shape", "bulk", "--deals", 5, "--quiet", "-o", tmp_path / "org") == 0
    assert capsys.readouterr() == ("", "")
