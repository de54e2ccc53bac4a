"""The footer says what pyarrow says of it; what is damaged or not understood is left to pyarrow."""

from __future__ import annotations

import base64
import datetime as dt
import os
import subprocess
import sys
from contextlib import suppress

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.errors import DealtraceError, ParseError
from dealtrace_engine.sources import parquet_footer
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.parquet import ParquetSource
from dealtrace_engine.sources.parquet_footer import Chunk, footer_of
from dealtrace_engine.sources.parquet_groups import RowGroups
from dealtrace_engine.sources.readers import read_parquet
from naive import parquet_footer as naive

NAMES = ["case", "activity", "time"]
TEXT, TIME = pa.string(), pa.timestamp("us", "UTC")


def table(rows=90, **kinds):
    """A log; a column may have another type, and there may be more columns of a few values."""
    rng = np.random.default_rng(rows)
    data = {
        "case": pa.array([f"case {n}" for n in rng.integers(0, 9, rows)]).cast(kinds.pop("case", TEXT)),
        "amount": pa.array([*range(rows - 1), None] if rows else [], pa.int64()).cast(pa.decimal128(21, 2)),
        "activity": pa.array([f"activity {n}" for n in rng.integers(0, 5, rows)]).cast(
            kinds.pop("activity", TEXT)
        ),
        "time": pa.array(rng.integers(0, 10**9, rows) * 1000, pa.timestamp("ms")).cast(
            kinds.pop("time", TIME)
        ),
    }
    return pa.table(data | {name: pa.array([None] * rows, kind) for name, kind in kinds.items()})


def equals_pyarrow(path, understood=NAMES):
    """Check all that the footer says, and which columns have a type."""
    footer, reader = footer_of(InputFile.at(path)), pq.ParquetFile(path)
    metadata, schema = reader.metadata, reader.schema_arrow
    assert footer is not None
    assert (list(footer.names), footer.num_rows) == (schema.names, metadata.num_rows)
    assert footer.num_row_groups == metadata.num_row_groups
    for index, column in enumerate(footer.columns):
        theirs = metadata.schema.column(index)
        assert (column.physical_type, column.max_definition_level, theirs.max_repetition_level) == (
            theirs.physical_type, theirs.max_definition_level, 0,
        )  # fmt: skip
        assert column.type is None or column.type == schema.field(index).type
    assert {c.name for c in footer.columns if c.type is not None} >= set(understood)
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group)
        chunks = [found.column(index) for index in range(found.num_columns)]
        wanted = [Chunk(*(getattr(chunk, name) for name in Chunk._fields)) for chunk in chunks]
        assert footer.chunks(group, list(footer.names)) == (found.num_rows, wanted)


def rewritten(path, change):
    """Write the footer anew, after `change` of its fields."""
    data = path.read_bytes()
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    fields = naive.tree(naive.STRUCT, naive.Reader(data[begin:-8]).fields())
    change(fields)
    footer = naive.struct(fields)
    path.write_bytes(data[:begin] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


# --- files of all kinds


@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+05:30"])
def test_units_and_zones(tmp_path, version, store_schema, unit, zone):
    made = table(time=pa.timestamp(unit, zone), day=pa.date32(), done=pa.bool_(), n=pa.uint8())
    pq.write_table(made, tmp_path / "a.parquet", version=version, store_schema=store_schema)
    equals_pyarrow(tmp_path / "a.parquet")


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("dictionary", [True, False, ["activity"]])
@pytest.mark.parametrize("nullable", [True, False])
def test_ways_of_writing(tmp_path, compression, dictionary, nullable):
    made = table(500).drop_columns("amount")
    pq.write_table(
        made.cast(pa.schema([field.with_nullable(nullable) for field in made.schema])),
        tmp_path / "a.parquet", compression=compression, use_dictionary=dictionary, row_group_size=7,
        write_page_index=True, sorting_columns=[pq.SortingColumn(0)],
    )  # fmt: skip
    equals_pyarrow(tmp_path / "a.parquet")


@pytest.mark.parametrize("rows", [0, 1])
def test_small_files(tmp_path, rows):
    pq.write_table(table(rows), tmp_path / "a.parquet")
    equals_pyarrow(tmp_path / "a.parquet")


def test_a_footer_longer_than_what_is_read_first(tmp_path):
    pq.write_table(table(3000), tmp_path / "a.parquet", row_group_size=5)
    data = (tmp_path / "a.parquet").read_bytes()
    assert int.from_bytes(data[-8:-4], "little") > parquet_footer.FIRST_READ
    equals_pyarrow(tmp_path / "a.parquet")


def test_other_writers(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"case": ["a", "b"], "activity": ["x", "y"], "time": [dt.datetime(2024, 1, 1)] * 2})
    for compression in ("zstd", "snappy", "uncompressed"):
        frame.write_parquet(path, compression=compression, row_group_size=1)
        equals_pyarrow(path)
    query = "select 'a' as case, 'b' as activity, timestamp{} '2024-01-01' as time, 1.5::decimal(9, 2) as x"
    for kind in ("", "_ms", "_ns", "tz"):
        duckdb.sql(query.format(kind)).write_parquet(str(path))
        equals_pyarrow(path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("case", pa.array([1])),
        ("case", pa.array([b"1"])),
        ("activity", pa.array(["a"]).dictionary_encode()),
        ("activity", pa.array(["a"], pa.string_view())),
        ("time", pa.array([1])),
        ("time", pa.array([dt.date(2024, 1, 1)])),
        ("time", pa.array([dt.time(8)])),
    ],
)
def test_columns_of_other_types_have_none(tmp_path, name, values):
    made = table(1).drop_columns(name).append_column(name, values)
    pq.write_table(made, tmp_path / "a.parquet")
    equals_pyarrow(tmp_path / "a.parquet", [])
    assert footer_of(InputFile.at(tmp_path / "a.parquet")).column(name).type is None


def test_large_texts_and_seconds(tmp_path):
    pq.write_table(table(case=pa.large_string(), time=pa.timestamp("s", "UTC")), tmp_path / "a.parquet")
    equals_pyarrow(tmp_path / "a.parquet")
    pq.write_table(
        table(time=pa.timestamp("ns")), tmp_path / "a.parquet", use_deprecated_int96_timestamps=True
    )
    equals_pyarrow(tmp_path / "a.parquet", ["case", "activity"])
    assert footer_of(InputFile.at(tmp_path / "a.parquet")).column("time").type is None


@pytest.mark.parametrize(
    "made",
    [
        table(x=pa.list_(pa.int8())),
        table(x=pa.struct({"case": TEXT})),
        table(x=pa.map_(TEXT, TEXT)),
        pa.Table.from_arrays([pa.array(["1"])] * 2, ["case", "case"]),
        pa.table({}),
    ],
)
def test_what_is_not_flat_is_left_to_pyarrow(tmp_path, made):
    path = tmp_path / "a.parquet"
    pq.write_table(made, path)
    assert footer_of(InputFile.at(path)) is None
    source = ParquetSource.of(path)
    assert (list(source.names), source.rows) == (pq.ParquetFile(path).schema_arrow.names, made.num_rows)
    if made.num_columns > 3:
        assert read_parquet(path).events == 90


# --- what contradicts itself


def _first_chunk(fields):
    return fields[4][1][1][0][1][1][1][0]


def _leaf(fields, at):
    return fields[2][1][1][at]


REFUSED = {
    "rows": lambda fields: fields.update({3: (naive.I64, 91)}),
    "rows of a group": lambda fields: fields[4][1][1][0].update({3: (naive.I64, 80)}),
    "less than no rows": lambda fields: fields[4][1][1][0].update({3: (naive.I64, -1)}),
    "chunks": lambda fields: fields[4][1][1][0][1][1][1].pop(),
    "another file": lambda fields: _first_chunk(fields).update({1: (naive.BINARY, b"other.parquet")}),
    "encrypted": lambda fields: fields.update({8: (naive.STRUCT, {1: (naive.STRUCT, {})})}),
    "encrypted column": lambda fields: _first_chunk(fields).update({8: (naive.STRUCT, {})}),
    "name": lambda fields: _leaf(fields, 1).update({4: (naive.BINARY, b"renamed")}),
    "no text": lambda fields: _leaf(fields, 2).update({4: (naive.BINARY, b"\xff")}),
    "group": lambda fields: _leaf(fields, 1).update({5: (naive.I32, 1)}),
    "repeated": lambda fields: _leaf(fields, 2).update({3: (naive.I32, 2)}),
    "kind": lambda fields: _leaf(fields, 2).update({1: (naive.I32, -1)}),
    "schema": lambda fields: fields[5][1][1][0].update({2: (naive.BINARY, b"AAAA")}),
    "no base64": lambda fields: fields[5][1][1][0].update({2: (naive.BINARY, b"?")}),
}
UNREADABLE = {
    "kind": lambda meta: meta.update({1: (naive.I32, 2)}),
    "codec": lambda meta: meta.update({4: (naive.I32, 99)}),
    "path": lambda meta: meta.update({3: (naive.LIST, (naive.BINARY, [b"activity"]))}),
    "values": lambda meta: meta.update({5: (naive.I64, 44)}),
    "large": lambda meta: meta.update({7: (naive.I64, 2**40)}),
    "less than nothing": lambda meta: meta.update({6: (naive.I64, -1)}),
    "outside": lambda meta: meta.update({9: (naive.I64, 2**40), 11: (naive.I64, 2**40)}),
    "at the start": lambda meta: meta.update({11: (naive.I64, 1)}),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_contradictions(tmp_path, change):
    path = tmp_path / "a.parquet"
    pq.write_table(table(), path, row_group_size=45)
    rewritten(path, lambda fields: None)
    equals_pyarrow(path)
    rewritten(path, change)
    assert footer_of(InputFile.at(path)) is None
    with suppress(DealtraceError):
        assert ParquetSource.of(path).names == tuple(pq.ParquetFile(path).schema_arrow.names)


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_columns_that_contradict(tmp_path, change):
    path = tmp_path / "a.parquet"
    pq.write_table(table(), path, row_group_size=45)
    rewritten(path, lambda fields: change(_first_chunk(fields)[3][1]))
    file = InputFile.at(path)
    groups = RowGroups(file, footer_of(file), NAMES)
    assert groups.read(0) is None
    assert groups.read(1) is not None


def test_an_older_annotation(tmp_path):
    """Texts are understood; of times, pyarrow decides about the zone."""
    path = tmp_path / "a.parquet"
    pq.write_table(table(), path)
    for at in (1, 3, 4):
        rewritten(path, lambda fields, at=at: _leaf(fields, at).pop(10, None))
    equals_pyarrow(path, ["case", "activity"])
    assert footer_of(InputFile.at(path)).column("time").type is None
    assert read_parquet(path).events == 90


# --- damage


def test_any_bit_of_the_footer(tmp_path):
    """What is still read is what pyarrow reads, or all is as it was."""
    path, names = tmp_path / "a.parquet", set(NAMES)
    made = table()
    pq.write_table(made, path, row_group_size=60)
    whole, intact = path.read_bytes(), made.select(NAMES).to_pydict()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for at in range(begin, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at * 5 % 8]) + whole[at + 1 :])
        file = InputFile.at(path)
        footer = footer_of(file)
        if footer is None or not names <= set(footer.names):
            continue
        groups = RowGroups(file, footer, NAMES, ["activity"])
        found = [groups.read(group) for group in range(footer.num_row_groups)]
        if None in found:
            continue
        for name in ("case", "activity"):
            values = [value for part in found for batch in part for value in batch[name].to_pylist()]
            assert values == intact[name]
        assert footer.num_rows == 90
        with suppress(pa.ArrowException, OSError):  # pyarrow looks at more of the columns that are not wanted
            schema = pq.read_schema(path)
            assert tuple(schema.names) == footer.names
            assert all(c.type in (None, schema.field(c.name).type) for c in footer.columns)


@given(st.data())
def test_a_damaged_footer_is_read_as_pyarrow_reads_it_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    pq.write_table(table(), path, row_group_size=60)
    whole = bytearray(path.read_bytes())
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(begin, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: -data.draw(st.integers(0, 9)) or None])
    with suppress(DealtraceError):
        log = read_parquet(path, case_id="case", activity="activity", timestamp="time", threads=1)
        assert log.events + log.quality.rows_dropped <= 90


def test_a_zone_that_is_no_text(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(table(time=pa.timestamp("us", "Europe/Berlin")), path)
    schema = pq.read_metadata(path).metadata[b"ARROW:schema"]
    broken = base64.b64encode(base64.b64decode(schema).replace(b"Europe", b"Eu\xffope"))
    path.write_bytes(path.read_bytes().replace(schema, broken))
    assert footer_of(InputFile.at(path)) is None
    with pytest.raises(ParseError, match="damaged or cut short"):
        read_parquet(path)


@pytest.mark.parametrize("keep", [1, 7, 8, 11, 12, 300])
def test_cut_short(tmp_path, keep):
    pq.write_table(table(), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    for part in (data[:keep], data[-keep:]):
        (tmp_path / "b.parquet").write_bytes(part)
        assert footer_of(InputFile.at(tmp_path / "b.parquet")) is None
        with pytest.raises(ParseError, match="damaged or cut short"):
            ParquetSource.of(tmp_path / "b.parquet")


def test_a_file_that_is_gone(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    file = InputFile.at(tmp_path / "a.parquet")
    os.truncate(file.path, 100)
    assert footer_of(file) is None
    file.path.unlink()
    assert footer_of(file) is None


# --- what it is for


def test_a_plain_log_is_read_without_the_reader_of_pyarrow(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    code = (
        "import sys, dealtrace as dt\n"
        "assert dt.read_parquet(sys.argv[1]).events == 90\n"
        "print({'pyarrow.parquet', 'pyarrow.fs', 'pyarrow.dataset'} & set(sys.modules))"
    )
    around = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code, str(tmp_path / "a.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, env=around)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
