"""Rows that are sorted on disk come back as one sort in memory gives them."""

import numpy as np
import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_shapes.sorted_rows import SortedRows

KEYS = ["at", "version"]


def frames(seed, sizes):
    rng = np.random.default_rng(seed)
    return [
        pl.DataFrame({
            "at": rng.integers(0, 7, size), "version": rng.integers(0, 3, size),
            "text": pl.Series([f"{number}-{row}" for row in range(size)], dtype=pl.String),
        })
        for number, size in enumerate(sizes)
    ]  # fmt: skip


def added(folder, parts):
    rows = SortedRows(folder / "rows", KEYS)
    for part in parts:
        rows.add(part)
    return rows


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("sizes", [(30,), (20, 0, 25, 1), (0,)])
def test_slices_are_those_of_one_sort(tmp_path, sizes, size):
    parts = frames(3, sizes)
    rows, expected = added(tmp_path, parts), pl.concat(parts).sort(KEYS, maintain_order=True)
    assert rows.height == expected.height
    assert rows.schema == expected.schema
    made = list(rows.slices(size))
    assert [part.height for part in made[:-1]] == [size] * (len(made) - 1)
    assert pl.concat([expected.clear(), *made]).equals(expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("step", "first"), [(1, 0), (4, 2), (100, 3), (5, 99)])
def test_some_rows_of_the_order(tmp_path, step, first):
    parts = frames(5, (20, 25, 4))
    expected = pl.concat(parts).sort(KEYS, maintain_order=True).gather_every(step, first)
    assert added(tmp_path, parts).every(step, first).equals(expected)
