"""The runner from end to end, on a small log."""

import pyarrow.parquet as pq
import pytest

import logs
from benchmarks import run


@pytest.fixture
def small(tmp_path):
    rows = [(f"{case}", name, 60 * logs.SECOND * case) for case in range(50) for name in "ab"]
    path = tmp_path / "small.parquet"
    pq.write_table(logs.table(logs.log(*rows)), path)
    return path


def asked(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["run", *map(str, words), "--no-write"])
    run.main()
    return capsys.readouterr().out


def test_a_table_with_versions_machine_and_command(small, monkeypatch, capsys):
    words = ["--log", small, "--questions", "throughput", "--rivals", "ours,naive", "--runs", 1]
    text = asked(monkeypatch, capsys, *words)
    assert "### 100 events (small.parquet), median of 1 runs" in text
    row = next(line for line in text.splitlines() if line.startswith("| throughput time percentiles"))
    assert "failed" not in row
    assert "differs" not in row
    assert row.endswith("x) |")
    assert "Machine: " in text
    assert "--log small.parquet --questions throughput" in text
    assert str(small.parent) not in text


def test_a_rival_that_is_not_installed_is_reported(small, monkeypatch, capsys):
    words = ["--log", small, "--questions", "throughput", "--rivals", "ours,pm4py", "--runs", 1]
    assert "failed: ModuleNotFoundError: No module named 'pm4py'" in asked(monkeypatch, capsys, *words)


def test_unknown_names_are_refused(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        asked(monkeypatch, capsys, "--rivals", "ours,celonis")
    assert "'celonis' is none of ours, naive" in capsys.readouterr().err


def test_a_script_from_elsewhere_takes_part(small, tmp_path, monkeypatch, capsys):
    script = tmp_path / "counts.py"
    script.write_text('print(\'{"edges": 1, "variants": 2}\')')
    words = ["--log", small, "--questions", "everything", "--rivals", "ours", "--runs", 1]
    text = asked(monkeypatch, capsys, *words, "--script", f"counts={script}")
    assert "| | ours | counts |" in text
    assert "**differs**" in text
    assert "- counts, from the file: all but replay: variants: 1 and 2" in text
    assert str(tmp_path) not in text


def test_a_script_that_is_not_there_is_refused(small, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        asked(monkeypatch, capsys, "--log", small, "--script", "counts=nowhere.py")
    assert "--script is NAME=PATH" in capsys.readouterr().err


def test_interactive_questions_say_what_is_kept(tmp_path, monkeypatch, capsys):
    words = ["--sizes", "2e3", "--questions", "filter_half,sequence", "--rivals", "ours", "--runs", 1]
    text = asked(monkeypatch, capsys, *words, "--cache", tmp_path)
    rows = [line for line in text.splitlines() if "% of cases |" in line]
    assert len(rows) == 2
    assert not any("failed" in row for row in rows)
