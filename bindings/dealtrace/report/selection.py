"""Which activities and arrows of a directly-follows graph a picture shows, so that it stays readable."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace_engine.analyses.follows import DirectlyFollows


@dataclass(frozen=True)
class Node:
    """An activity, or where cases start and end.

    Attributes
    ----------
    kind : {"activity", "start", "end"}
    text : str
    count, cases : int
        Events, and cases with them.
    """

    kind: Literal["activity", "start", "end"]
    text: str
    count: int
    cases: int


@dataclass(frozen=True)
class Arrow:
    """One node directly follows another.

    Attributes
    ----------
    source, target : int
        Positions in `Picture.nodes`.
    count, cases : int
    median_s, p90_s, sum_s : float or None
        Seconds from source to target; None from the start and to the end.
    """

    source: int
    target: int
    count: int
    cases: int
    median_s: float | None = None
    p90_s: float | None = None
    sum_s: float | None = None


@dataclass(frozen=True)
class Picture:
    """What is shown, and of how much.

    Attributes
    ----------
    nodes, arrows : tuple
        The start and the end are the last two nodes.
    activities, edges : int
        In the whole graph.
    events, steps, cases : int
        In the whole graph; a step is one event directly following another.
    """

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    activities: int
    edges: int
    events: int
    steps: int
    cases: int

    @property
    def shown(self) -> str:
        """How much of the graph is in the picture, in one sentence."""
        edges = [arrow for arrow in self.arrows if arrow.median_s is not None]
        events = sum(node.count for node in self.nodes if node.kind == "activity")
        steps = sum(arrow.count for arrow in edges)
        return (
            f"Shown: {len(self.nodes) - 2} of {self.activities:,} activities "
            f"({_percent(events, self.events)} of events), {len(edges)} of {self.edges:,} connections "
            f"({_percent(steps, self.steps)} of steps)"
        )


def _percent(part: int, whole: int) -> str:
    if part == whole:
        return "100 %"
    return f"{min(100 * part / whole, 99.9):.1f} %"


def select(dfg: DirectlyFollows, activities: int, arrows: int) -> Picture:
    """Choose the most frequent activities, their best connection to start and end, and the largest arrows.

    Parameters
    ----------
    dfg : DirectlyFollows
    activities, arrows : int
        How many at most; arrows that connect an activity to start and end come on top where they must.
    """
    rows = dfg.activities.slice(0, activities).to_pylist()
    cases = _total(dfg.activities, "start")
    nodes, possible = _nodes(rows, cases), _arrows(dfg.edges, rows)
    start, end = len(nodes) - 2, len(nodes) - 1
    backward = [Arrow(a.target, a.source, a.count, a.cases) for a in possible]
    chosen = widest_paths(possible, start) | widest_paths(backward, end)
    by_count = sorted(range(len(possible)), key=lambda i: -possible[i].count)
    for number in by_count:
        if len(chosen) < arrows:
            chosen.add(number)
    return Picture(
        nodes,
        tuple(possible[i] for i in by_count if i in chosen),
        dfg.activities.num_rows,
        dfg.edges.num_rows,
        _total(dfg.activities, "count"),
        _total(dfg.edges, "count"),
        cases,
    )


def _total(table: pa.Table, name: str) -> int:
    return sum(table[name].to_pylist())


def _nodes(rows: Sequence[dict[str, Any]], cases: int) -> tuple[Node, ...]:
    nodes = [Node("activity", row["activity"], row["count"], row["cases"]) for row in rows]
    return (*nodes, Node("start", "Start", cases, cases), Node("end", "End", cases, cases))


def _arrows(edges: pa.Table, rows: Sequence[dict[str, Any]]) -> list[Arrow]:
    import pyarrow.compute as pc

    from dealtrace_engine.buffers import text

    place = {row["activity"]: number for number, row in enumerate(rows)}
    start, end = len(rows), len(rows) + 1
    arrows = [Arrow(start, i, row["start"], row["start"]) for i, row in enumerate(rows) if row["start"]]
    arrows += [Arrow(i, end, row["end"], row["end"]) for i, row in enumerate(rows) if row["end"]]
    names = ["source", "target", "count", "cases", "median_s", "p90_s", "sum_s"]
    known = text(list(place))
    inside = pc.and_(*(pc.is_in(edges[name], value_set=known) for name in ("source", "target")))
    for row in edges.select(names).filter(inside).to_pylist():
        arrows.append(Arrow(**{**row, "source": place[row["source"]], "target": place[row["target"]]}))
    return arrows


def widest_paths(arrows: Sequence[Arrow], root: int) -> set[int]:
    """Return the arrows of a tree from `root` on which each node is reached by its most travelled path.

    The width of a path is the count of its thinnest arrow.
    """
    leaving: dict[int, list[int]] = {}
    for number, arrow in enumerate(arrows):
        leaving.setdefault(arrow.source, []).append(number)
    reached, tree = {root}, set()
    heap = [(-arrows[number].count, number) for number in leaving.get(root, ())]
    heapq.heapify(heap)
    while heap:
        width, number = heapq.heappop(heap)
        node = arrows[number].target
        if node in reached:
            continue
        reached.add(node)
        tree.add(number)
        for following in leaving.get(node, ()):
            heapq.heappush(heap, (max(width, -arrows[following].count), following))
    return tree
