"""Of each fact the first rule that yields wins, with all its rows; a mapping may choose others."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import polars as pl
import pytest

from dealtrace_engine.errors import MappingError
from dealtrace_engine.sources.crm.events import RANKS, event_schema
from dealtrace_engine.sources.crm.ladder import Rule, derived
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from fake_crm import raw_of

TABLES = CrmTables(raw_of({}), {})


def rule(place, activity, rows, **more):
    """A rule that yields rows (fact, second); None for an unknown time."""
    frame = pl.DataFrame(
        {
            "fact": [fact for fact, _ in rows],
            "object": ["quote"] * len(rows),
            "record_id": [fact for fact, _ in rows],
            "timestamp": [None if s is None else datetime(2024, 1, 1, 0, 0, s, tzinfo=UTC) for _, s in rows],
        },
        schema={"fact": pl.String, "object": pl.String, "record_id": pl.String,
                "timestamp": pl.Datetime("us", "UTC")},
    )  # fmt: skip
    return Rule(place, activity, "Quote", "history", lambda tables, mapping: frame.lazy(), **more)


def told(rules, mapping=None):
    found = derived(rules, TABLES, mapping or CrmMapping())
    assert {name: kind for name, kind in found.schema.items() if name != "order_rank"} == event_schema()
    return sorted(
        (row["activity"], row["fact"], row["timestamp"].second, row["rule_id"]) for row in found.to_dicts()
    )


def test_the_first_rule_that_yields_wins_with_all_its_rows():
    rules = [rule("S1", "quote_issued", [("q1", 1), ("q1", 2)]),
             rule("S2", "quote_issued", [("q1", 3), ("q2", 4)])]  # fmt: skip
    assert told(rules) == [
        ("quote_issued", "q1", 1, "quote_issued.S1"), ("quote_issued", "q1", 2, "quote_issued.S1"),
        ("quote_issued", "q2", 4, "quote_issued.S2"),
    ]  # fmt: skip


def test_a_fact_of_another_activity_is_another_fact():
    rules = [rule("S1", "quote_issued", [("q1", 1)]), rule("S1", "quote_accepted", [("q1", 2)])]
    assert len(told(rules)) == 2


def test_a_row_without_a_time_does_not_yield():
    rules = [rule("S1", "quote_issued", [("q1", None)]), rule("S2", "quote_issued", [("q1", 5)])]
    assert told(rules) == [("quote_issued", "q1", 5, "quote_issued.S2")]


def test_what_a_rule_does_not_know_is_null_and_what_all_have_is_filled():
    (row,) = derived([rule("S1", "quote_issued", [("q1", 1)])], TABLES, CrmMapping()).to_dicts()
    assert (row["ts_quality"], row["ts_precision"], row["source_object"]) == ("history", "instant", "Quote")
    assert row["order_rank"] == RANKS["quote_issued"]
    assert row["amount"] is None


def test_rules_that_are_off_wait_to_be_asked_for():
    rules = [rule("S1", "quote_issued", [("q1", 1)]), rule("S4", "quote_issued", [("q2", 2)], default=False)]
    assert [fact for _, fact, _, _ in told(rules)] == ["q1"]
    asked = CrmMapping(ladders={"quote_issued": ["S4", "S1"]})
    assert [fact for _, fact, _, _ in told(rules, asked)] == ["q1", "q2"]
    assert told(rules, CrmMapping(ladders={"quote_issued": []})) == []


def test_the_order_of_a_ladder_can_be_turned():
    rules = [rule("S1", "quote_issued", [("q1", 1)]), rule("S2", "quote_issued", [("q1", 2)])]
    assert told(rules, CrmMapping(ladders={"quote_issued": ["S2", "S1"]}))[0][2] == 2


def test_a_ladder_of_what_there_is_not():
    rules = [rule("S1", "quote_issued", [("q1", 1)])]
    with pytest.raises(MappingError, match=r"'quote_issued' has no rule 'S9'; it has S1"):
        told(rules, CrmMapping(ladders={"quote_issued": ["S9"]}))
    with pytest.raises(
        MappingError, match=r"no rule finds the activity 'quote_isued'; nearest: 'quote_issued'"
    ):
        told(rules, CrmMapping(ladders={"quote_isued": ["S1"]}))


def test_no_rules():
    assert derived([], TABLES, CrmMapping()).height == 0


@pytest.mark.parametrize("seed", range(10))
def test_random_ladders_against_a_naive_twin(seed):
    random = Random(seed)
    rules, plain = [], []
    for activity in ("quote_issued", "quote_accepted"):
        for place in range(random.randrange(1, 5)):
            rows = [(random.choice("abcdef"), random.choice([None, *range(60)]))
                    for _ in range(random.randrange(8))]  # fmt: skip
            rules.append(rule(f"S{place}", activity, rows))
            plain.append((activity, f"{activity}.S{place}", rows))
    expected, taken = [], {}
    for activity, name, rows in plain:
        for fact, second in rows:
            if second is not None and taken.setdefault((activity, fact), name) == name:
                expected.append((activity, fact, second, name))
    assert told(rules) == sorted(expected)
