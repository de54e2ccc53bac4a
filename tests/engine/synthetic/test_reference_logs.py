"""The stored reference figures belong to the logs that the generator makes today."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

FOLDER = Path(__file__).resolve().parents[2] / "reference"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture(params=NAMES, scope="module")
def reference(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads((FOLDER / f"{request.param}.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def traces(reference: dict[str, Any]) -> list[tuple[str, ...]]:
    events = lead_to_cash(**reference["made_by"]).events
    cases: dict[str, list[str]] = {}
    for case_id, activity in zip(*(events[c].to_pylist() for c in ("case_id", "activity")), strict=True):
        cases.setdefault(case_id, []).append(activity)
    return [tuple(trace) for trace in cases.values()]


def test_there_are_three_logs():
    assert len(NAMES) == 3


def test_counts(reference: dict[str, Any], traces: list[tuple[str, ...]]):
    assert reference["cases"] == len(traces)
    assert reference["activity_counts"] == Counter(activity for trace in traces for activity in trace)
    assert reference["start_activities"] == Counter(trace[0] for trace in traces)
    assert reference["end_activities"] == Counter(trace[-1] for trace in traces)


def test_directly_follows(reference: dict[str, Any], traces: list[tuple[str, ...]]):
    edges = Counter(edge for trace in traces for edge in pairwise(trace))
    assert reference["dfg"] == [[*edge, edges[edge]] for edge in sorted(edges)]


def test_variants(reference: dict[str, Any], traces: list[tuple[str, ...]]):
    lines = sorted("\t".join((*trace, str(cases))) for trace, cases in Counter(traces).items())
    assert reference["variants_sha256"] == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_the_net_is_there(reference: dict[str, Any]):
    assert (FOLDER / reference["replay"]["net"]).is_file()
