"""The process map: the directly-follows graph for front ends (JSON) and for eyes (SVG)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dealtrace_engine.results import plain

if TYPE_CHECKING:
    from dealtrace_engine.analyses.follows import DirectlyFollows

DEFINITION = "process_map 1"
ACTIVITIES, ARROWS = 24, 40
"""Shown in a picture by default."""


def process_map(dfg: DirectlyFollows) -> dict[str, Any]:
    """Return the whole graph, without a layout, ready for JSON.

    Parameters
    ----------
    dfg : DirectlyFollows

    Returns
    -------
    dict
        definition, log_fingerprint, events, cases; activities: id, activity, count, cases, start, end;
        edges: id, source_id, target_id, source, target, count, cases and the times of
        `DirectlyFollows.edges`. Ids are hashes of the texts, the same in every log.

    Examples
    --------
    >>> import dealtrace as dt
    >>> import pyarrow as pa
    >>> log = dt.from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                               "time": ["2024-01-01", "2024-01-03"]}))
    >>> [edge["median_s"] for edge in process_map(dt.directly_follows(log))["edges"]]
    [172800.0]
    """
    activities = [{"id": stable_id(row["activity"]), **row} for row in plain(dfg.activities)]
    edges = [
        {
            "id": stable_id(row["source"], row["target"]),
            "source_id": stable_id(row["source"]),
            "target_id": stable_id(row["target"]),
            **row,
        }
        for row in plain(dfg.edges)
    ]
    return {
        "definition": DEFINITION,
        "log_fingerprint": dfg.log_fingerprint,
        "events": sum(row["count"] for row in activities),
        "cases": sum(row["start"] for row in activities),
        "activities": activities,
        "edges": edges,
    }


def stable_id(*texts: str) -> str:
    """Return 16 hexadecimal digits that depend on the texts only."""
    content = b"".join(len(part).to_bytes(8, "little") + part for part in (text.encode() for text in texts))
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def process_map_svg(
    dfg: DirectlyFollows, *, title: str = "Process map", activities: int = ACTIVITIES, arrows: int = ARROWS
) -> str:
    """Return a picture of the graph as one self-contained SVG document.

    Boxes carry the number of events, arrows how often they were taken (their thickness too) and the median
    time they took; the arrows that take most of all time stand out. The picture says how much it shows.

    Parameters
    ----------
    dfg : DirectlyFollows
    title : str
    activities, arrows : int
        How many are shown at most, the most frequent ones; arrows that connect an activity with start and end
        come on top where they must.

    Examples
    --------
    >>> import dealtrace as dt
    >>> import pyarrow as pa
    >>> log = dt.from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                               "time": ["2024-01-01", "2024-01-03"]}))
    >>> process_map_svg(dt.directly_follows(log)).startswith("<svg ")
    True
    """
    from dealtrace.report.drawing import drawn
    from dealtrace.report.selection import select

    return drawn(select(dfg, activities, arrows), title)
