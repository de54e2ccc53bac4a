"""Which exports are large, so that freed memory is kept longer."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.polars_memory import LARGE, is_large


def sparse(file, size):
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as stream:
        stream.truncate(size)
    return file


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a.csv": LARGE}, True),
        ({"one/a.CSV": LARGE - 1, "b.csv": 1}, True),
        ({"a.csv": LARGE - 1}, False),
        ({"a.json": 2 * LARGE, "b.csv.gz": LARGE}, False),
        ({}, False),
    ],
)
def test_csv_of_all_folders_counts(tmp_path, sizes, expected):
    for name, size in sizes.items():
        sparse(tmp_path / name, size)
    assert is_large(tmp_path) == expected


def test_a_file_alone(tmp_path):
    assert is_large(sparse(tmp_path / "a.csv", LARGE))
    assert not is_large(tmp_path / "missing.csv")
