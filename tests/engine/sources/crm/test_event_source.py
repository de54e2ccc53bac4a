"""Events that wait as they were derived: columns as Arrow, ids as texts, and what a manifest tells."""

from __future__ import annotations

import pickle

import polars as pl
import pytest

from dealtrace_engine.sources.crm.event_source import EventSource
from dealtrace_engine.sources.crm.ids import GuidIds, SalesforceIds, TextIds
from dealtrace_engine.sources.files import InputFile

TEXTS = ["0064600000J5S5TAAV", None, "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "q1"]


@pytest.mark.parametrize("kind", [GuidIds, SalesforceIds, TextIds])
def test_ids_are_texts_when_they_are_asked_for(kind):
    ids = kind()
    frame = pl.DataFrame({"record_id": ids.held(pl.Series(TEXTS)), "n": [1, 2, 3, 4]})
    source = pickle.loads(pickle.dumps(EventSource(frame, ids, "here")))
    assert source.names == ("record_id", "n")
    assert source.read(["n", "record_id"]).to_pydict() == {"n": [1, 2, 3, 4], "record_id": TEXTS}
    assert [batch.num_rows for batch in source.batches(["n"])] == [4]
    assert source.row_number(0) == 1


def test_its_manifest(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    frame = pl.DataFrame({"n": [1, 2]})
    assert EventSource(frame, TextIds(), "here").describe() == [{"memory": "here", "rows": 2}]
    files = [InputFile.at(tmp_path / "a.csv")]
    [told] = EventSource(frame, TextIds(), "here", files=files).describe()
    assert told["bytes"] == 1
