"""Petri nets: places, transitions, weighted arcs, and the markings in which a case starts and ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dealtrace_engine.errors import ModelError

MOST_TOKENS = (1 << 20) - 1
"""Largest arc weight and largest number of tokens of a place in a marking that is given."""


@dataclass(frozen=True)
class Transition:
    """A step of the process.

    Attributes
    ----------
    id : str
        Unique among the places and transitions of the net.
    label : str or None
        The activity; None for a silent transition, which leaves no event.
    """

    id: str
    label: str | None = None


@dataclass(frozen=True)
class Arc:
    """A flow of `weight` tokens from a place to a transition or back."""

    source: str
    target: str
    weight: int = 1


@dataclass(frozen=True)
class PetriNet:
    """A labelled Petri net with an initial and a final marking, checked when it is made.

    Attributes
    ----------
    places : tuple of str
        Ids of the places.
    transitions : tuple of Transition
    arcs : tuple of Arc
        Several arcs between the same two nodes add up. Their order counts in token replay: it decides between
        silent paths of equal length. A PNML file gives the order of the file, `PetriNetBuilder` the order
        in which transitions are added, with inputs before outputs.
    initial_marking, final_marking : mapping of str to int
        Tokens by place. Without a final marking the only sink place, with one token, is taken, and
        `notes` says so.
    name : str
    notes : tuple of str
        What was assumed about the net.

    Raises
    ------
    ModelError
        Ids are empty or used twice, an arc dangles or joins two places or two transitions, a weight or a
        marking is not a positive whole number or names no place, there is no initial marking, or there is
        no final marking and not exactly one sink place.

    Examples
    --------
    >>> net = PetriNet(
    ...     ("start", "end"),
    ...     (Transition("t", "Send quote"),),
    ...     (Arc("start", "t"), Arc("t", "end")),
    ...     {"start": 1},
    ... )
    >>> dict(net.final_marking), net.notes
    ({'end': 1}, ("no final marking; its only sink place 'end' was taken",))
    """

    places: tuple[str, ...]
    transitions: tuple[Transition, ...]
    arcs: tuple[Arc, ...]
    initial_marking: Mapping[str, int]
    final_marking: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_ids()
        self._check_arcs()
        self._check_marking("initial", self.initial_marking)
        if not self.initial_marking:
            raise ModelError(
                "the net has no initial marking", hint="put a token on the place where a case starts"
            )
        if not self.final_marking:
            sink = self._only_sink()
            object.__setattr__(self, "final_marking", {sink: 1})
            note = f"no final marking; its only sink place {sink!r} was taken"
            object.__setattr__(self, "notes", (*self.notes, note))
        self._check_marking("final", self.final_marking)

    @property
    def labels(self) -> list[str]:
        """The activities of the net, sorted."""
        return sorted({t.label for t in self.transitions if t.label is not None})

    @property
    def duplicate_labels(self) -> dict[str, list[str]]:
        """Activities with several transitions, and the sorted ids of these."""
        ids: dict[str, list[str]] = {}
        for transition in self.transitions:
            if transition.label is not None:
                ids.setdefault(transition.label, []).append(transition.id)
        return {label: sorted(same) for label, same in sorted(ids.items()) if len(same) > 1}

    @property
    def sinks(self) -> list[str]:
        """Places that no arc leaves, sorted."""
        left = {arc.source for arc in self.arcs}
        return sorted(place for place in self.places if place not in left)

    def _check_ids(self) -> None:
        ids = [*self.places, *(transition.id for transition in self.transitions)]
        for node, count in Counter(ids).items():
            if not isinstance(node, str) or not node:
                raise ModelError("a place or transition has no id", value=node)
            if count > 1:
                raise ModelError(
                    f"the id {node!r} is used {count} times", hint="ids of places and transitions differ"
                )

    def _check_arcs(self) -> None:
        places, transitions = set(self.places), {transition.id for transition in self.transitions}
        for arc in self.arcs:
            which = f"the arc from {arc.source!r} to {arc.target!r}"
            for end in (arc.source, arc.target):
                if end not in places and end not in transitions:
                    raise ModelError(f"{which} dangles: there is no place or transition {end!r}")
            if (arc.source in places) == (arc.target in places):
                kind = "places" if arc.source in places else "transitions"
                raise ModelError(f"{which} joins two {kind}", hint="arcs go between a place and a transition")
            _check_tokens(arc.weight, f"the weight of {which}")

    def _check_marking(self, which: str, marking: Mapping[str, int]) -> None:
        places = set(self.places)
        for place, tokens in marking.items():
            if place not in places:
                raise ModelError(f"the {which} marking names {place!r}, which is no place of the net")
            _check_tokens(tokens, f"the {which} marking of {place!r}")

    def _only_sink(self) -> str:
        sinks = self.sinks
        if len(sinks) != 1:
            found = (
                f"{len(sinks)} sink places ({', '.join(map(repr, sinks[:5]))})" if sinks else "no sink place"
            )
            raise ModelError(
                f"the net has no final marking and {found}", hint="say with which tokens a case ends"
            )
        return sinks[0]


def _check_tokens(tokens: object, what: str) -> None:
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 0 < tokens <= MOST_TOKENS:
        raise ModelError(f"{what} is not a whole number from 1 to {MOST_TOKENS:,}", value=tokens)


class PetriNetBuilder:
    """Make a net in code: places appear when they are first named.

    Examples
    --------
    >>> net = (
    ...     PetriNetBuilder("quote")
    ...     .place("start", initial=1)
    ...     .transition("send", "Send quote", inputs=["start"], outputs=["sent"])
    ...     .transition("skip", None, inputs=["sent"], outputs=["end"])
    ...     .place("end", final=1)
    ...     .build()
    ... )
    >>> net.places, net.labels
    (('start', 'sent', 'end'), ['Send quote'])
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._places: dict[str, tuple[int, int]] = {}
        self._transitions: list[Transition] = []
        self._arcs: list[Arc] = []

    def place(self, place: str, *, initial: int = 0, final: int = 0) -> PetriNetBuilder:
        """Add a place, or tokens of the markings to one already named."""
        before = self._places.get(place, (0, 0))
        self._places[place] = (before[0] + initial, before[1] + final)
        return self

    def transition(
        self,
        transition: str,
        label: str | None,
        *,
        inputs: Sequence[str] | Mapping[str, int] = (),
        outputs: Sequence[str] | Mapping[str, int] = (),
    ) -> PetriNetBuilder:
        """Add a transition with its arcs; `inputs` and `outputs` are places, or places to weights."""
        self._transitions.append(Transition(transition, label))
        for place, weight in _weighted(inputs):
            self._arcs.append(Arc(self._named(place), transition, weight))
        for place, weight in _weighted(outputs):
            self._arcs.append(Arc(transition, self._named(place), weight))
        return self

    def build(self) -> PetriNet:
        """Make the net; raise `ModelError` if it is not well formed."""
        initial = {place: tokens for place, (tokens, _) in self._places.items() if tokens}
        final = {place: tokens for place, (_, tokens) in self._places.items() if tokens}
        return PetriNet(
            tuple(self._places), tuple(self._transitions), tuple(self._arcs), initial, final, self._name
        )

    def _named(self, place: str) -> str:
        self._places.setdefault(place, (0, 0))
        return place


def _weighted(places: Sequence[str] | Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return places.items() if isinstance(places, Mapping) else ((place, 1) for place in places)
