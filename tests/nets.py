"""Small random Petri nets and traces on them, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition

ACTIVITIES = "ABCDE"


@st.composite
def nets(draw, most_weight=2):
    """Nets with silent steps, loops, weights, duplicate labels and unconnected parts."""
    places = [f"p{i}" for i in range(draw(st.integers(2, 7)))]
    labels = draw(st.lists(st.sampled_from([*ACTIVITIES, *[None] * 6]), min_size=1, max_size=12))
    transitions = [Transition(f"t{i:02}", label) for i, label in enumerate(labels)]
    some = st.dictionaries(st.sampled_from(places), st.integers(1, most_weight), max_size=3)
    arcs = []
    for transition in transitions:
        arcs += [Arc(place, transition.id, weight) for place, weight in draw(some).items()]
        arcs += [Arc(transition.id, place, weight) for place, weight in draw(some).items()]
    marking = st.dictionaries(st.sampled_from(places), st.integers(1, 2), min_size=1, max_size=2)
    return PetriNet(tuple(places), tuple(transitions), tuple(arcs), draw(marking), draw(marking))


traces = st.lists(
    st.lists(st.sampled_from([*ACTIVITIES, "not in the net"]), max_size=12), min_size=1, max_size=12
)
