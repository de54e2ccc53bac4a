"""Which silent steps prepare a step that is not enabled: small nets, with the answers of the reference."""

from __future__ import annotations

import pytest

from dealtrace_engine.analyses.token_replay import replay
from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition
from tests.naive import token_replay as naive


def chains(lengths, arcs, marked=()):
    """Chains of silent steps a1 a2 .. from a marked place each to `goal`, which the activity T needs.

    `arcs` adds flows such as "b1 x" and "x a2"; what begins with x, y or z is a place.
    """
    flows = [("goal", "T"), ("T", "end"), *(tuple(arc.split()) for arc in arcs)]
    for name, length in lengths.items():
        places = [f"x-{name}{i}" for i in range(length)] + ["goal"]
        for i in range(length):
            flows += [(places[i], f"{name}{i + 1}"), (f"{name}{i + 1}", places[i + 1])]
    nodes = {node for flow in flows for node in flow}
    places = sorted(node for node in nodes if node[0] in "xyz" or node in ("goal", "end"))
    steps = tuple(Transition(node, "T" if node == "T" else None) for node in sorted(nodes - set(places)))
    initial = {f"x-{name}0": 1 for name in lengths} | dict.fromkeys(marked, 1)
    return PetriNet(tuple(places), steps, tuple(Arc(*flow) for flow in flows), initial, {"end": 1})


CASES = {
    "the first path is enough": (chains({"a": 1, "b": 1}, []), "a1"),
    "shorter paths first": (chains({"a": 2, "b": 1}, []), "b1"),
    "a path that stops on the way": (chains({"a": 2, "b": 2, "c": 2}, ["y a2"]), "a1 b1 b2"),
    "after a path that cannot be begun all are followed": (
        chains({"a": 1, "b": 1, "c": 1, "d": 2}, ["y a1"]),
        "b1 c1 d1 d2",
    ),
    "so also after one that stopped": (
        chains({"a": 2, "b": 2, "c": 2, "d": 2}, ["y a2", "y b1"]),
        "a1 c1 c2 d1 d2",
    ),
    "a first step is prepared": (chains({"a": 1}, ["z1 a1", "x-b b1", "b1 z1"], ["x-b"]), "a1 b1"),
    "what prepares it is not prepared": (
        chains({"a": 1}, ["z1 a1", "x-b b1", "b1 z1", "z2 b1", "x-c c1", "c1 z2", "x-c c9", "y c9", "c9 z1"],
               ["x-b", "x-c"]),
        "b1 c1",
    ),
    "nor two levels down": (
        chains({"a": 1}, ["z1 a1", "x-b b1", "b1 z1", "z2 b1", "x-c c1", "c1 z2", "x-c c9", "y c9", "c9 z1",
                          "z3 c1", "x-d d1", "d1 z3", "x-d d9", "y d9", "d9 z1", "d9 z2"],
               ["x-b", "x-c", "x-d"]),
        "",
    ),
    "a second pass takes up what the first made possible": (
        chains({"b": 2, "d": 2}, ["d1 z2", "z2 b2", "y d2"]),
        "b1 b2 d1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("net", "fired"), CASES.values(), ids=CASES)
def test_the_silent_steps_of_the_reference(net, fired):
    transitions = replay(net, ["T"], [0], [0, 1], [1]).diagnostics.transitions.to_pylist()
    assert {row["transition"] for row in transitions if row["fired"]} == {"T", *fired.split()}
    assert set(naive.replay(naive.Net(net), ["T"]).fired) == {"T", *fired.split()}
