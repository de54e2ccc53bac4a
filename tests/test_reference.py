"""All figures equal to the reference library's: own logs always, the real ones where they are."""

import copy
import json
from pathlib import Path

import pytest

import dealtrace as dt
from benchmarks.compare_reference import compared
from benchmarks.reference import compare, comparisons, differences
from shared_data import LOGS, ORACLE, needs_shared

REFERENCE = Path(__file__).with_name("reference")
OWN = sorted(REFERENCE.glob("*.json"))
REAL = [
    "bpic2012", "bpic2013-incidents", "bpic2020-domestic", "hospital-billing", "interval", "o2c-ibm",
    "receipt", "running-example", "sepsis",
]  # fmt: skip


def own_log(reference):
    return dt.from_arrow(dt.lead_to_cash(**reference["made_by"]).events)


def test_references_are_kept():
    assert len(OWN) >= 3


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_own_logs_equal_the_reference(file):
    reference = json.loads(file.read_text("utf-8"))
    log = own_log(reference)
    replay = dt.token_replay(log, dt.read_pnml(file.with_name(reference["replay"]["net"])))
    found = comparisons(log, reference, replay)
    assert [str(c) for c in found if not c.equal] == []
    assert sum(c.values for c in found) > 1000


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_real_logs_equal_the_reference(name):
    assert [f"{c.figure}: {c}" for c in compared(ORACLE / f"{name}.json", LOGS) if not c.equal] == []


def _wrong(reference, figure, change):
    wrong = copy.deepcopy(reference)
    change(wrong[figure])
    return wrong


@pytest.mark.parametrize(
    ("figure", "change"),
    [
        ("dfg", lambda rows: rows[0].__setitem__(2, rows[0][2] + 1)),
        ("performance", lambda rows: rows[3].__setitem__(2, rows[3][2] * (1 + 1e-11) + 1e-6)),
        ("edge_cases", lambda rows: rows.pop()),
        ("start_activities", lambda counts: counts.update(never=1)),
        ("case_duration_percentiles", lambda points: points.update({"50": points["50"] * (1 + 1e-11)})),
    ],
)
def test_a_wrong_figure_is_found(figure, change):
    reference = json.loads(OWN[0].read_text("utf-8"))
    log = own_log(reference)
    assert [c.figure for c in differences(log, _wrong(reference, figure, change))] == [figure]


def test_counts_are_compared_exactly_and_floats_relatively():
    assert compare("n", 10**15, 10**15).equal
    assert not compare("n", 10**15 + 1, 10**15).equal
    assert compare("x", 1.0 + 1e-13, 1.0).equal
    assert not compare("x", 1.0 + 1e-11, 1.0).equal
    assert compare("edge_stdev", [["a", "b", 1.0 + 1e-10]], [["a", "b", 1.0]]).equal
    assert not compare("edge_stdev", [["a", "b", None]], [["a", "b", 1.0]]).equal


def test_what_is_missing_or_more_differs():
    assert not compare("x", {"a": 1}, {"a": 1, "b": 2}).equal
    assert not compare("x", {"a": 1, "b": 2}, {"a": 1}).equal
    assert compare("x", [], []).equal
