"""Token replay of distinct sequences: tokens of each, and where they and the net disagree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.models.petri_net import PetriNet
from dealtrace_engine.models.token_game import token_game
from dealtrace_engine.parallel import Progress, blocks, map_blocks

if TYPE_CHECKING:
    from dealtrace_ext.tokens import TokenGame

EVENTS_PER_BLOCK = 1 << 16
"""A task of playing; many are played by one automaton."""


@dataclass(frozen=True)
class Diagnostics:
    """Where cases and net disagree, counted over cases.

    Attributes
    ----------
    places : pyarrow.Table
        place, missing (tokens added because they were missing), remaining (tokens left at the end).
    transitions : pyarrow.Table
        transition, activity (null for a silent one), fired, problems (times it was fired although tokens
        were missing).
    unknown : pyarrow.Table
        activity, events: activities that the net does not have, most frequent first.
    """

    places: pa.Table
    transitions: pa.Table
    unknown: pa.Table


@dataclass(frozen=True)
class Played:
    """What is replayed: the distinct sequences, and how many cases follow each."""

    net: PetriNet
    activities: tuple[str, ...]
    codes: NDArray[Any]
    offsets: NDArray[np.int64]
    weights: NDArray[np.int64]

    @cached_property
    def label_of(self) -> NDArray[np.int32]:
        """Label number of each activity code, -1 where the net does not have the activity."""
        number = {label: i for i, label in enumerate(self.net.labels)}
        return np.array([number.get(activity, -1) for activity in self.activities], dtype=np.int32)

    @cached_property
    def unknown_events(self) -> NDArray[np.int64]:
        """Events per variant whose activity the net does not have."""
        if (self.label_of >= 0).all():
            return np.zeros(len(self.weights), dtype=np.int64)
        before = np.concatenate(([0], np.cumsum(self.label_of[self.codes] < 0, dtype=np.int64)))
        return np.diff(before[self.offsets])

    def play(self, threads: int | None, progress: Progress | None) -> dict[str, NDArray[Any]]:
        """Replay every variant; one array per figure. Each thread builds an automaton of its own."""
        names = ("missing", "consumed", "produced", "remaining")
        figures: dict[str, NDArray[Any]] = {
            name: np.zeros(len(self.weights), dtype=np.int64) for name in names
        }
        figures["fit"] = np.zeros(len(self.weights), dtype=np.uint8)
        games: list[TokenGame] = []

        def run(block: tuple[int, int]) -> None:
            try:
                game = games.pop()
            except IndexError:
                game = token_game(self.net)
            game.run(self.codes, self.offsets, self.label_of, *block, *figures.values())
            games.append(game)

        map_blocks(run, blocks(self.offsets, EVENTS_PER_BLOCK), threads=threads, progress=progress)
        return figures

    def diagnostics(self) -> Diagnostics:
        """Replay every variant with its weight and count by place and transition."""
        counts = token_game(self.net).tally(self.codes, self.offsets, self.label_of, self.weights)
        missing, remaining, fired, problems = counts
        transitions = sorted(self.net.transitions, key=lambda transition: transition.id)
        return Diagnostics(
            table({
                "place": text(sorted(self.net.places)),
                "missing": _int64(missing), "remaining": _int64(remaining),
            }),
            table({
                "transition": text([transition.id for transition in transitions]),
                "activity": text([transition.label for transition in transitions]),
                "fired": _int64(fired), "problems": _int64(problems),
            }),
            self.unknown,
        )  # fmt: skip

    @cached_property
    def unknown(self) -> pa.Table:
        """Events by activity that the net does not have, most frequent first."""
        at = np.flatnonzero(self.label_of[self.codes] < 0)
        events = np.zeros(len(self.activities), dtype=np.int64)
        np.add.at(events, self.codes[at], np.repeat(self.weights, np.diff(self.offsets))[at])
        found = sorted((-n, self.activities[code]) for code, n in enumerate(events.tolist()) if n)
        return table({
            "activity": text([activity for _, activity in found]),
            "events": _int64([-count for count, _ in found]),
        })  # fmt: skip


def _int64(values: list[int]) -> pa.Array:
    return arrow(np.array(values, dtype=np.int64))
