"""The picture: well-formed whatever the labels, complete, and nothing over anything else."""

import xml.etree.ElementTree as ET

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dealtrace as dt
from dealtrace.report.drawing import _node_box
from dealtrace.report.layout import Box, layout
from dealtrace.report.lettering import width_em, wrapped, xml_text
from dealtrace.report.process_map import process_map_svg
from dealtrace.report.selection import select

SVG = "{http://www.w3.org/2000/svg}"
DAY = 86_400_000_000


def follows(*traces):
    rows = [
        (str(case), activity, DAY * at)
        for case, trace in enumerate(traces)
        for at, activity in enumerate(trace)
    ]
    cases, activities, times = zip(*rows, strict=True)
    kind = pa.timestamp("us", tz="UTC")
    table = pa.table({"case": cases, "activity": activities, "time": pa.array(times, pa.int64()).cast(kind)})
    return dt.directly_follows(dt.from_arrow(table), threads=1)


def texts(svg):
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    "label",
    ["<script>alert(1)</script>", "</text></svg>", '"&amp;\'', "a\x00\x1b[2J\x0b", "\u202eevil", "]]>",
     "𝄞" * 300, "注文が履行されました" * 9, "   ", "-->", "&#0;"],
)  # fmt: skip
def test_hostile_labels_stay_text(label):
    svg = process_map_svg(follows([label, "b", label], ["b"]), title=label)
    root = ET.fromstring(svg)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "style", "rect", "text", "g", "title", "path")
    }
    assert not any(name.startswith("on") or "href" in name for e in root.iter() for name in e.attrib)


def test_what_is_shown_is_said():
    dfg = follows(["a", "b", "c"], ["a", "b", "c"], ["a", "x", "c"])
    assert "Shown: 4 of 4 activities (100 % of events), 4 of 4 connections (100 % of steps)" in texts(
        process_map_svg(dfg)
    )
    assert "Shown: 3 of 4 activities (88.9 % of events), 2 of 4 connections (66.7 % of steps)" in texts(
        process_map_svg(dfg, activities=3, arrows=1)
    )


def test_boxes_and_arrows_carry_counts_and_medians():
    found = texts(process_map_svg(follows(["a", "b"], ["a", "b"])))
    assert {"Start 2", "End 2", "a", "b", "2", "24 h"} <= set(found)


def test_a_log_of_one_event():
    assert {"only", "Start 1", "End 1"} <= set(texts(process_map_svg(follows(["only"]))))


def test_it_is_the_same_every_time():
    dfg = follows(["a", "b", "a", "c"], ["c", "b"], ["b", "a", "a"])
    assert process_map_svg(dfg) == process_map_svg(dfg)


traces = st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=9), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(traces, st.integers(1, 12), st.integers(1, 30))
def test_nothing_stands_over_anything_else(cases, activities, arrows):
    picture = select(follows(*cases), activities, arrows)
    boxes = [_node_box(node) for node in picture.nodes]
    labels = [Box(30.0, 28.0) for _ in picture.arrows]
    plan = layout(picture, boxes, labels)
    areas = [
        (s.x - b.width / 2, s.x + b.width / 2, s.top, s.bottom)
        for s, b in zip(plan.nodes, boxes, strict=True)
    ]
    areas += [(x, x + 30.0, y - 14.0, y + 14.0) for x, y in plan.labels]
    for number, (left, right, top, bottom) in enumerate(areas):
        for other_left, other_right, other_top, other_bottom in areas[:number]:
            apart = right <= other_left or other_right <= left or bottom <= other_top or other_bottom <= top
            assert apart
    lowest = max(spot.bottom for spot in plan.nodes[:-1])
    assert plan.nodes[-1].top >= lowest


@settings(max_examples=40, deadline=None)
@given(traces)
def test_every_shown_activity_hangs_together(cases):
    picture = select(follows(*cases), 20, 1)
    start, end = len(picture.nodes) - 2, len(picture.nodes) - 1
    for root, step in ((start, lambda a: (a.source, a.target)), (end, lambda a: (a.target, a.source))):
        reached = {root}
        for _ in picture.nodes:
            reached |= {far for near, far in map(step, picture.arrows) if near in reached}
        assert reached >= set(range(len(picture.nodes) - 2))


@given(st.text(), st.integers(3, 20), st.integers(1, 3))
def test_wrapping_keeps_within_its_bounds(text, widest, lines):
    done = wrapped(text, widest, lines)
    assert 1 <= len(done) <= lines
    assert all(width_em(line) <= widest + 1 for line in done)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_xml(text):
    ET.fromstring(f'<a b="{xml_text(text)}">{xml_text(text)}</a>')
