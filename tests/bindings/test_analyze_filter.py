"""`dealtrace analyze --filter`: only what passes is analysed, and the manifest says what that was."""

from __future__ import annotations

import json

import pytest

import dealtrace as dt
from dealtrace import where as w
from dealtrace.cli import main

CSV = """case,activity,time,region
1,Quote Issued,2024-01-01T00:00:00,DACH
1,Quote Accepted,2024-01-03T00:00:00,DACH
2,Quote Issued,2024-01-01T00:00:00,UK
2,Quote Lost,2024-01-05T00:00:00,UK
3,Quote Issued,2024-01-05T00:00:00,DACH
"""
FILTER = (w.case("region") == "DACH") & w.contains("Quote Accepted")


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text(CSV)
    return path


def test_text_and_file_are_one(csv, tmp_path, capsys):
    (tmp_path / "filter.json").write_text(FILTER.to_json(indent=2))
    found = []
    for given in (FILTER.to_json(), str(tmp_path / "filter.json")):
        assert main(["analyze", str(csv), "--filter", given, "-o", str(tmp_path / "out")]) == 0
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert manifest["parameters"]["filter"] == json.loads(FILTER.to_json())
        assert "filter" in manifest["timings_s"]
        quality = json.loads((tmp_path / "out" / "quality.json").read_text())
        assert (quality["rows_kept"], quality["rows_dropped"]) == (2, 3)
        found.append(manifest["log"]["fingerprint"])
        assert "not kept by the filter" in capsys.readouterr().out
    assert found == [dt.read_csv(csv).filter(FILTER).fingerprint] * 2


def test_without_a_filter_nothing_is_said_of_one(csv, tmp_path):
    assert main(["analyze", str(csv), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert "filter" not in json.loads((tmp_path / "out" / "manifest.json").read_text())["parameters"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.json", "missing.json: the filter cannot be read"),
        ("bad.json", "bad.json: there is no filter 'contain'; nearest: 'contain"),
        ("{", "the filter is no JSON"),
        (w.contains("Quote").to_json(), "there is no activity 'Quote'; nearest: 'Quote Lost'"),
        (w.case_size(at_least=9).to_json(), "no case passes the filter w.case_size(at_least=9)"),
    ],
)
def test_unusable_filters_are_one_line(csv, tmp_path, monkeypatch, capsys, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"version": 1, "filter": {"op": "contain", "activity": "a"}}')
    assert main(["analyze", str(csv), "--filter", given]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
