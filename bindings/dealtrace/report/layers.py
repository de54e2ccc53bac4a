"""A graph in layers: which arrows point backwards, and how far down each node stands.

References
----------
K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11(2), 1981, pp. 109-125.
"""

from __future__ import annotations

from collections.abc import Sequence

Link = tuple[int, int, int]
"""From, to, weight."""

PASSES = 50


def forward(nodes: int, links: Sequence[Link]) -> list[Link]:
    """Turn some links around so that no cycle is left, light ones first; no link is of a node to itself.

    Examples
    --------
    >>> forward(2, [(0, 1, 5), (1, 0, 2)])
    [(0, 1, 5), (0, 1, 2)]
    """
    below: list[set[int]] = [set() for _ in range(nodes)]
    turned = list(links)
    for number in sorted(range(len(links)), key=lambda i: -links[i][2]):
        upper, lower, weight = links[number]
        if _reaches(below, lower, upper):
            upper, lower = lower, upper
        below[upper].add(lower)
        turned[number] = upper, lower, weight
    return turned


def _reaches(below: Sequence[set[int]], origin: int, wanted: int) -> bool:
    seen, waiting = {origin}, [origin]
    while waiting:
        node = waiting.pop()
        if node == wanted:
            return True
        fresh = below[node] - seen
        seen |= fresh
        waiting += fresh
    return False


def ranks(nodes: int, links: Sequence[Link]) -> list[int]:
    """Return the layer of each node, from 0: every link leads downwards, the heavy ones not far.

    Examples
    --------
    >>> ranks(4, [(0, 1, 1), (1, 2, 1), (0, 2, 1), (3, 2, 9)])
    [0, 1, 2, 1]
    """
    into: list[list[Link]] = [[link for link in links if link[1] == node] for node in range(nodes)]
    out: list[list[Link]] = [[link for link in links if link[0] == node] for node in range(nodes)]
    rank = [0] * nodes
    for _ in range(nodes):
        for upper, lower, _weight in links:
            rank[lower] = max(rank[lower], rank[upper] + 1)
    for _ in range(PASSES):
        before = list(rank)
        for node in range(nodes):
            rank[node] = _drawn(node, rank, into[node], out[node])
        if rank == before:
            break
    levels = {level: number for number, level in enumerate(sorted(set(rank)))}
    return [levels[level] for level in rank]


def _drawn(node: int, rank: Sequence[int], into: Sequence[Link], out: Sequence[Link]) -> int:
    """Return where the links of a node are shortest while its neighbours stay."""
    pull = sum(weight for *_, weight in out) - sum(weight for *_, weight in into)
    if pull > 0:
        return min(rank[lower] for _, lower, _ in out) - 1
    if pull < 0:
        return max(rank[upper] for upper, *_ in into) + 1
    return rank[node]
