"""Which of several silent paths is taken: nets full of ties, with the token counts of the reference.

Every place and step has at most two arcs out: with more, the order in which the reference looks at them is
not determined.
"""

from __future__ import annotations

import pytest

from dealtrace_engine.analyses.token_replay import replay
from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition
from tests.naive import token_replay as naive


def net(arcs, initial, final):
    """Arcs such as "p0>A A>p1" in their order; steps are capital letters, or silent: t0 t1 .. ."""
    flows = [tuple(arc.split(">")) for arc in arcs.split()]
    steps = sorted({node for flow in flows for node in flow if node.isupper() or node[0] == "t"})
    places = sorted({node for flow in flows for node in flow}.union(initial, final).difference(steps))
    transitions = tuple(Transition(step, step if step.isupper() else None) for step in steps)
    return PetriNet(tuple(places), transitions, tuple(Arc(*flow) for flow in flows), initial, final)


CASES = [
    # arcs
    (
        "p0>A p1>t01 t00>sink t01>p0 A>p3 t00>p0 p0>t01 p1>t00",
        {"p1": 1}, {"sink": 1}, "A", [1, 3, 2, 4, False],
    ),
    # the same, arcs reversed
    (
        "p1>t00 p0>t01 t00>p0 A>p3 t01>p0 t00>sink p1>t01 p0>A",
        {"p1": 1}, {"sink": 1}, "A", [0, 3, 1, 4, False],
    ),
    # arcs
    (
        "p1>t02 t01>p0 p0>t01 t01>sink t00>p2 p0>t00 p2>t00 t00>sink p1>t00 t02>sink",
        {"p1": 1}, {"sink": 1}, "A", [0, 2, 0, 2, True],
    ),
    # the same, arcs reversed
    (
        "t02>sink p1>t00 t00>sink p2>t00 p0>t00 t00>p2 t01>sink p0>t01 t01>p0 p1>t02",
        {"p1": 1}, {"sink": 1}, "A", [1, 1, 1, 1, False],
    ),
    # arcs
    (
        "p0>A A>sink p2>t02 t03>sink t02>p0 p2>t00 p1>t05 p1>t02 p0>t03 t05>p0 t00>p0",
        {"p1": 1}, {"sink": 1}, "A", [0, 3, 0, 3, True],
    ),
    # the same, arcs reversed
    (
        "t00>p0 t05>p0 p0>t03 p1>t02 p1>t05 p2>t00 t02>p0 t03>sink p2>t02 A>sink p0>A",
        {"p1": 1}, {"sink": 1}, "A", [1, 2, 1, 2, False],
    ),
    # arcs
    (
        "p1>t05 p1>t02 p2>t01 t02>p0 t00>sink p0>t00 p2>t04 t05>p2 t04>sink p0>t04 t01>p0",
        {"p1": 1}, {"sink": 1}, "A", [1, 2, 1, 2, False],
    ),
    # the same, arcs reversed
    (
        "t01>p0 p0>t04 t04>sink t05>p2 p2>t04 p0>t00 t00>sink t02>p0 p2>t01 p1>t02 p1>t05",
        {"p1": 1}, {"sink": 1}, "A", [1, 2, 1, 2, False],
    ),
    # arcs
    (
        "p0>t01 t00>sink t01>sink p2>t09 p0>t00 p1>t09 p1>t08 p2>t03 t09>p1 t03>p1 t08>sink",
        {"p2": 1}, {"sink": 1}, "A", [1, 1, 1, 1, False],
    ),
    # the same, arcs reversed
    (
        "t08>sink t03>p1 t09>p1 p2>t03 p1>t08 p1>t09 p0>t00 p2>t09 t01>sink t00>sink p0>t01",
        {"p2": 1}, {"sink": 1}, "A", [0, 3, 0, 3, True],
    ),
    # arcs
    (
        "p2>t03 t00>sink t03>sink p2>t01 t01>sink p0>t01 t02>p2 p1>t02 t02>sink p0>t04 t04>p2 p1>t00",
        {"p0": 1, "p1": 2}, {"sink": 1}, "A", [0, 2, 3, 5, False],
    ),
    # the same, arcs reversed
    (
        "p1>t00 t04>p2 p0>t04 t02>sink p1>t02 t02>p2 p0>t01 t01>sink p2>t01 t03>sink t00>sink p2>t03",
        {"p0": 1, "p1": 2}, {"sink": 1}, "A", [0, 2, 2, 4, False],
    ),
    # no walk to a sink that is not final
    (
        "p0>C p2>t03 t01>p2 p0>t03 p1>t01 t03>sink p2>t02 p1>B B>p2 C>p1 t02>sink",
        {"p0": 1, "p2": 2}, {"p1": 1}, "A", [1, 1, 3, 3, False],
    ),
    # no walk to a sink that is not final
    (
        "A>p1 p2>t00 p2>A t07>p2 p0>t08 t06>sink p1>t07 p1>t02 t08>p1 t00>sink p0>t06 t02>p1",
        {"p0": 1}, {"p0": 1}, "A", [1, 4, 1, 4, False],
    ),
    # go on after a blocked step
    (
        "p0>t06 t08>p2 t06>sink p2>t02 p3>t03 p3>A p0>t04 p5>t02 t03>sink p2>t08 p5>t04 p4>t05 "
        "t04>p5 t09>sink p1>t09 t05>p1 p1>A t06>p3 A>p2 t02>p0 t09>p3 t03>p5",
        {"p4": 1, "p5": 1}, {"sink": 1}, "AA", [4, 12, 6, 14, False],
    ),
    # go on after a blocked step
    (
        "p3>t00 t04>p3 p2>t04 t01>p5 t03>p4 p2>C p4>t04 A>p4 p5>t03 p0>A p0>C p1>t00 "
        "t00>p5 C>p5 t01>p1 p6>C p3>t02 p5>t01 t02>p3 p6>t01 t00>p0",
        {"p2": 1}, {"sink": 1}, "CBBA", [4, 6, 2, 4, False],
    ),
    # no second pass for a step after a blocked one
    (
        "p1>t1 p2>t1 p3>t1 t1>p4 p4>t2 t2>p5 p5>A A>sink p6>t3 t3>p7 t3>p8 p7>t4 "
        "t4>p1 p8>t5 t5>p3",
        {"p1": 1, "p3": 1, "p6": 1}, {"sink": 1}, "A", [1, 4, 4, 7, False],
    ),
    # past blocked steps at the end
    (
        "t04>p1 p2>t00 C>sink p2>t04 p0>t03 t08>p0 p0>t08 p1>C p1>t01 t00>p1 t03>sink t01>p0",
        {"p2": 1}, {"sink": 1, "p0": 1}, "A", [1, 5, 0, 4, True],
    ),
    # past blocked steps at the end
    (
        "p1>t01 t06>p1 p2>B p2>A t01>p4 p1>t03 p0>A t05>sink p4>t05 t07>sink A>p1 t04>p3 "
        "t04>sink t05>p2 p3>t02 t02>sink p0>t06 B>p0 p4>t07 t03>p0 p3>t04 A>sink",
        {"p2": 1}, {"sink": 1, "p1": 1}, "B", [1, 6, 1, 6, False],
    ),
    # a second pass after a step that was fired before a blocked one
    (
        "p0>A t07>sink p1>t00 t00>p2 p0>t01 t01>p2 p2>t07 t01>p0 p2>A t04>p0 p1>t04 A>p2",
        {"p1": 1}, {"sink": 1}, "AB", [0, 6, 0, 6, True],
    ),
    # a second pass after a step that was fired before a blocked one
    (
        "p3>t04 t01>sink p2>B p1>t03 t00>sink p4>t02 t04>p2 p2>t05 p1>t00 t05>p3 B>p2 p4>t01 "
        "p3>B t02>p1 t03>p2 p0>t03",
        {"p0": 1}, {"sink": 1}, "BB", [4, 7, 2, 5, False],
    ),
]  # fmt: skip
FIGURES = ("missing", "consumed", "remaining", "produced", "fit")


@pytest.mark.parametrize(("arcs", "initial", "final", "trace", "figures"), CASES)
def test_the_counts_of_the_reference(arcs, initial, final, trace, figures):
    made = net(arcs, initial, final)
    activities = sorted(set(trace))
    codes = [activities.index(activity) for activity in trace]
    row = replay(made, activities, codes, [0, len(trace)], [1]).table.to_pylist()[0]
    assert [row[figure] for figure in FIGURES] == figures
    plain = naive.replay(naive.Net(made), trace)
    assert [getattr(plain, figure) for figure in FIGURES] == figures
