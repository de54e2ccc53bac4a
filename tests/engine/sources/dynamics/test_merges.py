"""Merges followed to their ends, round circles too."""

from random import Random

import numpy as np

from dealtrace_engine.sources.dynamics.merges import merged_into, winners
from dynamics_rows import at, export, findings, told


def naive(into, start):
    """Where a record ends, and whether its merges lead into a circle."""
    seen = [start]
    while into[seen[-1]] not in seen:
        seen.append(into[seen[-1]])
    circle = seen[seen.index(into[seen[-1]]) :]
    return min(circle), len(circle) > 1


def test_random_merges():
    random = Random(4)
    for _ in range(2000):
        size = random.randint(0, 9)
        into = [random.choice([record, random.randrange(size)]) for record in range(size)]
        ends, circles = merged_into(np.array(into, dtype=np.int64))
        expected = [naive(into, record) for record in range(size)]
        assert (ends.tolist(), circles) == ([end for end, _ in expected], sum(c for _, c in expected))


def test_a_long_chain():
    ends, circles = merged_into(np.minimum(np.arange(1000) + 1, 999))
    assert circles == 0
    assert set(ends.tolist()) == {999}


def test_winners_of_leads_and_circles_counted():
    rows = [("a", None), ("b", "a"), ("c", "b"), ("x", "y"), ("y", "x"), ("z", "gone")]
    tables = export({"lead": [{"leadid": lead, "masterid": master} for lead, master in rows]})
    found = dict(winners(tables, "lead").collect().rows())
    assert found == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x", "z": "z"}
    assert [(finding.reason, finding.count) for finding in findings(tables)] == [
        ("lead merged in a circle", 2)
    ]


def test_a_merged_lead_was_captured_when_the_first_of_them_was():
    tables = export({
        "lead": [
            {"leadid": "a", "createdon": at(5), "createdby": "u1", "statecode": 0},
            {"leadid": "b", "masterid": "a", "createdon": at(2), "createdby": "u2", "statecode": 2},
            {"leadid": "c", "masterid": "b", "createdon": at(3), "createdby": "u1", "statecode": 2},
        ],
    })  # fmt: skip
    assert told(tables, "lead_captured") == [("a", at(2), "D1")]
