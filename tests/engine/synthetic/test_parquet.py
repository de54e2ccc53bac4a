"""A file holds the rows of the log in memory, or does not appear at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dealtrace_engine.errors import Cancelled, OutputError
from dealtrace_engine.synthetic import lead_to_cash as module
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from dealtrace_engine.synthetic.parquet import EVENTS_PER_OPPORTUNITY, write_parquet


@pytest.mark.parametrize("cases_per_block", [1 << 15, 150])
def test_the_file_is_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases_per_block: int):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", cases_per_block)
    truths = write_parquet(tmp_path / "log.parquet", 8_000, seed=3, language="it", row_group=1_000)
    log = lead_to_cash(round(8_000 / EVENTS_PER_OPPORTUNITY), seed=3, language="it")
    assert pq.read_table(tmp_path / "log.parquet").equals(log.events)
    assert truths == log.truths


def test_row_groups_have_the_size_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", 150)
    write_parquet(tmp_path / "log.parquet", 8_000, row_group=1_000)
    metadata = pq.read_metadata(tmp_path / "log.parquet")
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert set(sizes[:-1]) == {1_000}
    assert 0 < sizes[-1] <= 1_000


def test_the_number_of_events_is_about_what_was_asked(tmp_path: Path):
    truths = write_parquet(tmp_path / "log.parquet", 100_000)
    assert abs(int(truths["events"]) / 100_000 - 1) < 0.02


def test_a_cancelled_run_leaves_nothing_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", 150)
    path = tmp_path / "log.parquet"
    path.write_text("old")
    with pytest.raises(Cancelled):
        write_parquet(path, 8_000, row_group=500, progress=lambda done, of: done < 300)
    assert [file.name for file in tmp_path.iterdir()] == ["log.parquet"]
    assert path.read_text() == "old"


def test_progress_counts_the_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", 150)
    seen: list[tuple[int, int]] = []
    write_parquet(tmp_path / "log.parquet", 4_000, progress=lambda done, of: seen.append((done, of)))
    assert [done for done, _ in seen] == [150, 300, seen[-1][1]]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match=r"nowhere/log\.parquet: cannot be written"):
        write_parquet(tmp_path / "nowhere" / "log.parquet", 100)
    with pytest.raises(OutputError, match="cannot be written"):
        write_parquet(tmp_path, 100)
    assert not list(tmp_path.iterdir())
