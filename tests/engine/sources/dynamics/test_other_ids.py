"""Ids that are no GUIDs, some or all of them, give the same log as GUIDs do."""

from __future__ import annotations

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.synthetic.crm.writing import write_organisation

REST = "([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})"
ANY, SOME = f"([0-9a-f]{{8}})-{REST}", f"(a[0-9a-f]{{7}})-{REST}"
GUIDS_ONLY = "msdyn_flow_approval"
"""Approvals name their record in a link, in which only GUIDs are looked for."""


def told(tables):
    log = dt.read_dynamics(tables=tables)
    events = pl.DataFrame(log.to_arrow(["resource"]))
    return events.drop("case_id").sort(pl.all()).rows(), log.case_table().num_rows, log.cases


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other") / "made"
    write_organisation("dynamics", "replica", 60, 3, folder)
    files = [file for file in (folder / "export").glob("*.csv") if not file.stem.startswith(GUIDS_ONLY)]
    found = {file.stem: pl.read_csv(file, infer_schema=False) for file in sorted(files)}
    assert found["lead"]["leadid"].str.contains(SOME).any()
    return found, told(found)


@pytest.mark.parametrize(
    ("which", "form"), [(ANY, "r$1$5"), (SOME, "odd $1$5"), (ANY, "00000000-$2-$3-$4-$5"), (SOME, "a")]
)
def test_ids_of_other_forms_give_the_same_log(tables, which, form):
    frames, expected = tables
    other = {
        name: frame.with_columns(pl.all().str.replace_all(which, form)) for name, frame in frames.items()
    }
    assert (told(other) == expected) == (form != "a")  # one id for all of some records is another log
