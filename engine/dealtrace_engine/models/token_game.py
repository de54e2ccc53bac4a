"""From a Petri net to the compiled token game."""

from __future__ import annotations

from dealtrace_engine.errors import ModelError
from dealtrace_engine.models.petri_net import PetriNet
from dealtrace_ext.tokens import TokenGame

TABLE_BYTES = 1 << 28
"""Most memory for the automaton's table; it is emptied where a net needs more."""


def token_game(net: PetriNet, max_states: int | None = None) -> TokenGame:
    """Prepare the token game of a net: places, transitions and labels numbered in the order of their names.

    The arcs keep their order, which decides between silent paths of equal length.

    `max_states` bounds the markings kept; by default by `TABLE_BYTES`.

    Raises
    ------
    ModelError
        The weights and markings of the net are too large.
    """
    places = {place: number for number, place in enumerate(sorted(net.places))}
    transitions = sorted(net.transitions, key=lambda transition: transition.id)
    number_of = {transition.id: number for number, transition in enumerate(transitions)}
    labels = {label: number for number, label in enumerate(net.labels)}
    inputs: list[dict[int, int]] = [{} for _ in transitions]
    outputs: list[dict[int, int]] = [{} for _ in transitions]
    silent: list[list[int]] = [[] for _ in places]
    for arc in net.arcs:
        into = arc.target in number_of
        arcs = inputs[number_of[arc.target]] if into else outputs[number_of[arc.source]]
        place = places[arc.source if into else arc.target]
        if into and place not in arcs and transitions[number_of[arc.target]].label is None:
            silent[place].append(number_of[arc.target])
        arcs[place] = arcs.get(place, 0) + arc.weight
    room = TABLE_BYTES // (16 * len(labels) + 8 * len(places) + 64)
    try:
        return TokenGame(
            [sorted(arcs.items()) for arcs in inputs],
            [list(arcs.items()) for arcs in outputs],
            silent,
            [-1 if transition.label is None else labels[transition.label] for transition in transitions],
            [net.initial_marking.get(place, 0) for place in places],
            [net.final_marking.get(place, 0) for place in places],
            max(1024, room) if max_states is None else max_states,
        )
    except OverflowError as error:
        raise ModelError(str(error), hint="give the arcs smaller weights") from error
