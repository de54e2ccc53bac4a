"""Targets: which value is the yes, what is a number, and what is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dealtrace_engine.analyses.targets import target_of
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow


def of_cases(n, **columns):
    """A log with one event per case, and these attributes."""
    ids = [f"c{i:05}" for i in range(n)]
    return from_arrow(pa.table({"case": ids, "activity": ["a"] * n, "time": ["2024-01-01"] * n, **columns}))


def test_targets():
    few = of_cases(4, state=["Won", "Lost", "Open", None], amount=[1.0, None, 3.0, 4.0], size=[1, 1, 2, 2])
    assert target_of(few, "state", yes="Won").values.tolist()[:3] == [1, 0, 0]
    assert target_of(few, "amount").kind == "number"
    assert target_of(few, "amount").known.tolist() == [True, False, True, True]
    assert target_of(few, "size", yes=2).values.tolist() == [0, 0, 1, 1]
    assert target_of(few, w.case("state") == "Won").values.tolist() == [1, 0, 0, 0]
    assert target_of(few, pa.array([True, False, None, True])).known.tolist() == [True, True, False, True]
    assert target_of(few, "throughput").values.tolist() == [0] * 4
    for wrong, kind, error in (
        ("state", None, "3 values of which none"), ("stat", None, "stat"), ("state", "number", "no numbers"),
        ([1, 2], None, "2 values for 4 cases"), (7, None, "an attribute, a filter or values"),
        ("amount", "many", "kind"), (w.activity("a"), None, "choice of events"),
        ([object()] * 4, None, "a text per case"), ([[1], [2], [1], [2]], None, "neither two sides"),
    ):  # fmt: skip
        with pytest.raises((SchemaError, ArgumentError), match=error):
            target_of(few, wrong, kind=kind)
    with pytest.raises(SchemaError, match="no value 'Gone'"):
        target_of(few, "state", yes="Gone")


@pytest.mark.parametrize(
    ("values", "yes"),
    [(["Won", "Lost"], "Won"), (["no", "YES"], "YES"), ([0, 1], 1), (["IN TIME", "DELAYED"], None),
     ([1, 2], None), (["Won", "Open"], None)],
)  # fmt: skip
def test_no_value_is_taken_for_the_yes_that_does_not_say_so(values, yes):
    log = of_cases(4, state=values * 2)
    if yes is None:
        with pytest.raises(SchemaError, match=r"two values .* yes=; values: .*" + str(values[0])):
            target_of(log, "state", kind="yes/no")
    else:
        target = target_of(log, "state", kind="yes/no")
        assert target.name == f"state = {yes}"
        assert target.values.tolist() == [float(value == yes) for value in values * 2]
