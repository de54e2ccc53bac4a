"""`dealtrace analyze` from the arguments to the files."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dealtrace as dt
from dealtrace.cli import main

FILES = [
    "cases.parquet", "edges.parquet", "manifest.json", "process_map.json", "process_map.svg", "quality.json",
    "variants.parquet",
]  # fmt: skip
CSV = """case,activity,time,region
1,Quote Issued,2024-01-01T00:00:00,North
1,Quote Accepted,2024-01-03T00:00:00,North
2,Quote Issued,2024-01-01T00:00:00,South
2,Quote Issued,2024-01-01T06:00:00,South
2,Quote Lost,2024-01-05T00:00:00,South
3,Quote Issued,,South
"""


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text(CSV)
    return path


def test_every_file_is_there_and_says_the_same(csv, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert main(["analyze", str(csv), "-o", str(out)]) == 0
    assert sorted(file.name for file in out.iterdir()) == FILES
    assert not [path for path in out.parent.iterdir() if path != out]
    edges = pq.read_table(out / "edges.parquet")
    assert edges.column_names[:4] == ["source", "target", "count", "cases"]
    assert edges["count"].to_pylist() == [1, 1, 1]
    cases = pq.read_table(out / "cases.parquet")
    assert cases.column_names == ["case_id", "variant", "events", "start", "end", "throughput_s"]
    assert cases["events"].to_pylist() == [2, 3]
    assert cases["throughput_s"].to_pylist() == [2 * 86400.0, 4 * 86400.0]
    assert cases.schema.field("start").type == pa.timestamp("us", tz="UTC")
    variants = pq.read_table(out / "variants.parquet")
    assert set(cases["variant"].to_pylist()) == set(variants["variant"].to_pylist())
    quality = json.loads((out / "quality.json").read_text())
    assert (quality["rows_read"], quality["rows_kept"], quality["rows_dropped"]) == (6, 5, 1)
    assert "1 of 6 dropped" in capsys.readouterr().out


def test_process_map_has_stable_ids(csv, tmp_path):
    assert main(["analyze", str(csv), "-o", str(tmp_path / "a"), "--quiet"]) == 0
    graph = json.loads((tmp_path / "a" / "process_map.json").read_text())
    assert (graph["events"], graph["cases"]) == (5, 2)
    ids = {activity["activity"]: activity["id"] for activity in graph["activities"]}
    for edge in graph["edges"]:
        assert edge["source_id"] == ids[edge["source"]]
        assert edge["target_id"] == ids[edge["target"]]
    assert len({edge["id"] for edge in graph["edges"]}) == len(graph["edges"])
    ET.fromstring((tmp_path / "a" / "process_map.svg").read_text("utf-8"))


def test_manifest_tells_inputs_versions_and_files(csv, tmp_path):
    import hashlib

    out = tmp_path / "out"
    assert main(["analyze", str(csv), "-o", str(out), "--quiet", "--delimiter", ",", "--threads", "1"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["inputs"][0]["sha256"] == hashlib.sha256(CSV.encode()).hexdigest()
    assert manifest["parameters"] == {"paths": [str(csv)], "delimiter": ",", "threads": 1}
    assert set(manifest["versions"]) == {"dealtrace", "python", "numpy", "numba", "pyarrow", "polars"}
    assert {"read", "process map", "variants"} <= set(manifest["timings_s"])
    assert len(manifest["log"]["fingerprint"]) == 64
    for file in manifest["files"]:
        content = (out / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert sorted([*(file["name"] for file in manifest["files"]), "manifest.json"]) == FILES


def test_the_summary_fits_80_columns(csv, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["analyze", str(csv)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    for said in (
        "Quote Issued > Quote Accepted",
        "Quote Issued (2x) > Quote Lost",
        "2 d",
        "null timestamp (rows 6",
    ):
        assert said in " ".join(out.split())


def test_json_is_one_document(csv, capsys):
    assert main(["analyze", str(csv), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer["log"]["events"] == 5
    assert answer["throughput"]["p50_s"] == 3 * 86400.0
    assert answer["variants"]["count"] == answer["variants"]["listed"] == 2
    assert answer["output"] is None
    assert len(answer["process_map"]["edges"]) == 3


def test_quiet_says_nothing(csv, capsys):
    assert main(["analyze", str(csv), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("threads", ["1", "2", "8"])
def test_threads_change_nothing(csv, capsys, threads):
    answers = []
    for count in ("1", threads):
        assert main(["analyze", str(csv), "--json", "--threads", count]) == 0
        answer = json.loads(capsys.readouterr().out)
        del answer["timings_s"]
        answers.append(answer)
    assert answers[0] == answers[1]


def test_columns_by_option(tmp_path, capsys):
    path = tmp_path / "odd.tsv"
    path.write_text("a\tb\tc\tn\n1\tx\t03.02.2024\t10\n1\ty\t03.02.2024\t9\n")
    wanted = ["--case", "a", "--activity", "b", "--time", "c", "--timestamp-format", "d.m.Y", "--order", "n"]
    assert main(["analyze", str(path), "--json", *wanted]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["log"]["columns"]["activity"] == {"column": "b", "chosen": "given"}
    assert answer["log"]["first"].startswith("2024-02-03")
    assert answer["variants"]["table"][0]["activities"] == ["y", "x"]


def test_several_parquet_files_and_a_folder(tmp_path, capsys):
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in (1, 2):
        rows = {"case": [str(number)] * 2, "activity": ["a", "b"], "time": ["2024-01-01", "2024-01-02"]}
        pq.write_table(pa.table(rows), folder / f"{number}.parquet")
    for paths in ([str(folder)], [str(folder / "1.parquet"), str(folder / "2.parquet")]):
        assert main(["analyze", *paths, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["log"]["cases"] == 2


def test_text_of_a_log_steers_no_terminal(tmp_path, capsys):
    path = tmp_path / "evil.parquet"
    evil = "\x1b[2J[bold]<b>\r\u202e"
    pq.write_table(pa.table({"case": ["1", "1"], "activity": [evil, evil], "time": ["2024-01-01"] * 2}), path)
    assert main(["analyze", str(path)]) == 0
    out = capsys.readouterr().out
    assert not set("\x1b\r\u202e") & set(out)
    assert "[bold]<b>" in out


def test_as_a_program(csv, tmp_path):
    """In its own process: module and exit codes, pipes that close, and no colour where nobody sees it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "dealtrace", "analyze", str(csv)], capture_output=True, text=True, timeout=120,
        check=False, env=env,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "Quote Issued" in done.stdout
    code = "import sys; from dealtrace.cli import main; sys.stdin.read(); sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, "analyze", str(csv)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=env,
    ) as process:  # fmt: skip
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == ""
        assert process.wait(120) == 0


@pytest.mark.parametrize("command", ["--version", "--help", "analyze --help", "import --help", "info --help"])
def test_help(command, capsys):
    assert main(command.split()) == 0
    assert "dealtrace" in capsys.readouterr().out


REFERENCE = Path(__file__).parents[1] / "reference" / "lead-to-cash-300.pnml"


@pytest.fixture
def replayed(tmp_path, capsys):
    """Folder, summary and reference of a log that is replayed on the net made for it."""
    made_by = json.loads(REFERENCE.with_suffix(".json").read_text())
    log, out = tmp_path / "log.parquet", tmp_path / "out"
    pq.write_table(dt.lead_to_cash(300, seed=made_by["made_by"]["seed"]).events, log)
    assert main(["analyze", str(log), "--net", str(REFERENCE), "-o", str(out)]) == 0
    return out, " ".join(capsys.readouterr().out.split()), made_by["replay"]


def test_conformance_is_the_reference(replayed):
    out, said, reference = replayed
    found = json.loads((out / "conformance.json").read_text())
    for token in ("produced", "consumed", "missing", "remaining"):
        assert found[token] == reference[f"{token}_tokens"]
    assert found["fit_cases"] == reference["fit_cases"]
    assert found["average_trace_fitness"] == pytest.approx(reference["average_trace_fitness"], rel=1e-12)
    assert found["log_fitness"] == pytest.approx(reference["log_fitness"], rel=1e-12)
    assert sum(place["missing"] for place in found["places"]) == found["missing"]
    assert {"activity": "Invoice Canceled", "events": 1} in found["not_in_model"]
    for name in ("percentage of fitting traces", "average trace fitness 0.8961", "log fitness 0.9403"):
        assert name in said
    assert "Activities not in the model" in said


def test_tables_carry_fitness(replayed):
    out, _, reference = replayed
    cases, variants = (pq.read_table(out / f"{name}.parquet") for name in ("cases", "variants"))
    assert cases.column_names[-2:] == ["fit", "fitness"]
    assert sum(cases["fit"].to_pylist()) == reference["fit_cases"]
    of = dict(zip(variants["variant"].to_pylist(), variants["fitness"].to_pylist(), strict=True))
    assert [of[variant] for variant in cases["variant"].to_pylist()] == cases["fitness"].to_pylist()
    model = json.loads((out / "manifest.json").read_text())["inputs"][1]
    assert (model["role"], model["path"]) == ("model", str(REFERENCE))


def test_json_has_conformance(csv, tmp_path, capsys):
    assert main(["analyze", str(csv), "--net", str(REFERENCE), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["conformance"]["fit_cases"] == 0
