"""The order of the items of each layer, with few crossings of the links between neighbouring layers.

References
----------
E. R. Gansner, E. Koutsofios, S. C. North, K.-P. Vo, "A technique for drawing directed graphs", IEEE
Transactions on Software Engineering 19(3), 1993, pp. 214-230.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

SWEEPS = 24

Layers = list[list[int]]
Neighbours = Sequence[Sequence[int]]


def ordered(layers: Sequence[Sequence[int]], above: Neighbours, below: Neighbours) -> Layers:
    """Return the layers with their items in an order with few crossings.

    Parameters
    ----------
    layers : sequence of sequence of int
        The items of each layer.
    above, below : sequence of sequence of int
        For each item its neighbours in the layer before and after.
    """
    current = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in current], crossings(current, below)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        _sweep(current, above if downwards else below, downwards)
        _swap_neighbours(current, above, below)
        if (count := crossings(current, below)) < fewest:
            best, fewest = [list(layer) for layer in current], count
    return best


def crossings(layers: Sequence[Sequence[int]], below: Neighbours) -> int:
    """Count the pairs of links that cross."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {item: number for number, item in enumerate(lower)}
        seen: list[int] = []
        for item in upper:
            ends = [place[end] for end in below[item]]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _sweep(layers: Layers, fixed: Neighbours, downwards: bool) -> None:
    """Sort each layer by where the neighbours in the one before it stand."""
    numbers = range(1, len(layers)) if downwards else range(len(layers) - 2, -1, -1)
    for number in numbers:
        before = layers[number - 1 if downwards else number + 1]
        place = {item: at for at, item in enumerate(before)}
        own = {item: at * len(before) / len(layers[number]) for at, item in enumerate(layers[number])}
        layers[number].sort(key=lambda item: _middle([place[n] for n in fixed[item]], own[item]))


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _swap_neighbours(layers: Layers, above: Neighbours, below: Neighbours) -> None:
    for number, layer in enumerate(layers):
        place = {item: at for near in (number - 1, number + 1) if 0 <= near < len(layers)
                 for at, item in enumerate(layers[near])}  # fmt: skip
        for at in range(len(layer) - 1):
            left, right = layer[at], layer[at + 1]
            gain = 0
            for side in (above, below):
                ends = [place[n] for n in side[left]], [place[n] for n in side[right]]
                gain += sum((a > b) - (a < b) for a in ends[0] for b in ends[1])
            if gain > 0:
                layer[at], layer[at + 1] = right, left
