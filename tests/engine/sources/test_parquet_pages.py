"""Row groups straight to codes equal what pyarrow reads; what is not understood is left to it."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.parquet_footer import footer_of
from dealtrace_engine.sources.parquet_groups import ReaderLayout, RowGroups, aligned
from dealtrace_engine.sources.readers import read_parquet

NAMES = ["case", "activity", "time"]
UTC = pa.timestamp("us", "UTC")


def table(rows, cases=40, kind=UTC, seed=0):
    rng = np.random.default_rng(seed)
    ids = [f"{'long ' * (n % 7)}case {n}" for n in rng.integers(0, cases, rows)]
    times = pa.array(rng.integers(0, 10**12, rows) * 1000).cast(pa.timestamp("us")).cast(kind)
    activities = [f"activity {n}" for n in rng.integers(0, 9, rows)]
    return pa.table({"case": ids, "x": range(rows), "activity": activities, "time": times})


def decoded(path):
    reader = pq.ParquetFile(path)
    file = InputFile.at(path)
    either = [
        [RowGroups(file, layout, NAMES, ["activity"]).read(group) for group in range(reader.num_row_groups)]
        for layout in (footer_of(file), ReaderLayout(file, reader))
    ]
    assert either[0] == either[1]
    return either[0], reader


def same(path):
    """Whether every row group was understood; those that were hold what pyarrow reads."""
    groups, reader = decoded(path)
    for group, batches in enumerate(groups):
        if batches is not None:
            wanted = reader.read_row_group(group, NAMES)
            for name in NAMES:
                found = [value for batch in batches for value in batch.column(name).to_pylist()]
                assert found == wanted.column(name).to_pylist()
            for batch in batches:
                activities = batch.column("activity")
                assert activities.dictionary.null_count == 0
                assert activities.dictionary.value_counts().field("counts").unique().to_pylist() == [1]
    return all(batches is not None for batches in groups)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False, ["activity"]])
@pytest.mark.parametrize("nullable", [True, False])
def test_what_pyarrow_writes(tmp_path, compression, version, dictionary, nullable):
    made = table(2500)
    made = made.cast(pa.schema([field.with_nullable(nullable) for field in made.schema]))
    pq.write_table(
        made, tmp_path / "a.parquet", compression=compression, data_page_version=version,
        use_dictionary=dictionary, row_group_size=900, data_page_size=1000, dictionary_pagesize_limit=300,
    )  # fmt: skip
    assert same(tmp_path / "a.parquet")


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 99))
def test_random_tables(tmp_path_factory, rows, cases, seed):
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    pq.write_table(table(rows, cases, seed=seed), path, row_group_size=100, data_page_size=64)
    assert same(path)


def test_texts_come_as_they_are_stored(tmp_path):
    """Indices until the dictionary is full, then plain texts; the columns that are cut elsewhere follow."""
    pq.write_table(
        table(2500, cases=2000), tmp_path / "a.parquet", row_group_size=2500, data_page_size=500,
        dictionary_pagesize_limit=2000,
    )  # fmt: skip
    ((first, second),), _ = decoded(tmp_path / "a.parquet")
    assert pa.types.is_dictionary(first.schema.field("case").type)
    assert second.schema.field("case").type == pa.string()
    assert first.num_rows + second.num_rows == 2500
    assert same(tmp_path / "a.parquet")


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=3))
def test_parts_are_aligned(cuts):
    """Columns of one length in parts of any length become batches that hold the same values."""
    rows = max(map(sum, cuts))
    columns = [[*sizes, rows - sum(sizes)] for sizes in cuts]
    parts = []
    for sizes in columns:
        ends = np.cumsum([0, *sizes])
        parts.append([pa.array(range(a, b), pa.int64()) for a, b in pairwise(ends)])
    batches = aligned(parts, [str(i) for i in range(len(parts))])
    assert all(batch.num_rows for batch in batches)
    for name in map(str, range(len(parts))):
        assert [v for batch in batches for v in batch.column(name).to_pylist()] == list(range(rows))


@pytest.mark.parametrize("column", NAMES)
def test_nulls_are_left_to_pyarrow(tmp_path, column):
    made = table(50)
    at = made.schema.names.index(column)
    values = [*made.column(at).to_pylist()[:49], None]
    made = made.set_column(at, column, pa.array(values, made.schema.field(at).type))
    for version in ("1.0", "2.0"):
        pq.write_table(made, tmp_path / "a.parquet", row_group_size=25, data_page_version=version)
        groups, _ = decoded(tmp_path / "a.parquet")
        assert [batches is None for batches in groups] == [False, True]
        log = read_parquet(tmp_path / "a.parquet")
        assert (log.events, log.quality.rows_dropped) == (49, 1)


def test_empty_texts_are_left_to_pyarrow(tmp_path):
    made = table(50).set_column(0, "case", pa.array(["a"] * 49 + [""]))
    for dictionary in (True, False):
        pq.write_table(made, tmp_path / "a.parquet", use_dictionary=dictionary)
        assert decoded(tmp_path / "a.parquet")[0] == [None]
        assert read_parquet(tmp_path / "a.parquet").quality.dropped[0].reason == "empty case_id"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": pa.timestamp("ns"), "use_deprecated_int96_timestamps": True},
        {"compression": "lz4"},
        {"use_dictionary": False, "column_encoding": {"time": "DELTA_BINARY_PACKED", "case": "PLAIN"}},
        {"use_dictionary": False, "column_encoding": {"case": "DELTA_BYTE_ARRAY"}},
        {"use_dictionary": False, "column_encoding": {"activity": "DELTA_LENGTH_BYTE_ARRAY"}},
    ],
)
def test_what_is_not_understood_is_read_by_pyarrow(tmp_path, change):
    change = dict(change)
    made = table(300, kind=change.pop("kind", UTC))
    pq.write_table(made, tmp_path / "a.parquet", **change)
    assert not same(tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet").events == 300


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
def test_units(tmp_path, unit, version):
    """Whatever the file says; older formats know no nanoseconds and pyarrow writes microseconds."""
    made = table(300, kind=pa.timestamp(unit, "Europe/Berlin"))
    pq.write_table(made, tmp_path / "a.parquet", version=version)
    assert same(tmp_path / "a.parquet")
    times = set(pa.table(read_parquet(tmp_path / "a.parquet"))["timestamp"].to_pylist())
    assert times == set(made["time"].cast(UTC).to_pylist())


def test_naive_times_and_large_texts(tmp_path):
    made = table(300, kind=pa.timestamp("us")).cast(
        pa.schema(
            [
                ("case", pa.large_string()),
                ("x", pa.int64()),
                ("activity", pa.string()),
                ("time", pa.timestamp("us")),
            ]
        )
    )
    pq.write_table(made, tmp_path / "a.parquet")
    assert same(tmp_path / "a.parquet")
    assert "naive" in read_parquet(tmp_path / "a.parquet").quality.time_zones


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_the_log_is_the_same_either_way(tmp_path, version):
    made = table(4000, cases=700)
    pq.write_table(made, tmp_path / "pages.parquet", row_group_size=600, data_page_version=version)
    plain = {"use_dictionary": False, "column_encoding": {"time": "DELTA_BINARY_PACKED"}}
    pq.write_table(made, tmp_path / "arrow.parquet", row_group_size=600, **plain)
    prints = {read_parquet(tmp_path / "arrow.parquet", threads=1).fingerprint}
    prints |= {
        read_parquet(tmp_path / "pages.parquet", threads=threads).fingerprint for threads in (1, 2, 3, 8)
    }
    assert len(prints) == 1


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_read_as_pyarrow_reads_it_or_refused(tmp_path, seed):
    """Bits change anywhere before the footer; the answer is an error or a log, never a crash."""
    rng = np.random.default_rng(seed)
    options = {
        "compression": ("zstd", "snappy", "none")[seed % 3], "use_dictionary": bool(seed & 1),
        "data_page_version": ("1.0", "2.0")[seed // 2 % 2], "data_page_size": 500,
        "dictionary_pagesize_limit": (200, 2**20)[seed // 4 % 2],
    }  # fmt: skip
    pq.write_table(table(400, seed=seed), tmp_path / "a.parquet", **options)
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for at in rng.integers(4, end, int(rng.integers(1, 12))):
        data[at] ^= 1 << rng.integers(0, 8)
    (tmp_path / "a.parquet").write_bytes(data)
    decoded(tmp_path / "a.parquet")
    with suppress(DealtraceError):
        log = read_parquet(tmp_path / "a.parquet", threads=2)
        assert log.events + log.quality.rows_dropped == 400


def test_a_damaged_footer_is_refused(tmp_path):
    pq.write_table(table(400), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for seed in range(60):
        rng, data = np.random.default_rng(seed), bytearray(whole)
        data[int(rng.integers(begin, len(data) - 8))] ^= 1 << rng.integers(0, 8)
        (tmp_path / "a.parquet").write_bytes(data)
        with suppress(DealtraceError):
            assert read_parquet(tmp_path / "a.parquet").events <= 400


def test_years_of_all_kinds(tmp_path):
    """Times outside of the years 1 to 9999 are counted and dropped, as from any source."""
    times = pa.array([dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), None], pa.timestamp("us"))
    outside = pa.array([-(2**62), 2**62], pa.int64()).cast(pa.timestamp("us"))
    made = pa.table(
        {"case": ["a"] * 4, "activity": ["b"] * 4, "time": pa.concat_arrays([times[:2], outside])}
    )
    pq.write_table(made, tmp_path / "a.parquet")
    assert decoded(tmp_path / "a.parquet")[0] != [None]
    log = read_parquet(tmp_path / "a.parquet")
    assert (log.events, log.quality.dropped[0].reason) == (2, "out of range timestamp")
