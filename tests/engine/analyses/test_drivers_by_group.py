"""Drivers of each group are those of its cases, controlled over all groups."""

from __future__ import annotations

import numpy as np
import pytest

from dealtrace_engine.analyses.drivers import drivers
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

TOLD = ("kind", "what", "base", "cases", "with_it", "without_it", "effect", "p_value", "value")


@pytest.fixture(scope="module")
def log():
    return from_arrow(lead_to_cash(3000, seed=3).events)


@pytest.fixture(scope="module")
def found(log):
    return drivers(log, "throughput", by="segment", value="amount")


def test_each_group_is_what_its_cases_tell(log, found):
    keys = found.table["segment"].to_pylist()
    names = list(dict.fromkeys(keys))
    assert len(names) > 1
    for name in names:
        own = drivers(log, "throughput", where=w.case("segment") == name, value="amount")
        rows = [place for place, key in enumerate(keys) if key == name]
        told = found.table.take(rows)
        places = [own.table["what"].to_pylist().index(what) for what in told["what"].to_pylist()]
        assert told.select(TOLD).equals(own.table.take(places).select(TOLD))
        assert [found.cases(row) for row in rows] == [own.cases(at) for at in places]
        assert np.all(np.array(told["q_value"]) >= np.array(own.table.take(places)["q_value"]))
    assert found.table["sentence"][0].as_py().startswith(f"{names[0]}: ")
    assert found.values["finding"].to_pylist() == list(range(len(found.table)))
    assert found.apart.column_names[0] == "segment"


def test_the_groups_themselves_are_not_tested(found):
    assert not any("segment" in what for what in found.table["what"].to_pylist())


def test_chance_is_controlled_over_all_groups(log):
    """Of shuffled numbers, in a log of several groups, something is found in few."""
    random = np.random.default_rng(7)
    shuffles = [random.permutation(log.cases).astype(float) for _ in range(20)]
    names = ["region", "product", "lead_source"]
    some = [drivers(log, target, by="segment", attributes=names, patterns=False).found
            for target in shuffles]  # fmt: skip
    assert sum(count > 0 for count in some) <= 3


def test_several_attributes_and_a_group_that_is_too_small(log):
    found = drivers(log, "throughput", by=["segment", "sales_rep"], patterns=False, smallest=200)
    assert found.table.column_names[:2] == ["segment", "sales_rep"]
    assert any("not enough data" in note and " / " in note for note in found.notes)
    with pytest.raises(SchemaError, match="no column 'regoin'"):
        drivers(log, "throughput", by="regoin")
