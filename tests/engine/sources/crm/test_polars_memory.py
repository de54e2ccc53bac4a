"""How long freed memory is kept, by what is read."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.polars_memory import KEPT_MS, KEPT_MS_OF_LARGE, LARGE, kept_ms


def sparse(file, size):
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as stream:
        stream.truncate(size)
    return file


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a.csv": LARGE}, KEPT_MS_OF_LARGE),
        ({"one/a.CSV": LARGE - 1, "b.csv": 1}, KEPT_MS_OF_LARGE),
        ({"a.csv": LARGE - 1}, KEPT_MS),
        ({"a.json": 2 * LARGE, "b.csv.gz": LARGE}, KEPT_MS),
        ({}, KEPT_MS),
    ],
)
def test_pages_of_large_csv_exports_are_kept_longer(tmp_path, sizes, expected):
    for name, size in sizes.items():
        sparse(tmp_path / name, size)
    assert kept_ms(tmp_path) == expected


def test_a_file_alone(tmp_path):
    assert kept_ms(sparse(tmp_path / "a.csv", LARGE)) == KEPT_MS_OF_LARGE
    assert kept_ms(tmp_path / "missing.csv") == kept_ms(None) == KEPT_MS
