"""Parquet files, whole and broken, alone and together, and files that change under the reader."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import logs
from dealtrace_engine.errors import Cancelled, DealtraceError, LogError, ParseError, SchemaError
from dealtrace_engine.sources import parquet
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.sources.readers import read_parquet

EVENTS = logs.random_log(9, events=2000)


def with_region(events=EVENTS):
    data = logs.table(events)
    return data.append_column("region", data["case_id"])


@pytest.fixture
def path(tmp_path):
    pq.write_table(with_region(), tmp_path / "log.parquet", row_group_size=300)
    return tmp_path / "log.parquet"


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("batch", [64, 1 << 18])
def test_equal_to_the_table_in_memory(path, threads, batch):
    expected = from_arrow(with_region())
    with mock.patch.object(parquet, "ROWS_PER_BATCH", batch):
        log = read_parquet(path, threads=threads)
    assert log.fingerprint == expected.fingerprint
    assert log.rows.tolist() == expected.rows.tolist()
    assert log.attribute("region").values.equals(expected.attribute("region").values)


@pytest.mark.parametrize(
    "options",
    [{"use_dictionary": False}, {"compression": "zstd"}, {"data_page_size": 100}, {"version": "1.0"}],
)
def test_any_way_of_writing(tmp_path, options):
    pq.write_table(with_region(), tmp_path / "log.parquet", **options)
    assert read_parquet(tmp_path / "log.parquet").fingerprint == from_arrow(with_region()).fingerprint


def test_a_folder_and_a_list_are_read_in_order(tmp_path):
    data = with_region()
    for name, part in (
        ("b.parquet", data.slice(500, 700)),
        ("a.pq", data.slice(0, 500)),
        ("c.PARQUET", data.slice(1200)),
    ):
        pq.write_table(part, tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a log")
    log = read_parquet(tmp_path)
    assert log.fingerprint == from_arrow(data).fingerprint
    assert (
        read_parquet([tmp_path / "a.pq", tmp_path / "b.parquet", tmp_path / "c.PARQUET"]).fingerprint
        == log.fingerprint
    )
    assert len(log.attribute("region").values) in (log.cases, log.events)


def test_names_with_dots_are_columns_not_paths(tmp_path):
    data = pa.table(
        {"time.zone": ["x"], "case.id": ["7"], "case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}
    )
    pq.write_table(data, tmp_path / "log.parquet")
    log = read_parquet(tmp_path / "log.parquet", case_id="case")
    assert (log.case_ids.to_pylist(), log.attribute("case.id").values.to_pylist()) == (["1"], ["7"])
    assert read_parquet(tmp_path / "log.parquet", case_id="case.id").case_ids.to_pylist() == ["7"]


def test_day_or_month_is_settled_by_later_batches(tmp_path):
    data = pa.table(
        {
            "time.zone": [1, 2],
            "case": ["1", "1"],
            "activity": ["a", "b"],
            "time": ["01/02/2024", "13/02/2024"],
        }
    )
    pq.write_table(data, tmp_path / "log.parquet")
    with mock.patch.object(parquet, "ROWS_PER_BATCH", 1):
        log = read_parquet(tmp_path / "log.parquet")
    assert [str(time)[:10] for time in log.to_arrow()["timestamp"]] == ["2024-02-01", "2024-02-13"]


# --- broken files


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_cut_short(path, keep):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ParseError, match="empty" if keep == 0 else "damaged or cut short") as caught:
        read_parquet(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(8))
def test_scribbled_over_it_is_an_error_or_a_log(path, seed):
    """Pages may be damaged without a checksum to tell; the outcome is an error or values, never a crash."""
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    at = int(rng.integers(4, len(content) - 200))
    content[at : at + 100] = rng.bytes(100)
    path.write_bytes(content)
    with suppress(ParseError, LogError, SchemaError):
        assert read_parquet(path).quality.rows_read == len(EVENTS)


def test_bytes_that_are_no_text(tmp_path):
    raw = pa.array([b"ok", b"\xff\xfe", b"ok"])
    data = pa.table({"case_id": ["1"] * 3, "activity": raw, "timestamp": ["2024-01-01"] * 3})
    schema = pa.schema([("case_id", pa.string()), ("activity", pa.string()), ("timestamp", pa.string())])
    unchecked = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(
        pa.Table.from_arrays([data[0], unchecked, data[2]], schema=schema), tmp_path / "log.parquet"
    )
    with pytest.raises(ParseError, match="not valid UTF-8") as caught:
        read_parquet(tmp_path / "log.parquet")
    assert (caught.value.column, caught.value.value) == ("activity", b"\xff\xfe")


def test_files_that_do_not_fit_together(tmp_path):
    columns = {"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}
    pq.write_table(pa.table(columns | {"v": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({**columns, "case": [1], "v": ["x"]}), tmp_path / "2.parquet")
    log = read_parquet(tmp_path)
    assert (log.cases, log.events) == (1, 2)  # 1 and "1" are one case
    with pytest.raises(SchemaError, match="differ in type"):
        log.attribute("v")
    pq.write_table(pa.table({"case": ["1"], "activity": ["a"]}), tmp_path / "3.parquet")
    with pytest.raises(SchemaError, match="no column 'time'"):
        read_parquet(tmp_path)


@pytest.mark.parametrize("name", ["missing.parquet", "x" * 5000, "a\0b"])
def test_no_such_file(tmp_path, name):
    with pytest.raises(ParseError, match=r"no such file|cannot be opened|too long"):
        read_parquet(tmp_path / name)


def test_nothing_to_read(tmp_path):
    with pytest.raises(ParseError, match="holds no file"):
        read_parquet(tmp_path)
    with pytest.raises(ParseError, match="no input file"):
        read_parquet([])
    pq.write_table(with_region().slice(0, 0), tmp_path / "log.parquet")
    with pytest.raises(LogError, match="no rows, only a header"):
        read_parquet(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_not_permitted(path):
    path.chmod(0)
    with pytest.raises(ParseError, match="cannot be opened"):
        read_parquet(path)


# --- files that change


def test_a_file_that_changes_before_an_attribute_is_read(path):
    log = read_parquet(path)
    pq.write_table(with_region(EVENTS[::-1]), path)
    with pytest.raises(LogError, match="changed since it was read"):
        log.attribute("region")


def test_a_file_that_is_gone_before_an_attribute_is_read(path):
    log, kept = read_parquet(path), read_parquet(path, columns=["region"])
    path.unlink()
    with pytest.raises(LogError, match="gone since it was read"):
        log.attribute("region")
    assert len(kept.attribute("region").values) == kept.cases


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("change", ["touch", "truncate", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read(path, threads, change):
    def disturb(done, of):
        if change == "touch":
            os.utime(path, ns=(1, 1))
        elif change == "truncate":
            os.truncate(path, 2000)
        elif change == "replace":
            pq.write_table(with_region(), path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
        else:
            path.unlink(missing_ok=True)

    with mock.patch.object(parquet, "ROWS_PER_BATCH", 100), pytest.raises(LogError, match=r"changed|gone"):
        read_parquet(path, threads=threads, progress=disturb)


@pytest.mark.parametrize("threads", [1, 2])
def test_cancelled(path, threads):
    with (
        mock.patch.object(parquet, "ROWS_PER_BATCH", 100),
        pytest.raises(Cancelled, match="after 300 of 2,000"),
    ):
        read_parquet(path, threads=threads, progress=lambda done, _: done < 300)


def test_logs_survive_pickling(path):
    log = read_parquet(path)
    again = pickle.loads(pickle.dumps(log))
    assert again.fingerprint == log.fingerprint
    assert again.attribute("region").values.equals(log.attribute("region").values)


@pytest.mark.parametrize("value", [0x00, 0x04, 0xFF])
def test_any_byte_of_the_footer_may_be_wrong(path, value):
    """Also where pyarrow's own view of the metadata would end the process."""
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for at in range(footer, len(content), 5):
        path.write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
        with suppress(DealtraceError):
            assert len(read_parquet(path, threads=1)) <= 2 * len(EVENTS)


def test_a_column_name_that_is_no_text(tmp_path):
    data = logs.table(EVENTS)
    named = data.append_column("zzzzzz", data["case_id"])
    pq.write_table(named, tmp_path / "log.parquet", store_schema=False)
    content = (tmp_path / "log.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(content.replace(b"zzzzzz", b"zz\xffzzz"))
    with pytest.raises(ParseError, match="damaged or cut short"):
        read_parquet(tmp_path / "log.parquet")
