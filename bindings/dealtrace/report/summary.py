"""What an analysis found, for people: tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dealtrace.report.analysis import Analysis, span_texts, throughput_percentiles
from dealtrace.report.durations import readable
from dealtrace.report.terminal import facts_table, figures_table, heading, safe

if TYPE_CHECKING:
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.quality import Finding, Quality

TOP_ACTIVITIES, TOP_EDGES, TOP_VARIANTS, FEW_NOTES = 10, 10, 6, 3


def log_section(log: EventLog) -> Iterator[RenderableType]:
    """Say what a log is and how its columns were chosen, which nobody does for an export of a CRM."""
    first, last = (time[:19] for time in span_texts(log))
    columns = (f"{role}={c['column']!r} ({c['chosen']})" for role, c in log.quality.columns.items())
    sizes = ("event", log.events), ("case", log.cases), ("activity", len(log.activities))
    yield heading("Event log")
    yield facts_table(
        (
            ("source", log.origin.source.label),
            ("size", ", ".join(counted(count, what) for what, count in sizes)),
            ("span", f"{first} to {last} UTC"),
            *([("columns", ", ".join(columns))] if log.quality.coverage is None else []),
            (
                "start times",
                "known" if log.has_start_timestamps else "none, so service times are unknown, not 0",
            ),
        )
    )


def quality_section(quality: Quality, most_notes: int | None = None) -> Iterator[RenderableType]:
    """Say what was dropped, what looks odd, and how the source was read, with all notes or the first few."""
    yield heading("Data quality")
    notes = [("read as", note) for note in quality.notes[:most_notes]]
    more = len(quality.notes) - len(notes)
    rest = [("", f"and {counted(more, 'more note')}; dealtrace info shows all")] if more else []
    yield facts_table((*_quality_facts(quality), *notes, *rest))


def _quality_facts(quality: Quality) -> Iterator[tuple[str, str]]:
    if quality.rows_dropped:
        share = quality.rows_dropped / quality.rows_read
        yield "rows", f"{quality.rows_dropped:,} of {quality.rows_read:,} dropped ({share:.2%})"
    else:
        yield (
            "rows",
            "the only row became an event"
            if quality.rows_read == 1
            else f"all {quality.rows_read:,} rows became events",
        )
    for finding in quality.dropped:
        yield "dropped", _told(finding)
    for finding in quality.noted:
        yield "noted", _told(finding)
    if quality.tied_timestamps:
        yield (
            "ties",
            f"{quality.tied_timestamps:,} events at the same time as the one before them in their case",
        )
    if quality.duplicates:
        yield (
            "duplicates",
            f"{quality.duplicates:,} events equal to another in case, activity and time; all kept",
        )
    if quality.time_zones:
        names = {"naive": "no zone written"}
        zones = (f"{names.get(zone, zone)} {count:,}" for zone, count in quality.time_zones.items())
        yield "time zones", ", ".join(zones)


def counted(count: int, what: str) -> str:
    """Return how many there are of something, by its name for one.

    Examples
    --------
    >>> counted(1, "case"), counted(1234, "activity")
    ('1 case', '1,234 activities')
    """
    if count != 1:
        what = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what}"


def _told(finding: Finding) -> str:
    rows = ", ".join(f"{row:,}" for row in finding.first_rows)
    more = ", ..." if finding.count > len(finding.first_rows) else ""
    example = "" if finding.example is None else f"such as {finding.example[:40]!r}"
    where = ", ".join(filter(None, (rows and f"rows {rows}{more}", example)))
    return f"{finding.count:,} {finding.reason}" + (f" ({where})" if where else "")


def map_section(analysis: Analysis) -> Iterator[RenderableType]:
    """Show the most frequent activities and what follows what."""
    activities, edges = analysis.follows.activities, analysis.follows.edges
    yield heading(_top("Activities", TOP_ACTIVITIES, activities.num_rows))
    rows = activities.slice(0, TOP_ACTIVITIES).to_pylist()
    yield figures_table(
        ("activity", "events", "cases", "starts", "ends"),
        ((r["activity"], *(f"{r[name]:,}" for name in ("count", "cases", "start", "end"))) for r in rows),
    )
    yield heading(_top("What directly follows what", TOP_EDGES, edges.num_rows))
    rows = edges.slice(0, TOP_EDGES).to_pylist()
    yield figures_table(("from", "to", "count", "cases", "median", "p90"), map(_edge_row, rows), texts=2)


def _edge_row(row: dict[str, Any]) -> tuple[object, ...]:
    times = readable(row["median_s"]), readable(row["p90_s"])
    return row["source"], row["target"], f"{row['count']:,}", f"{row['cases']:,}", *times


def variant_section(analysis: Analysis) -> Iterator[RenderableType]:
    """Show the most frequent variants with their paths."""
    table = analysis.variants.table
    yield heading(_top("Variants", TOP_VARIANTS, table.num_rows))
    yield variant_table(table.slice(0, TOP_VARIANTS).to_pylist())


def variant_table(
    rows: Iterable[dict[str, Any]], shares: Sequence[str] = ("share", "cumulative_share")
) -> Table:
    """Return variants, one per row, with paths over several lines."""
    names = {"share": "share", "cumulative_share": "sum"}
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False)
    for name in ("cases", *(names[share] for share in shares), "median"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("path", overflow="fold")
    for row in rows:
        percents = (f"{100 * row[share]:.1f} %" for share in shares)
        shown.add_row(f"{row['cases']:,}", *percents, readable(row["p50_s"]), Text(path(row["activities"])))
    return shown


def path(activities: Sequence[str], most: int = 18) -> str:
    """Return a trace as one line: repetitions counted, the middle of very long ones left out.

    Examples
    --------
    >>> path(["a", "b", "b", "c"])
    'a > b (2x) > c'
    """
    steps = [(safe(name), len(list(same))) for name, same in groupby(activities)]
    texts = [name if times == 1 else f"{name} ({times}x)" for name, times in steps]
    if len(texts) > most:
        texts = [*texts[: most - 4], f"... {len(texts) - most + 1} more ...", *texts[-3:]]
    return " > ".join(texts)


def throughput_section(analysis: Analysis) -> Iterator[RenderableType]:
    """Show percentiles of the time from the first to the last event of a case."""
    yield heading("Throughput time of a case, first to last event")
    names = {"p0_s": "min", "p50_s": "median", "p100_s": "max"}
    figures = throughput_percentiles(analysis)
    columns = [names.get(name, name.removesuffix("_s")) for name in figures]
    yield figures_table(columns, [[readable(value) for value in figures.values()]], texts=0)


def _top(what: str, shown: int, of: int) -> str:
    return f"{what}, the top {shown} of {of:,}" if of > shown else what
