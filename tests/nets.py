"""Small random Petri nets and traces on them, for property tests."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition

ACTIVITIES = "ABCDE"


@st.composite
def nets(draw, most_weight=2):
    """Nets with silent steps, loops, weights, duplicate labels and unconnected parts, arcs in any order."""
    places = [f"p{i}" for i in range(draw(st.integers(2, 7)))]
    labels = draw(st.lists(st.sampled_from([*ACTIVITIES, *[None] * 6]), min_size=1, max_size=12))
    transitions = [Transition(f"t{i:02}", label) for i, label in enumerate(labels)]
    some = st.dictionaries(st.sampled_from(places), st.integers(1, most_weight), max_size=3)
    arcs = []
    for transition in transitions:
        arcs += [Arc(place, transition.id, weight) for place, weight in draw(some).items()]
        arcs += [Arc(transition.id, place, weight) for place, weight in draw(some).items()]
    arcs = draw(st.permutations(arcs))
    marking = st.dictionaries(st.sampled_from(places), st.integers(1, 2), min_size=1, max_size=2)
    return PetriNet(tuple(places), tuple(transitions), tuple(arcs), draw(marking), draw(marking))


@st.composite
def tied_nets(draw):
    """Nets with many silent paths of equal length between the same places, arcs in any order."""
    layers = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    levels = [["p0"], *([f"p{i}{j}" for j in range(width)] for i, width in enumerate(layers)), ["sink"]]
    arcs, steps = [], {}
    for here, there in pairwise(levels):
        for source in here:
            for _ in range(draw(st.integers(1, 3))):
                step = f"t{len(steps):02}"
                steps[step] = draw(st.sampled_from([*ACTIVITIES[:2], *[None] * 5]))
                also = draw(st.lists(st.sampled_from(here), max_size=1))
                ends = draw(st.lists(st.sampled_from([*there, *there, *here]), min_size=1, max_size=2))
                arcs += [(place, step) for place in {source, *also}] + [(step, place) for place in {*ends}]
    places = tuple(place for level in levels for place in level)
    transitions = tuple(Transition(step, label) for step, label in steps.items())
    arcs = tuple(Arc(*ends) for ends in draw(st.permutations(sorted(arcs))))
    return PetriNet(places, transitions, arcs, {"p0": 1}, {"sink": 1})


traces = st.lists(
    st.lists(st.sampled_from([*ACTIVITIES, "not in the net"]), max_size=12), min_size=1, max_size=12
)
