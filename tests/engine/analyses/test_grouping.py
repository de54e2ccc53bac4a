"""Groups, amounts and the cases behind rows, against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.analyses.bottlenecks import bottlenecks
from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.funnel import funnel
from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.analyses.journeys import journeys
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.priced_groups import priced_groups
from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.analyses.rework import rework
from dealtrace_engine.analyses.stages import stages
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.lead_to_cash.segments import segments
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.results import made
from dealtrace_engine.sources.memory import from_arrow

ROWS = st.lists(st.tuples(st.sampled_from(["b", "a", None]), st.sampled_from([1, 2, None])), min_size=1)


def log_of(**columns):
    n = len(next(iter(columns.values())))
    rows = {"case": [f"c{i}" for i in range(n)], "activity": ["x"] * n, "time": ["2024-01-01"] * n}
    return from_arrow(pa.table(rows | columns))


def nulls_last(key):
    return [(value is None, value) if value is not None else (True,) for value in key]


@given(ROWS)
def test_groups_are_the_distinct_values_in_order(rows):
    one, two = zip(*rows, strict=True)
    log = log_of(one=pa.array(one, pa.string()), two=pa.array(two, pa.int64()))
    groups = groups_of(log, ["one", "two"])
    expected = sorted(set(rows), key=nulls_last)
    assert list(zip(*(groups.keys[name].to_pylist() for name in ("one", "two")), strict=True)) == expected
    assert [expected[code] for code in groups.codes] == rows
    assert groups.sizes.tolist() == [rows.count(key) for key in expected]
    assert groups.names == ("one", "two")


def test_no_attribute_is_one_group():
    groups = groups_of(log_of(one=["a", "b"]))
    assert (len(groups), groups.codes.tolist(), groups.names, groups.label(0)) == (1, [0, 0], (), "all cases")
    assert groups.columns() == {}


def test_labels_and_columns_of_rows():
    groups = groups_of(log_of(one=["b", "a"], two=[1, None]), ["one", "two"])
    assert [groups.label(row) for row in range(2)] == ["a / (none)", "b / 1"]
    assert groups.columns(np.array([1]))["one"].to_pylist() == ["b"]


def test_what_cannot_group_is_refused():
    log = log_of(one=["a", "b"])
    with pytest.raises(SchemaError, match="onee"):
        groups_of(log, "onee")
    for wrong, taken in ((["one", "one"], ()), ("one", ("one", "case_one"))):
        with pytest.raises(SchemaError, match="told twice"):
            groups_of(log, wrong, taken=taken)
    for no_name in (5, ["one", 5], {"one"} | {None}):
        with pytest.raises(ArgumentError, match="by: one name or several"):
            groups_of(log, no_name)
    events = {"case": ["1", "1"], "activity": ["a"] * 2, "time": ["2024-01-01"] * 2, "who": ["x", "y"]}
    with pytest.raises(SchemaError, match="varies within cases"):
        groups_of(from_arrow(pa.table(events)), "who")


def test_attributes_called_like_columns_are_told_beside_them():
    log = log_of(owner=["a", "b"], region=["x", "x"])
    groups = groups_of(log, ["owner", "region"], taken=("owner", "rule"))
    assert (groups.keys.column_names, groups.names) == (["case_owner", "region"], ("owner", "region"))
    assert [groups.label(row) for row in range(2)] == ["a / x", "b / x"]
    checked = check_rules(log, Rules((Rule("r", "existence", "x", owner="Sales"),)), by="owner").table
    assert checked.select(["case_owner", "owner"]).to_pylist() == [
        {"case_owner": name, "owner": "Sales"} for name in ("a", "b")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["cases", "conforming_cases", "age", "invoices", "others_p50_s"])
def test_no_table_of_a_result_hides_an_attribute(name):
    activities = ["invoice_sent", "x", "x"] * 2
    rows = {"case": [*"111222"], "activity": activities, "time": ["2024-01-01"] * 6, "resource": [*"pqrpqr"]}
    log = from_arrow(pa.table({**rows, name: ["a"] * 3 + ["b"] * 3}))
    for table in (
        check_rules(log, Rules((Rule("r", "absence", "x"),)), by=name).overall,
        receivables(log, by=name, value=None).ageing,
        bottlenecks(log, by=name).at("resource").table,
    ):  # fmt: skip
        assert {*table[table.column_names[0]].to_pylist()} == {"a", "b"}


@pytest.mark.parametrize("name", ["CurrencyIsoCode", "Currency", "currency", "TransactionCurrencyId"])
@pytest.mark.parametrize("values", [["EUR", "JPY"], [978, 392], [True, False]])
def test_no_result_adds_currencies_however_they_are_called(name, values):
    times = [f"2024-01-0{day}" for day in (1, 3, 4, 1, 5, 6)]
    rows = {"case": [*"111222"], "activity": [*"abbabb"], "time": times, "amount": [100.0] * 6}
    rows["stage"], rows["resource"] = [*"XYZXYZ"], [*"pqrpqr"]
    log = from_arrow(pa.table(rows | {name: [value for value in values for _ in "abb"]}))
    for currency in (None, name):
        given = {"value": "amount", "currency": currency}
        pack = Rules((Rule("r", "absence", "b"),))
        for table in (
            segments(log, [("a", "b")], **given).table, bottlenecks(log, **given).table,
            stages(log, **given).values, funnel(log, ["a", "b"], **given).values,
            rework(log, **given).table, check_rules(log, pack, **given).table, journeys(log, **given).table,
            kpis(log, "K1.s", **given).table,
        ):  # fmt: skip
            assert {*table["currency"].to_pylist()} == {str(value) for value in values}


@given(st.lists(st.one_of(st.none(), st.integers(-(10**13), 10**13), st.just(10**16)), min_size=1))
def test_amounts_are_exact(values):
    log = log_of(amount=pa.array([v if v is None else float(v) for v in values], pa.float64()))
    amounts = amounts_of(log, "amount")
    good = [value is not None and abs(value) < 10**15 for value in values]
    assert amounts.known.tolist() == good
    assert amounts.units.tolist() == [v * 10_000 if ok else 0 for v, ok in zip(values, good, strict=True)]
    counts = {finding.reason.split(" '")[0]: finding.count for finding in amounts.findings}
    assert counts == {
        reason: count
        for reason, count in (
            ("no amount in", values.count(None)),
            ("amount out of range in", values.count(10**16)),
            ("amount below zero in", sum(v is not None and v < 0 for v in values)),
        )
        if count
    }
    codes = np.arange(len(values)) % 2
    sums = [
        sum(u for u, c in zip(amounts.units.tolist(), codes, strict=True) if c == code) for code in (0, 1)
    ]
    assert amounts.exact_sums(codes, 2) == sums


def test_currencies_stay_apart():
    log = log_of(amount=[1.0, math.nan, 3.0], currency=["USD", "EUR", None])
    amounts = amounts_of(log, "amount")
    assert amounts.currencies == ("EUR", "USD", None)
    assert amounts.of_case.tolist() == [1, 0, 2]
    assert amounts_of(log_of(amount=[1, 2]), "amount").currencies == (None,)
    assert amounts_of(log_of(amount=[1, 2], cur=["x", "y"]), "amount", "cur").currencies == ("x", "y")
    with pytest.raises(SchemaError, match="has no amounts"):
        amounts_of(log, "currency")


def test_codes_of_currencies_are_read_however_they_are_written():
    written = ["usd", "EUR", " usd ", "Euro", "eur", None]
    amounts = amounts_of(log_of(amount=[1.0] * 6, currency=written), "amount")
    assert amounts.currencies == ("EUR", "Euro", "USD", None)
    assert amounts.of_case.tolist() == [2, 0, 2, 1, 0, 3]
    assert [(finding.reason, finding.count) for finding in amounts.findings] == [
        ("currency ' usd ' in 'currency' read as 'USD'", 1),
        ("currency 'eur' in 'currency' read as 'EUR'", 1),
        ("currency 'usd' in 'currency' read as 'USD'", 1),
    ]


UNTOLD = "currency that amounts are converted into in 'amount_corporate' cannot be told"


@pytest.mark.parametrize(
    ("converted", "currencies", "untold"),
    [
        ([1.0, 4.0, 3.0], ("EUR",), False),  # the yen and only they changed
        ([2.0, 4.0, 3.0], (None,), True),  # no currency stays as it is
        ([1.0, 2.0, 3.0], ("EUR", "JPY"), False),  # nothing was converted
        ([1.0, None, 3.0], ("EUR",), False),
    ],
)
def test_converted_amounts_are_in_one_currency(converted, currencies, untold):
    """An amount of the organisation's own currency is never called one of the currency it came from."""
    given = {"amount": [1.0, 2.0, 3.0], "currency": ["EUR", "JPY", "EUR"]}
    log = log_of(amount_corporate=converted, **given)
    amounts = amounts_of(log, "amount_corporate")
    assert amounts.currencies == currencies
    assert (UNTOLD in [finding.reason for finding in amounts.findings]) is untold
    assert priced_groups(log, value="amount_corporate").keys["currency"].to_pylist() == list(currencies)
    own = log_of(amount_corporate=converted, into=["CHF"] * 3, **given)
    assert amounts_of(own, "amount_corporate", "into").currencies == ("CHF",)
    bare = log_of(amount_corporate=converted, currency=given["currency"])
    assert amounts_of(bare, "amount_corporate").currencies == (None,)
    assert UNTOLD in [finding.reason for finding in amounts_of(bare, "amount_corporate").findings]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5))))
def test_case_rows_are_the_distinct_cases_of_each_row(pairs):
    ids = made(pa.array([f"c{i}" for i in range(6)], pa.large_string()))
    rows, cases = (np.array([pair[i] for pair in pairs], np.int32) for i in (0, 1))
    found = CaseRows.of_pairs(ids, rows, cases, 4)
    assert len(found) == 4
    for row in range(4):
        assert found.cases(row).to_pylist() == [f"c{c}" for c in sorted({c for r, c in pairs if r == row})]
    for wrong in (-1, 4, "1"):
        with pytest.raises(ArgumentError, match="there is no row"):
            found.cases(wrong)
