"""JSON of rows that is made column by column, held against Python's."""

import json

import polars as pl

from dealtrace_engine.synthetic.crm.json_text import joined, json_objects

ROWS = pl.DataFrame({
    "id": ["1", "2", "3", "4"],
    "text": ['say "so"', "a\\b\n\t\x01\x7f", None, "東京 ü"],
    "amount": [0.1, 1500.0, None, -2_000_000.25],
    "count": [1, None, 3, -4],
    "open": [True, False, None, True],
    "none": pl.Series([None] * 4, dtype=pl.String),
})  # fmt: skip


def test_objects_are_those_of_python():
    records = list(ROWS.iter_rows(named=True))
    compact = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    assert json_objects(ROWS).to_list() == compact
    without = [{name: value for name, value in record.items() if value is not None} for record in records]
    spaced = [json.dumps(record, ensure_ascii=False) for record in without]
    assert json_objects(ROWS, gap=" ", omitted=ROWS.columns[1:]).to_list() == spaced


def test_json_that_is_there_already_is_not_quoted():
    rows = pl.DataFrame({"id": ["1", "2"], "below": ['{"records": []}', None]})
    made = json_objects(rows, gap=" ", omitted=["below"], raw=["below"])
    assert made.to_list() == ['{"id": "1", "below": {"records": []}}', '{"id": "2"}']


def test_rows_are_joined_without_quotes():
    texts = json_objects(ROWS)
    assert bytes(joined(texts, ",\n    ")) == ",\n    ".join(texts).encode()
    assert joined(texts.clear(), ",") == b""
