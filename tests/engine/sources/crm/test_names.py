"""Names are compared in one form, the same for a name alone, for a column and for a pattern."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping, default_statuses
from dealtrace_engine.sources.crm.names import matching, normal, normal_column, one_of
from dealtrace_engine.sources.crm.statuses import meanings

SIGNS = "abAB éÉßİ商談ＡＢ・·「」\"'’«»„“\u00a0\u202f\u3000\t\n.*+?[](){}\\^$|"


def random_name(random):
    return "".join(random.choice(SIGNS) for _ in range(random.randrange(1, 9)))


@pytest.mark.parametrize("seed", range(10))
def test_a_column_of_names_is_brought_to_the_form_of_each(seed):
    random = Random(seed)
    names = [random_name(random) for _ in range(300)]
    found = pl.DataFrame({"name": names}).select(normal_column(pl.col("name"))).to_series().to_list()
    assert found == [normal(name) for name in names]


@pytest.mark.parametrize("seed", range(10))
def test_a_column_is_one_of_names_where_one_of_them_matches(seed):
    random = Random(seed)
    values = [random_name(random) for _ in range(100)]
    names = [random.choice(["", "*"]) + random.choice([*values, random_name(random)]) for _ in range(4)]
    found = pl.DataFrame({"value": values}).select(one_of(pl.col("value"), names)).to_series().to_list()
    assert found == [matching(normal(value), names) is not None for value in values]


@pytest.mark.parametrize(
    ("value", "names", "expected"),
    [
        ("Closed Won", ["closed  WON"], "closed  WON"),
        ("Won back", ["won"], None),
        ("a.b", ["a?b"], None),
        ("axb", ["a*b", "axb"], "a*b"),
        ("", ["*"], "*"),
        ("x", [], None),
    ],
)
def test_only_a_star_stands_for_other_text(value, names, expected):
    assert matching(normal(value), names) == expected


def test_a_mapping_replaces_a_set_whole():
    mapping = CrmMapping(statuses={"quote.accepted": ["Signed"]})
    assert mapping.status("quote.accepted") == ["Signed"]
    assert mapping.status("quote.rejected") == default_statuses()["quote.rejected"]
    assert mapping.status("quote.unheard_of") == ()
    assert dict(meanings("Accepted", "quote", mapping)) == {}
    assert dict(meanings("Accepted", "quote", CrmMapping())) == {"quote.accepted": "accepted"}
