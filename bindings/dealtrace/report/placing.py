"""Where the items of ordered layers stand: near their neighbours, never over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 200


@dataclass(frozen=True)
class Extent:
    """How much room an item takes to the left and to the right of where it stands."""

    left: float
    right: float


def placed(
    layers: Sequence[Sequence[int]],
    pulls: Sequence[Mapping[int, float]],
    extents: Sequence[Extent],
    gap: float,
) -> list[float]:
    """Return where each item stands.

    Every layer in turn is put where the squared distances to its items' neighbours, weighted, are least among
    all places that keep its order and gaps.

    Parameters
    ----------
    layers : sequence of sequence of int
        The items of each layer, from left to right.
    pulls : sequence of mapping of int to float
        For each item its neighbours and their weights.
    extents : sequence of Extent
    gap : float
        At least so much room between two items.
    """
    at = [0.0] * len(extents)
    for layer in layers:
        _set(at, layer, _packed(layer, extents, gap))
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            offsets = _packed(layer, extents, gap)
            wanted, weights = [], []
            for item in layer:
                weight = sum(pulls[item].values())
                target = sum(at[n] * w for n, w in pulls[item].items()) / weight if weight else at[item]
                wanted.append(target)
                weights.append(weight or 1e-3)
            free = rising([w - o for w, o in zip(wanted, offsets, strict=True)], weights)
            _set(at, layer, [f + o for f, o in zip(free, offsets, strict=True)])
    return at


def _set(at: list[float], layer: Sequence[int], places: Sequence[float]) -> None:
    for item, place in zip(layer, places, strict=True):
        at[item] = place


def _packed(layer: Sequence[int], extents: Sequence[Extent], gap: float) -> list[float]:
    """Return the places of items that stand as close as they may."""
    places = [0.0] if layer else []
    for left, right in pairwise(layer):
        places.append(places[-1] + extents[left].right + gap + extents[right].left)
    return places


def rising(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the numbers that never fall and are nearest to `values` in weighted squares.

    References
    ----------
    M. Ayer et al., "An empirical distribution function for sampling with incomplete information", Annals of
    Mathematical Statistics 26(4), 1955, pp. 641-647.

    Examples
    --------
    >>> rising([1.0, 3.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5, 4.0]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        size = 1
        while pools and pools[-1][0] >= value:
            other, other_weight, other_size = pools.pop()
            value = (value * weight + other * other_weight) / (weight + other_weight)
            weight, size = weight + other_weight, size + other_size
        pools.append((value, weight, size))
    return [value for value, _, size in pools for _ in range(size)]
