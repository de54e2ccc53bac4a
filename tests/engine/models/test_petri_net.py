from __future__ import annotations

import pytest

from dealtrace_engine.errors import ModelError
from dealtrace_engine.models.petri_net import Arc, PetriNet, PetriNetBuilder, Transition

GOOD = {
    "places": ("start", "end"),
    "transitions": (Transition("t", "A"),),
    "arcs": (Arc("start", "t"), Arc("t", "end")),
    "initial_marking": {"start": 1},
    "final_marking": {"end": 1},
}
BAD = [
    (
        {"arcs": (Arc("start", "t"), Arc("t", "nowhere"))},
        "dangles: there is no place or transition 'nowhere'",
    ),
    ({"arcs": (Arc("start", "end"),)}, "joins two places"),
    ({"arcs": (Arc("t", "t"),)}, "joins two transitions"),
    ({"arcs": (Arc("start", "t", 0),)}, "weight"),
    ({"arcs": (Arc("start", "t", 1 << 20),)}, "weight"),
    ({"arcs": (Arc("start", "t", True),)}, "weight"),
    ({"places": ("start", "end", "end")}, "'end' is used 2 times"),
    ({"places": ("start", "end", "t")}, "'t' is used 2 times"),
    ({"places": ("start", "end", "")}, "no id"),
    ({"initial_marking": {}}, "no initial marking"),
    ({"initial_marking": {"t": 1}}, "is no place"),
    ({"initial_marking": {"start": -1}}, "initial marking of 'start'"),
    ({"final_marking": {"start": 1.5}}, "final marking of 'start'"),
    ({"final_marking": {}, "places": ("start", "end", "other")}, "2 sink places ('end', 'other')"),
    ({"final_marking": {}, "arcs": (Arc("start", "t"), Arc("t", "end"), Arc("end", "t"))}, "no sink place"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_net_that_is_not_well_formed_is_refused(change, message):
    with pytest.raises(ModelError) as error:
        PetriNet(**{**GOOD, **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_only_sink_is_the_final_marking_and_reported():
    net = PetriNet(**{**GOOD, "final_marking": {}})
    assert net.final_marking == {"end": 1}
    assert net.notes == ("no final marking; its only sink place 'end' was taken",)


def test_the_builder_makes_the_same_net():
    net = (
        PetriNetBuilder()
        .place("start", initial=1)
        .place("end", final=1)
        .transition("t", "A", inputs=["start"], outputs={"end": 1})
        .build()
    )
    assert net == PetriNet(**GOOD)


def test_duplicate_labels_are_listed():
    net = PetriNet(**{**GOOD, "transitions": (Transition("t", "A"), Transition("s", "A"), Transition("u"))})
    assert net.labels == ["A"]
    assert net.duplicate_labels == {"A": ["s", "t"]}
