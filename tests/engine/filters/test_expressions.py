"""How filters are written, printed and sent, and what is said of those that cannot be."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

import logs
from dealtrace_engine.errors import LogError, ParseError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.filters.json_form import BY_OP, KINDS, from_json, to_json

from . import expressions as made

WRITTEN = {
    "(w.case('region') == 'DACH') & w.contains('a') & ~w.ends('b')":
        (w.case("region") == "DACH") & w.contains("a") & ~w.ends("b"),
    "(w.starts('a') & w.ends('b')) | ~(w.rework() | w.self_loop(activity='a'))":
        (w.starts("a") & w.ends("b")) | ~(w.rework() | w.self_loop("a")),
    "~(w.event('amount') >= 2.5)": ~(w.event("amount") >= 2.5),
    "w.case('region').is_in(['DACH', 'UK'])": w.case("region").is_in(["DACH", "UK"]),
    "w.event('amount').between(1, 3) | w.event('amount').is_null()":
        w.event("amount").between(1, 3) | w.event("amount").is_null(),
    "w.directly_followed('a', 'b', at_most='1d 12h')": w.directly_followed("a", "b", at_most="36 h"),
    "w.started_in('2024-01-01T00:00:00Z', None)": w.started_in(date(2024, 1, 1), None),
    "w.pattern('a -> ... -> b+') & ~w.prefix('a')": w.pattern(' "a"->...->b+ ') & ~w.prefix("a"),
    "w.any_event((w.event('amount') == 1) & w.activity('a'))":
        w.any_event((w.event("amount") == 1) & w.activity("a")),
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_written_as_one_writes_it(text):
    assert repr(WRITTEN[text]) == text
    assert eval(text, {"w": w}) == WRITTEN[text]


def test_every_filter_has_a_function_of_its_name_and_a_line_in_the_table():
    for kind in KINDS[3:]:
        assert kind.op in w.__all__
        assert f"w.{kind.op}(" in w.__doc__
    assert set(w.__all__) - {"from_json"} == {kind.op for kind in KINDS[3:]}
    assert len(BY_OP) == len(KINDS)


def test_json_is_what_a_front_end_writes():
    text = """{"version": 1, "filter": {"op": "and", "of": [
        {"op": "case", "column": "region", "operator": "in", "value": ["DACH", "UK"]},
        {"op": "not", "of": {"op": "ends", "activities": ["a"]}},
        {"op": "directly_followed", "source": "a", "target": "b", "at_most": "36h"}]}}"""
    expected = w.case("region").is_in(["DACH", "UK"]) & ~w.ends("a")
    expected &= w.directly_followed("a", "b", at_most=timedelta(hours=36))
    assert from_json(text) == from_json(text.encode()) == w.from_json(text) == expected
    assert json.loads(to_json(expected))["version"] == 1
    assert from_json('{"version":1,"filter":{"op":"or","of":[{"op":"rework"}]}}').mask(
        made.log_of(logs.BY_HAND["one case"])
    ).tolist() == [True]


def test_values_are_kept_as_they_are_sent():
    instant = datetime(2024, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert (w.case("x") == instant) == (w.case("x") == "2024-03-01T11:00:00Z")
    assert repr(w.case("x") < timedelta(hours=36)) == "w.case('x') < '1d 12h'"
    assert repr(w.case("x") < Decimal("1.50")) == "w.case('x') < '1.50'"
    assert repr(w.case("x") > np.int64(3)) == "w.case('x') > 3"
    assert w.timeframe(instant, None) == w.timeframe("2024-03-01T11:00", None)
    assert w.timeframe(datetime(2024, 3, 1, tzinfo=UTC), None) == w.timeframe("2024-03-01", None)


UNUSABLE = {
    '{"op": "contain", "activity": "a"}': "no filter 'contain'; nearest: 'contains'",
    '{"op": "contains", "activty": "a"}': "no field 'activty'; nearest: 'activity'",
    '{"op": "contains"}': "'contains' lacks the field 'activity'",
    '{"op": "case", "column": "x", "operator": "=", "value": 1}': "no operator '='",
    '{"op": "case", "column": "x", "operator": "==", "value": null}': "is_null",
    '{"op": "case", "column": "x", "operator": "in", "value": "a"}': "list of values",
    '{"op": "case", "column": "x", "operator": "in", "value": []}': "list of values",
    '{"op": "case", "column": "x", "operator": "in", "value": [[1]]}': "cannot be",
    '{"op": "case", "column": "x", "operator": "between", "value": [1]}': "two values",
    '{"op": "case", "column": "x", "operator": "null", "value": 1}': "no value",
    '{"op": "case", "column": 1, "operator": "null"}': "the column of 'case' is a text",
    '{"op": "contains", "activity": 5}': "value 5: the activity of 'contains' is a text",
    '{"op": "contains", "activity": "a", "at_least": "2"}': "whole number from 0 on",
    '{"op": "contains", "activity": "a", "at_least": 1.5}': "whole number from 0 on",
    '{"op": "contains", "activity": "a", "at_least": true}': "whole number from 0 on",
    '{"op": "contains", "activity": "a", "at_least": 3, "at_most": 2}': "above at_most",
    '{"op": "starts", "activities": []}': "one text or more",
    '{"op": "starts", "activities": "a"}': "one text or more",
    '{"op": "and", "of": []}': "one expression or more",
    '{"op": "and", "of": [3]}': "is an expression",
    '{"op": "and", "of": {"op": "rework"}}': "one expression or more",
    '{"op": "not", "of": "a"}': "is an expression",
    '{"op": "any_event", "events": {"op": "rework"}}': "condition on cases",
    '{"op": "between", "source": "a", "target": "b", "to": "lst"}': "nearest: 'last'",
    '{"op": "case_size"}': "neither at_least nor at_most",
    '{"op": "throughput_time"}': "neither at_least nor at_most",
    '{"op": "throughput_time", "at_most": "3 days"}': "write it as 3d",
    '{"op": "throughput_time", "at_most": "0.5us"}': "write it as 3d",
    '{"op": "throughput_time", "at_least": "2h", "at_most": "1h"}': "above at_most",
    '{"op": "started_in", "start": null, "end": null}': "neither start nor end",
    '{"op": "started_in", "start": "2024-02-30", "end": null}': "as an instant",
    '{"op": "started_in", "start": 5, "end": null}': "is an instant",
    '{"op": "started_in", "start": "2024-01-02", "end": "2024-01-02"}': "not before",
    '{"op": "started_in", "start": "0001-01-01T00:00+10:00", "end": null}': "instant",
    '{"op": "variant_coverage", "share": 80}': "above 0 and up to 1",
    '{"op": "top_variants", "count": 0}': "from 1 on",
    '{"op": "sample"}': "so many cases or of a share",
    '{"op": "sample", "cases": 1, "share": 0.5}': "so many cases or of a share",
    '{"op": "rework", "at_least": 1}': "from 2 on",
    '{"op": ["rework"]}': "an object with op",
    '{"op": "pattern", "pattern": "a -> ("}': "a -> (",
    '{"op": "pattern", "pattern": 5}': "the pattern is a text",
    "[]": "an object with op",
    '{"op": "not", "of": ' * 150 + "1" + "}" * 150: "inside of each other",
    '{"op": "case", "column": "x", "operator": "in", "value": ' + "[" * 150 + "]" * 150 + "}":
        "inside of each other",
}  # fmt: skip
"""Expressions as JSON, and what is said of each."""
UNUSABLE_DOCUMENTS = {
    '{"version": 2, "filter": {"op": "rework"}}': "of another version than 1",
    '{"version": true, "filter": {"op": "rework"}}': "of another version than 1",
    '{"version": 1, "filter": {"op": "rework"}, "x": 1}': "no field 'x'",
    '{"filter": {"op": "rework"}}': "an object with version and filter",
    "[]": "an object with version and filter",
}
UNUSABLE_DOCUMENTS |= {f'{{"version": 1, "filter": {node}}}': what for node, what in UNUSABLE.items()}


@pytest.mark.parametrize("text", UNUSABLE_DOCUMENTS, ids=lambda text: text[:90])
def test_unusable_json(text):
    with pytest.raises((SchemaError, ParseError)) as error:
        from_json(text)
    assert UNUSABLE_DOCUMENTS[text] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff", '{"version": 1,}'])
def test_no_json(text):
    with pytest.raises(ParseError, match="is no JSON"):
        from_json(text)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (w.contains("Quote"), "no activity 'Quote'; activities found: 'a', 'b'"),
        (w.pattern("a -> B"), "no activity 'B'; nearest: 'b'"),
        (w.starts("a", "A"), "no activity 'A'; nearest: 'a'"),
        (w.case("regio") == "x", "no column 'regio'; nearest: 'region'"),
        (w.case("amount") == 1, "column 'amount' varies within cases; say any_event(event('amount') ...)"),
        (w.case("region") == 5, "column 'region', value 5: text cannot be compared"),
        (w.event("amount") < "5", "column 'amount', value '5': whole numbers cannot be compared"),
        (w.event("amount") == True, "column 'amount', value True: whole numbers"),  # noqa: E712
    ],
    ids=repr,
)
def test_what_the_log_does_not_have(expression, message):
    log = made.log_of(logs.log(("1", "a", 0), ("1", "b", 1), ("2", "a", 2)))
    with pytest.raises((LogError, SchemaError)) as error:
        log.filter(expression)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_column_alone_is_no_filter():
    log = made.log_of(logs.BY_HAND["one case"])
    with pytest.raises(SchemaError, match="a column must be compared"):
        log.filter(w.case("region"))  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="is an expression of dealtrace"):
        log.filter("region == 'DACH'")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 2**64, -(2**64), b"x", [1]])
def test_values_that_cannot_be_compared_with(value):
    with pytest.raises(SchemaError):
        w.case("x") == value  # noqa: B015


def test_and_or_not_are_refused():
    with pytest.raises(TypeError, match="compose filters with"):
        w.rework() and w.self_loop()
    with pytest.raises(TypeError, match="compose filters with"):
        not w.rework()
    with pytest.raises(TypeError, match="unsupported operand"):
        w.rework() & "a"  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        w.rework() | 1  # type: ignore[operator]
    with pytest.raises(TypeError, match="unhashable"):
        hash(w.case("x"))
    assert hash(w.rework() & w.contains("a")) == hash(w.rework() & w.contains("a"))
