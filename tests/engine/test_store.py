from __future__ import annotations

import errno
import json
import pickle
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given

import logs
from dealtrace_engine import store
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.attributes import Attribute
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import Cancelled, LogError, OutputError, ParseError, SchemaError
from dealtrace_engine.filters import where
from dealtrace_engine.log import EventLog
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.sources.readers import read_parquet
from dealtrace_engine.store import open_log, verify

TABLE = pa.table(
    {
        "case": ["2", "1", "2", None, "1"],
        "activity": ["Quote Issued", "Lead Captured", "Quote Accepted", "Quote Issued", "Quote Issued"],
        "time": pa.array([10, 5, 20, 7, 5], pa.timestamp("s")),
        "region": ["DACH", "Iberia", "DACH", None, "Iberia"],
        "amount": [1.5, None, 2.5, 0.0, 4.0],
    }
)


@pytest.fixture
def log() -> EventLog:
    return from_arrow(TABLE)


@pytest.fixture
def path(log, tmp_path):
    log.save(tmp_path / "log.dealtrace")
    return tmp_path / "log.dealtrace"


def test_everything_comes_back(log, path):
    opened = open_log(path)
    assert opened.fingerprint == log.fingerprint
    assert opened.to_arrow(["region", "amount"]).equals(log.to_arrow(["region", "amount"]))
    assert (opened.attribute("region").level, opened.attribute("amount").level) == ("case", "event")
    assert opened.quality == log.quality
    assert opened.attribute_names == log.attribute_names
    assert opened.rows.tolist() == log.rows.tolist()
    assert directly_follows(opened).to_json() == directly_follows(log).to_json()
    assert variants(opened).to_json() == variants(log).to_json()
    assert throughput_times(opened).percentiles([50], by="region") == throughput_times(log).percentiles(
        [50], by="region"
    )
    assert verify(opened) == []


@given(logs.event_logs())
def test_any_log_comes_back(tmp_path_factory, events):
    log = from_arrow(logs.table(events))
    path = tmp_path_factory.mktemp("store") / "log.dealtrace"
    log.save(path)
    opened = open_log(path)
    assert (opened.fingerprint, verify(opened)) == (log.fingerprint, [])
    assert opened.to_arrow().equals(log.to_arrow())


def test_columns_are_chosen(log, tmp_path):
    log.save(tmp_path / "log.dealtrace", columns=["amount"])
    opened = open_log(tmp_path / "log.dealtrace")
    assert opened.attribute_names == ("amount",)
    with pytest.raises(SchemaError, match="there is no column 'region'"):
        opened.attribute("region")
    with pytest.raises(SchemaError, match="there is no column 'regions'"):
        log.save(tmp_path / "other.dealtrace", columns=["regions"])
    assert not (tmp_path / "other.dealtrace").exists()


def test_saved_again_it_is_the_same_file(path, tmp_path):
    open_log(path).save(tmp_path / "again.dealtrace")
    assert open_log(tmp_path / "again.dealtrace").origin.source.made_from == "memory"
    assert verify(open_log(tmp_path / "again.dealtrace")) == []


def test_it_may_replace_the_file_it_is_mapped_from(path):
    opened = open_log(path)
    opened.save(path, columns=[])
    assert opened.attribute("region").values.to_pylist() == ["DACH", "Iberia"]
    assert open_log(path).attribute_names == ()


def test_pickled_it_needs_no_file(path):
    pickled = pickle.dumps(open_log(path))
    path.unlink()
    assert pickle.loads(pickled).attribute("amount").values.to_pylist() == [1.5, 2.5, None, 4.0]


@pytest.mark.parametrize("cut", [0, 1, 7, 100, 0.5, -1, -10])
def test_cut_short(path, cut):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut) if isinstance(cut, float) else cut])
    with pytest.raises(ParseError, match=r"empty|not a whole file of dealtrace") as error:
        open_log(path)
    assert "\n" not in str(error.value)


def test_every_changed_byte_is_noticed_or_changes_nothing(path, log):
    content = path.read_bytes()
    missed = []
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        try:
            opened = open_log(path)
            if verify(opened) == [] and opened.to_arrow(["region"]) != log.to_arrow(["region"]):
                missed.append(at)
        except ParseError:
            continue
    assert missed == []


def test_not_ours(tmp_path):
    path = tmp_path / "other.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    with pytest.raises(ParseError, match="is an Arrow file, but not an event log of dealtrace"):
        open_log(path)
    path.write_text("case,activity\n")
    with pytest.raises(ParseError, match="not a whole file of dealtrace"):
        open_log(path)
    with pytest.raises(ParseError, match="there is no such file"):
        open_log(tmp_path / "missing.dealtrace")


def test_a_newer_format(path, monkeypatch, log):
    monkeypatch.setattr(store, "FORMAT", 2)
    log.save(path)
    monkeypatch.undo()
    with pytest.raises(ParseError, match="is of format 2, this version reads 1"):
        open_log(path)


@pytest.mark.parametrize("name", ["case_ids", "case_offsets", "timestamps", "event:amount", "case:region"])
def test_columns_of_a_wrong_length(path, name):
    batch = pa.ipc.open_file(path).get_batch(0)
    cells = [
        store._as_cell(cell.flatten()[:-1]) if field.name == name else cell
        for field, cell in zip(batch.schema, batch.columns, strict=True)
    ]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(pa.record_batch(cells, schema=batch.schema))
    with pytest.raises(ParseError, match="is damaged"):
        open_log(path)


def test_disorder_is_found(path):
    batch = pa.ipc.open_file(path).get_batch(0)
    header = json.loads(batch.schema.metadata[store.KEY])
    times = store._as_cell(pa.array([20, 10, 5, 5], pa.int64()))
    header["digests"]["timestamps"] = store.digest(times.flatten())
    schema = batch.schema.with_metadata({store.KEY: json.dumps(header).encode()})
    cells = [times if name == "timestamps" else batch.column(name) for name in batch.schema.names]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(cells, schema=schema))
    assert verify(open_log(path)) == [
        "the events are not those that were saved",
        "the events of a case are not in order of time",
    ]


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_half_written(path, log, monkeypatch, stop):
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise stop

    monkeypatch.setattr(pa.ipc, "new_file", full)
    with pytest.raises(OutputError if isinstance(stop, OSError) else KeyboardInterrupt):
        log.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_no_place_to_write(log, tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        log.save(tmp_path / "missing" / "log.dealtrace")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        log.save(tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_source_that_changed_is_not_saved(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(TABLE, tmp_path / "events.parquet")
    log = read_parquet(tmp_path / "events.parquet")
    pq.write_table(TABLE.slice(1), tmp_path / "events.parquet")
    with pytest.raises(LogError, match="has changed"):
        log.save(tmp_path / "log.dealtrace")
    log.save(tmp_path / "log.dealtrace", columns=[])
    assert open_log(tmp_path / "log.dealtrace").events == 4


def test_progress(log, tmp_path):
    seen = []
    log.save(tmp_path / "log.dealtrace", progress=lambda done, of: seen.append((done, of)))
    assert seen[-1][0] == seen[-1][1] == len(seen)
    with pytest.raises(Cancelled):
        log.save(tmp_path / "other.dealtrace", progress=lambda *_: False)
    assert not (tmp_path / "other.dealtrace").exists()


def test_coverage_and_attributes_of_the_case_come_back(log, tmp_path):
    covered = Coverage(
        "salesforce", "bulk", objects={"Lead": 3}, ambiguous={"throughput": {"p50_s": [1, 2, 3]}}
    )
    segment = Attribute("segment", "case", pa.array(["large", None]).dictionary_encode())
    log = replace(log, origin=replace(log.origin, coverage=covered), kept={**log.kept, "segment": segment})
    log.save(tmp_path / "crm.dealtrace")
    opened = open_log(tmp_path / "crm.dealtrace")
    assert opened.quality.coverage == covered
    assert opened.case_table(["segment"]).to_pydict() == {"case_id": ["2", "1"], "segment": ["large", None]}
    assert opened.case_table().column_names == ["case_id", "segment", "region"]
    assert verify(opened) == []
    kept = opened.filter(where.case("segment") == "large")
    assert kept.quality.coverage == covered
    assert kept.case_table(["segment"]).to_pydict() == {"case_id": ["2"], "segment": ["large"]}


def test_a_case_table_has_no_columns_that_vary(log):
    with pytest.raises(SchemaError, match=r"'amount' varies within cases"):
        log.case_table(["amount"])
    assert log.case_table([]).column_names == ["case_id"]
