"""Where the boxes, arrows and labels of a process map stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dealtrace.report.layers import Link, forward, ranks
from dealtrace.report.ordering import ordered
from dealtrace.report.placing import Extent, placed
from dealtrace.report.selection import Arrow, Picture

ITEM_GAP, LAYER_GAP = 14.0, 23.0
LOOP = 30.0
"""How far the arrow of a node to itself reaches out."""
LINE = 7.0
"""Half the room that an arrow takes."""
BESIDE = 9.0
"""From the middle of an arrow to its label, which stands to the right of it."""


@dataclass(frozen=True)
class Box:
    """Size of a node or label."""

    width: float
    height: float


@dataclass(frozen=True)
class Spot:
    """A place that an arrow passes, or that a node takes, by its middle."""

    x: float
    top: float
    bottom: float
    straight: bool = True
    """Whether an arrow passes straight down, beside its label; else it may lean."""


@dataclass
class Layout:
    """A picture with everything in its place.

    Attributes
    ----------
    nodes : list of Spot
        The boxes, by their middle.
    routes : list of list of Spot
        For each arrow what it passes between its two nodes, from source to target; empty for loops.
    labels : list of (x, y)
        Where each arrow's label begins: the middle of its left side.
    downwards : list of bool
        Whether each arrow leads down.
    """

    nodes: list[Spot]
    routes: list[list[Spot]]
    labels: list[tuple[float, float]]
    downwards: list[bool]


@dataclass
class _Items:
    """Nodes, labels and bends of arrows, each in a layer; nodes stand in the even layers."""

    layer: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    extents: list[Extent] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    pulls: list[dict[int, float]] = field(default_factory=list)

    def add(self, layer: int, box: Box, extent: Extent) -> int:
        self.layer.append(layer)
        self.boxes.append(box)
        self.extents.append(extent)
        self.above.append([])
        self.below.append([])
        self.pulls.append({})
        return len(self.layer) - 1

    def join(self, upper: int, lower: int, pull: float) -> None:
        self.below[upper].append(lower)
        self.above[lower].append(upper)
        for one, other in ((upper, lower), (lower, upper)):
            self.pulls[one][other] = self.pulls[one].get(other, 0.0) + pull


def layout(picture: Picture, boxes: Sequence[Box], labels: Sequence[Box]) -> Layout:
    """Place the nodes of a picture in layers and lead its arrows between them.

    Parameters
    ----------
    picture : Picture
    boxes, labels : sequence of Box
        Sizes of its nodes and of its arrows' labels.
    """
    items, chains = _items(picture, boxes, labels)
    layers: list[list[int]] = [[] for _ in range(max(items.layer) + 1)]
    for item, number in enumerate(items.layer):
        layers[number].append(item)
    layers = ordered(layers, items.above, items.below)
    x = placed(layers, items.pulls, items.extents, ITEM_GAP)
    tops = _tops(layers, items.boxes)
    spots = [_spot(x[i], tops[items.layer[i]], items.boxes[i].height) for i in range(len(x))]
    return _collected(picture, items, chains, spots)


def _items(picture: Picture, boxes: Sequence[Box], labels: Sequence[Box]) -> tuple[_Items, list[list[int]]]:
    """Return all items, and for each arrow those from its upper to its lower node."""
    proper = [n for n, arrow in enumerate(picture.arrows) if arrow.source != arrow.target]
    turned = forward(len(boxes), [_link(picture.arrows[n]) for n in proper])
    level = ranks(len(boxes), [_loose(link, picture) for link in turned])
    level[-1] = max([level[-1], *(at + 1 for at in level[:-1])])  # the end, below all activities
    beside = {a.source: LOOP + labels[n].width for n, a in enumerate(picture.arrows) if a.source == a.target}
    items = _Items()
    for node, box in enumerate(boxes):
        half = box.width / 2
        items.add(2 * level[node], box, Extent(half, half + beside.get(node, 0.0)))
    chains: list[list[int]] = [[] for _ in picture.arrows]
    heaviest = max((arrow.count for arrow in picture.arrows), default=1)
    for number, (upper, lower, weight) in zip(proper, turned, strict=True):
        chains[number] = _chain(items, upper, lower, labels[number], 1 + 6 * weight / heaviest)
    return items, chains


def _link(arrow: Arrow) -> Link:
    return arrow.source, arrow.target, arrow.count


def _loose(link: Link, picture: Picture) -> Link:
    """Let an activity stand near those before and after it, not near the start or the end."""
    upper, lower, weight = link
    inside = picture.nodes[upper].kind == picture.nodes[lower].kind == "activity"
    return upper, lower, weight if inside else 0


def _chain(items: _Items, upper: int, lower: int, label: Box, pull: float) -> list[int]:
    first, last = items.layer[upper], items.layer[lower]
    labelled = _middle_odd(first, last)
    chain = [upper]
    for layer in range(first + 1, last):
        if layer == labelled:
            chain.append(items.add(layer, label, Extent(LINE, BESIDE + label.width)))
        else:
            chain.append(items.add(layer, Box(0.0, 0.0), Extent(LINE, LINE)))
    chain.append(lower)
    for one, other in pairwise(chain):
        bends = (one != upper) + (other != lower)
        items.join(one, other, pull * (1.0, 2.0, 8.0)[bends])
    return chain


def _middle_odd(first: int, last: int) -> int:
    middle = (first + last) // 2
    return middle if middle % 2 else middle - 1


def _tops(layers: Sequence[Sequence[int]], boxes: Sequence[Box]) -> list[tuple[float, float]]:
    """Return top and height of each layer."""
    tops, y = [], 0.0
    for layer in layers:
        height = max((boxes[item].height for item in layer), default=0.0)
        tops.append((y, height))
        y += height + LAYER_GAP
    return tops


def _spot(x: float, layer: tuple[float, float], height: float) -> Spot:
    top, room = layer
    if height == 0.0:
        return Spot(x, top, top + room, straight=False)
    return Spot(x, top + (room - height) / 2, top + (room + height) / 2)


def _collected(picture: Picture, items: _Items, chains: Sequence[list[int]], spots: Sequence[Spot]) -> Layout:
    nodes = list(spots[: len(picture.nodes)])
    routes, labels, downwards = [], [], []
    for arrow, chain in zip(picture.arrows, chains, strict=True):
        down = not chain or chain[0] == arrow.source
        route = [spots[item] for item in (chain if down else chain[::-1])[1:-1]]
        routes.append(route)
        downwards.append(down)
        if chain:
            item = chain[_middle_odd(items.layer[chain[0]], items.layer[chain[-1]]) - items.layer[chain[0]]]
            labels.append((spots[item].x + BESIDE, (spots[item].top + spots[item].bottom) / 2))
        else:
            node = nodes[arrow.source]
            side = node.x + items.boxes[arrow.source].width / 2
            labels.append((side + LOOP, (node.top + node.bottom) / 2))
    return Layout(nodes, routes, labels, downwards)
