"""`dealtrace import` and `dealtrace info`."""

import json

import pytest

import dealtrace as dt
from dealtrace.cli import main

CSV = """case,activity,time,region,user
1,a,2024-01-01T00:00:00,North,ann
1,b,2024-01-03T00:00:00,North,bob
2,a,2024-01-01T00:00:00,South,ann
"""


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(CSV)
    return str(path)


@pytest.mark.parametrize(
    ("columns", "kept"), [("all", {"region", "user"}), ("none", set()), ("region", {"region"})]
)
def test_import_keeps_what_is_wanted(csv, tmp_path, capsys, columns, kept):
    own = tmp_path / "log.dealtrace"
    assert main(["import", csv, "-o", str(own), "--columns", columns]) == 0
    assert "log.dealtrace" in capsys.readouterr().out
    log = dt.open(own)
    assert set(log.attribute_names) == kept
    assert log.fingerprint == dt.read_csv(csv).fingerprint


def test_the_own_file_gives_the_same_answers(csv, tmp_path, capsys):
    own = str(tmp_path / "log.dealtrace")
    assert main(["import", csv, "-o", own, "--quiet"]) == 0
    answers = []
    for path in (csv, own):
        assert main(["analyze", path, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    for part in ("process_map", "variants", "throughput"):
        assert answers[0][part] == answers[1][part]


def test_info(csv, tmp_path, capsys):
    assert main(["info", csv]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for part in ("3 events, 2 cases, 2 activities", "activity='activity' (recognised name)", "all 3 rows"):
        assert part in said
    assert main(["info", csv, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["format"] == "csv"
    assert answer["quality"]["rows_read"] == 3
    assert answer["log"]["last"] == "2024-01-03T00:00:00.000000Z"


def test_verify_finds_a_flipped_bit(csv, tmp_path, capsys):
    own = tmp_path / "log.dealtrace"
    assert main(["import", csv, "-o", str(own), "--quiet"]) == 0
    assert main(["info", str(own), "--verify", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["info", str(own), "--verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]
    content = own.read_bytes()
    place = content.index(b"North")
    own.write_bytes(content[:place] + b"M" + content[place + 1 :])
    assert main(["info", str(own), "--verify"]) == 1
    assert "region" in capsys.readouterr().err
