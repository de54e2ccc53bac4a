"""A process map as SVG text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dealtrace.report.durations import readable
from dealtrace.report.layout import LOOP, Box, Layout, Spot, layout
from dealtrace.report.lettering import width_em, wrapped, xml_text
from dealtrace.report.selection import Arrow, Node, Picture

FONT = (
    "'Inter','Segoe UI','Helvetica Neue',Arial,'Noto Sans','Noto Sans CJK SC','Noto Sans CJK JP',sans-serif"
)
TEXT, COUNT, SMALL, TITLE = 13.0, 12.0, 11.0, 20.0
WIDEST_TEXT = 13.0
"""Of a line in a box, in units of the font size."""
PADDING, LINE = 11.0, 16.0
MARGIN, HEADER = 28.0, 96.0
HEAD = 9.0
BENT = 5.0
"""How far into the room beside its label an arrow may still bend."""
SLOW_ARROWS = 5
STYLE = f"""
text {{ font-family: {FONT}; text-anchor: middle; fill: #14283c; }}
.name {{ font-size: {TEXT}px; font-weight: 600; }}
.number {{ font-size: {COUNT}px; }}
.pale {{ fill: #ffffff; }}
.arrow {{ fill: none; stroke-linecap: butt; }}
.label {{ font-size: {SMALL}px; text-anchor: start; paint-order: stroke; stroke: #fff; stroke-width: 3px; }}
.taken {{ font-weight: 600; }}
.time {{ fill: #5b6b7b; }}
.slow {{ fill: #b4530a; font-weight: 600; }}
.title {{ font-size: {TITLE}px; font-weight: 700; text-anchor: start; }}
.note {{ font-size: {COUNT}px; text-anchor: start; fill: #5b6b7b; }}
"""
CALM, SLOW = ((190, 203, 217), (52, 94, 140)), ((244, 190, 130), (206, 98, 16))


def drawn(picture: Picture, title: str) -> str:
    """Return the picture as an SVG document."""
    labels = [_ArrowLabel.of(arrow) for arrow in picture.arrows]
    plan = layout(picture, [_node_box(node) for node in picture.nodes], [label.box for label in labels])
    slow = _slow(picture)
    frame = _frame(picture, plan, labels, title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{frame.view}" width="{frame.width:.0f}" '
        f'height="{frame.height:.0f}" role="img" aria-label="{xml_text(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect x="{frame.left:.1f}" y="{frame.top:.1f}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" fill="#ffffff"/>',
        *_header(picture, frame, title),
        *_arrows(picture, plan),
        *chain.from_iterable(_node(*pair, picture) for pair in zip(picture.nodes, plan.nodes, strict=True)),
        *chain.from_iterable(label.draw(*at, slow) for label, at in zip(labels, plan.labels, strict=True)),
        "</svg>\n",
    ]  # fmt: skip
    return "\n".join(parts)


@dataclass(frozen=True)
class _Frame:
    left: float
    top: float
    width: float
    height: float

    @property
    def view(self) -> str:
        return f"{self.left:.1f} {self.top:.1f} {self.width:.1f} {self.height:.1f}"


def _frame(picture: Picture, plan: Layout, labels: Sequence[_ArrowLabel], title: str) -> _Frame:
    half = [_node_box(node).width / 2 for node in picture.nodes]
    reach = [x + label.box.width for label, (x, _) in zip(labels, plan.labels, strict=True)]
    reach += [spot.x + 6 for route in plan.routes for spot in route]
    left = min(
        [spot.x - w for spot, w in zip(plan.nodes, half, strict=True)]
        + [spot.x - 6 for route in plan.routes for spot in route]
    )
    right = max([spot.x + w for spot, w in zip(plan.nodes, half, strict=True)] + reach)
    bottom = max(spot.bottom for spot in plan.nodes)
    written = [TITLE * width_em(title), *(COUNT * width_em(line) for line in _notes(picture))]
    width = max(right - left, *written) + 2 * MARGIN
    return _Frame((left + right - width) / 2, -HEADER - MARGIN, width, bottom + HEADER + 2 * MARGIN)


def _notes(picture: Picture) -> tuple[str, ...]:
    slow = len(_slow(picture))
    orange = f" Orange: the {slow} that take most time" if slow else ""
    return (
        f"{picture.events:,} events in {picture.cases:,} cases",
        picture.shown,
        f"On arrows: how often, and the median time.{orange}",
    )


def _header(picture: Picture, frame: _Frame, title: str) -> Iterator[str]:
    x, y = frame.left + MARGIN, frame.top + MARGIN + TITLE
    yield f'<text class="title" x="{x:.1f}" y="{y:.1f}">{xml_text(title)}</text>'
    for number, line in enumerate(_notes(picture), 1):
        yield f'<text class="note" x="{x:.1f}" y="{y + 4 + number * 17:.1f}">{xml_text(line)}</text>'


def _node_box(node: Node) -> Box:
    if node.kind != "activity":
        return Box(96.0, 30.0)
    lines = wrapped(node.text, WIDEST_TEXT)
    width = max(TEXT * 1.06 * width_em(line) for line in lines)
    return Box(max(width, 70.0) + 2 * PADDING, (len(lines) + 1) * LINE + PADDING)


def _node(node: Node, spot: Spot, picture: Picture) -> Iterator[str]:
    box, (x, top) = _node_box(node), (spot.x, spot.top)
    yield f"<g><title>{xml_text(f'{node.text}: {node.count:,} events, {node.cases:,} cases')}</title>"
    if node.kind == "activity":
        most = max(other.count for other in picture.nodes if other.kind == "activity")
        share = node.count / most
        pale = " pale" if share > 0.62 else ""
        yield _rectangle(x, top, box, 7, _blend(((236, 243, 250), (38, 86, 138)), share), "#2b5c8f")
        lines = wrapped(node.text, WIDEST_TEXT)
        for number, line in enumerate(lines, 1):
            yield _line(f"name{pale}", x, top + 5 + number * LINE - 2, line)
        yield _line(f"number{pale}", x, top + 5 + (len(lines) + 1) * LINE - 2, f"{node.count:,}")
    else:
        yield _rectangle(x, top, box, 15, "#e4f3e6" if node.kind == "start" else "#f7e6e4", "#7b8794")
        yield _line("number", x, top + 19, f"{node.text} {node.count:,}")
    yield "</g>"


def _rectangle(x: float, top: float, box: Box, radius: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x - box.width / 2:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{radius:.0f}" fill="{fill}" stroke="{stroke}"/>'
    )


def _line(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{xml_text(text)}</text>'


def _blend(colours: tuple[tuple[int, int, int], tuple[int, int, int]], share: float) -> str:
    weak, strong = colours
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(weak, strong, strict=True))


def _slow(picture: Picture) -> set[Arrow]:
    timed = [arrow for arrow in picture.arrows if arrow.sum_s]
    return set(sorted(timed, key=lambda arrow: -(arrow.sum_s or 0.0))[:SLOW_ARROWS])


@dataclass(frozen=True)
class _ArrowLabel:
    arrow: Arrow
    lines: tuple[str, ...]

    @classmethod
    def of(cls, arrow: Arrow) -> _ArrowLabel:
        time = () if arrow.median_s is None else (readable(arrow.median_s),)
        return cls(arrow, (f"{arrow.count:,}", *time))

    @property
    def box(self) -> Box:
        width = max(SMALL * 1.1 * width_em(line) for line in self.lines)
        return Box(width + 6, 13.0 * len(self.lines) + 2)

    def draw(self, x: float, y: float, slow: set[Arrow]) -> Iterator[str]:
        top = y - 13.0 * len(self.lines) / 2
        kinds = ("label taken", "label slow" if self.arrow in slow else "label time")
        for number, (kind, line) in enumerate(zip(kinds, self.lines, strict=False)):
            yield _line(kind, x, top + 10 + 13.0 * number, line)


def _arrows(picture: Picture, plan: Layout) -> Iterator[str]:
    """Yield the arrows, the heaviest last, so that they lie on top."""
    ends, slow = _ports(picture, plan), _slow(picture)
    most = max((arrow.count for arrow in picture.arrows), default=1)
    for number in range(len(picture.arrows) - 1, -1, -1):
        arrow = picture.arrows[number]
        share = math.sqrt(arrow.count / most)
        colour = _blend(SLOW if arrow in slow else CALM, share)
        thick = 1.2 + 6.3 * share
        if arrow.source == arrow.target:
            box = _node_box(picture.nodes[arrow.source])
            path, tip = _loop(plan.nodes[arrow.source], box, thick)
        else:
            path, tip = _path(plan.routes[number], *ends[number], plan.downwards[number], thick)
        names = picture.nodes[arrow.source].text, picture.nodes[arrow.target].text
        yield f"<g><title>{xml_text(_told(arrow, *names))}</title>"
        yield f'<path class="arrow" d="{path}" stroke="{colour}" stroke-width="{thick:.1f}"/>'
        yield f'<path d="{tip}" fill="{colour}"/></g>'


def _told(arrow: Arrow, source: str, target: str) -> str:
    taken = f"{source} → {target}: {arrow.count:,} times in {arrow.cases:,} cases"
    if arrow.median_s is None:
        return taken
    return f"{taken}, median {readable(arrow.median_s)}, 90th percentile {readable(arrow.p90_s)}"


Point = tuple[float, float]


def _ports(picture: Picture, plan: Layout) -> list[tuple[Point, Point]]:
    """Return where each arrow leaves and arrives, spread along the edges of the boxes."""
    sides: dict[tuple[int, bool], list[tuple[float, int, int]]] = {}
    for number, (arrow, route, down) in enumerate(
        zip(picture.arrows, plan.routes, plan.downwards, strict=True)
    ):
        if arrow.source == arrow.target:
            continue
        towards = route or [plan.nodes[arrow.target], plan.nodes[arrow.source]]
        sides.setdefault((arrow.source, down), []).append((towards[0].x, number, 0))
        sides.setdefault((arrow.target, not down), []).append((towards[-1].x, number, 1))
    points: dict[tuple[int, int], Point] = {}
    for (node, below), leaving in sides.items():
        spot, width = plan.nodes[node], _node_box(picture.nodes[node]).width
        step = min(18.0, (width - 24) / len(leaving))
        for place, (_, number, end) in enumerate(sorted(leaving)):
            x = spot.x + (place - (len(leaving) - 1) / 2) * step
            points[number, end] = x, spot.bottom if below else spot.top
    nowhere = (0.0, 0.0)
    return [(points.get((n, 0), nowhere), points.get((n, 1), nowhere)) for n in range(len(picture.arrows))]


def _path(route: Sequence[Spot], start: Point, finish: Point, down: bool, thick: float) -> tuple[str, str]:
    """Return the curve of an arrow and the triangle at its tip."""
    head, side = HEAD + thick / 2, 3.5 + thick / 2
    base = finish[1] - head if down else finish[1] + head
    points = [start, *chain.from_iterable(_passed(spot, down) for spot in route), (finish[0], base)]
    tip = f"M{finish[0]:.1f} {finish[1]:.1f}L{finish[0] - side:.1f} {base:.1f}H{finish[0] + side:.1f}Z"
    return _curve(points), tip


def _passed(spot: Spot, down: bool) -> list[Point]:
    if not spot.straight:
        return [(spot.x, (spot.top + spot.bottom) / 2)]
    ends = spot.top + BENT, spot.bottom - BENT
    return [(spot.x, y) for y in (ends if down else ends[::-1])]


def _curve(points: Sequence[Point]) -> str:
    """Return a smooth curve that is upright at its ends and never swings beyond its points."""
    slopes = [0.0, *(_slope(*three) for three in zip(points, points[1:], points[2:], strict=False)), 0.0]
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1), s0, s1 in zip(points, points[1:], slopes, slopes[1:], strict=False):
        third = (y1 - y0) / 3
        handles = f"{x0 + s0 * third:.1f} {y0 + third:.1f} {x1 - s1 * third:.1f} {y1 - third:.1f}"
        path.append(f"C{handles} {x1:.1f} {y1:.1f}")
    return "".join(path)


def _slope(before: Point, here: Point, after: Point) -> float:
    """Return the harmonic mean of the slopes on both sides, 0 where the curve turns around."""
    one = (here[0] - before[0]) / (here[1] - before[1])
    other = (after[0] - here[0]) / (after[1] - here[1])
    return 2 * one * other / (one + other) if one * other > 0 else 0.0


def _loop(spot: Spot, box: Box, thick: float) -> tuple[str, str]:
    """Return the curve of a node's arrow to itself, at its right side, and the triangle at its tip."""
    x, out = spot.x + box.width / 2, spot.x + box.width / 2 + LOOP
    upper, lower = spot.top + box.height * 0.25, spot.bottom - box.height * 0.25
    head, side = HEAD + thick / 2, 3.5 + thick / 2
    path = f"M{x:.1f} {upper:.1f}C{out:.1f} {upper:.1f} {out:.1f} {lower:.1f} {x + head:.1f} {lower:.1f}"
    tip = f"M{x:.1f} {lower:.1f}L{x + head:.1f} {lower - side:.1f}V{lower + side:.1f}Z"
    return path, tip
