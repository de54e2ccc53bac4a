"""What a lead-to-cash log says about its deals, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dealtrace.report.durations import readable
from dealtrace.report.summary import variant_table
from dealtrace.report.terminal import facts_table, figures_table, heading
from dealtrace_engine.sources.labels import activity_label

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dealtrace.report.analysis import Analysis

FUNNEL = (
    "opportunity_created", "solution_proposed", "quote_issued", "quote_accepted", "contract_signed",
    "opportunity_won", "sales_order_created", "order_fulfilled", "invoice_sent", "payment_received",
)  # fmt: skip
TOP_WAITS, TOP_PATHS, MOST_REVISIONS, BAR = 6, 3, 3, 20


@dataclass(frozen=True)
class Deals:
    """Which cases came how far.

    Attributes
    ----------
    analysis : Analysis
    language : str
        Of the activities.
    seconds : ndarray of float64, shape (cases,)
        Throughput times.
    """

    analysis: Analysis
    language: str
    seconds: NDArray[np.float64]

    def label(self, activity_id: str) -> str:
        """Return the name of a canonical activity in the log."""
        return activity_label(activity_id, self.language)

    def events(self, activity_id: str) -> NDArray[np.int64]:
        """Return how often each case has an activity, shape (cases,)."""
        wanted = self.label(activity_id)
        variants = self.analysis.variants
        names = np.array(variants.activity_names.to_pylist(), dtype=object)
        hits = (names == wanted)[variants.codes].astype(np.int64)
        return np.add.reduceat(hits, variants.offsets[:-1])[variants.of_case]

    def has(self, activity_id: str) -> NDArray[np.bool_]:
        """Return which cases have an activity, shape (cases,)."""
        return self.events(activity_id) > 0

    def median(self, cases: NDArray[np.bool_]) -> str:
        """Return the median throughput time of some cases, in words."""
        return readable(float(np.median(self.seconds[cases])) if cases.any() else None)


def deal_sections(analysis: Analysis, language: str) -> Iterator[RenderableType]:
    """Yield what a sales leader asks first: what gets paid, waits, loops, where, and along which paths."""
    deals = Deals(analysis, language, analysis.throughput.microseconds / 1e6)
    yield from _headline(deals)
    yield from _funnel(deals)
    yield from _waits(deals)
    yield from _revisions(deals)
    yield from _regions(deals)
    yield from _paths(deals)


def _headline(deals: Deals) -> Iterator[RenderableType]:
    log = deals.analysis.log
    opportunities, won, paid = (
        deals.has(name) for name in ("opportunity_created", "opportunity_won", "payment_received")
    )
    lost = ~won & (deals.events("opportunity_lost") > deals.events("opportunity_reopened"))
    first, last = (str(np.datetime64(time, "us"))[:10] for time in log.span)
    yield heading("Lead to cash")
    yield facts_table(
        (
            ("log", f"{log.events:,} events in {log.cases:,} cases, {first} to {last}"),
            (
                "opportunities",
                f"{opportunities.sum():,}, and {(~opportunities).sum():,} leads that never became one",
            ),
            ("won", _share(opportunities & won, opportunities)),
            ("lost", _share(opportunities & lost, opportunities)),
            (
                "paid",
                f"{_share(opportunities & paid, opportunities)}; half of them within {deals.median(paid)}",
            ),
        )
    )


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> str:
    return f"{part.sum():,} ({_percent(part.sum(), whole.sum())})"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _funnel(deals: Deals) -> Iterator[RenderableType]:
    opportunities = deals.has("opportunity_created")
    reached = [int((deals.has(name) & opportunities).sum()) for name in FUNNEL]
    yield heading("How far opportunities come")
    rows = []
    for name, count in zip(FUNNEL, reached, strict=True):
        bar = "#" * round(BAR * count / max(reached[0], 1))
        rows.append((deals.label(name), bar, f"{count:,}", _percent(count, reached[0])))
    yield figures_table(("milestone", "", "deals", "of all"), rows, texts=2)


def _waits(deals: Deals) -> Iterator[RenderableType]:
    edges = deals.analysis.follows.edges.sort_by([("sum_s", "descending")]).slice(0, TOP_WAITS).to_pylist()
    total = sum(deals.analysis.follows.edges["sum_s"].to_pylist())
    yield heading("Where deals spend their time")
    yield figures_table(
        ("from", "to", "times", "median", "p90", "of time"),
        (_wait_row(edge, total) for edge in edges),
        texts=2,
    )


def _wait_row(edge: dict[str, Any], total: float) -> tuple[object, ...]:
    times = readable(edge["median_s"]), readable(edge["p90_s"])
    return edge["source"], edge["target"], f"{edge['count']:,}", *times, _percent(edge["sum_s"], total)


def _revisions(deals: Deals) -> Iterator[RenderableType]:
    quoted, revised = deals.has("quote_issued"), deals.events("quote_revised")
    won, lost = deals.has("opportunity_won"), deals.has("opportunity_lost")
    yield heading("Quote revisions")
    rows = []
    for number in range(MOST_REVISIONS + 1):
        last = number == MOST_REVISIONS
        cases = quoted & ((revised >= number) if last else (revised == number))
        decided = cases & (won | lost)
        name = f"{number} or more" if last else f"{number}"
        shares = _percent(cases.sum(), quoted.sum()), _percent((decided & won).sum(), decided.sum())
        rows.append((name, f"{cases.sum():,}", *shares, deals.median(cases & won)))
    yield figures_table(("revisions", "quoted deals", "share", "won of decided", "median time if won"), rows)


def _regions(deals: Deals) -> Iterator[RenderableType]:
    log = deals.analysis.log
    if "region" not in log.attribute_names or log.attribute("region").level != "case":
        return
    import polars as pl

    frame = pl.DataFrame(
        {
            "region": log.attribute("region").values.to_pylist(),
            "seconds": deals.seconds,
            **{
                name: deals.has(name)
                for name in ("opportunity_created", "opportunity_won", "payment_received")
            },
        }
    ).filter("opportunity_created")
    paid = pl.col("seconds").filter(pl.col("payment_received"))
    figures = (
        pl.len().alias("deals"),
        pl.col("opportunity_won").mean().alias("won"),
        pl.col("payment_received").mean().alias("paid"),
        paid.median().alias("median"),
        paid.quantile(0.9, "linear").alias("p90"),
    )
    rows = frame.group_by("region").agg(figures)
    rows = rows.sort("median", "region", descending=[True, False], nulls_last=True)
    yield heading("Regions, slowest from lead to cash first")
    yield figures_table(
        ("region", "deals", "won", "paid", "median to cash", "p90"), map(_region_row, rows.to_dicts())
    )


def _region_row(row: dict[str, Any]) -> tuple[object, ...]:
    shares = (f"{100 * row[name]:.1f} %" for name in ("won", "paid"))
    return row["region"], f"{row['deals']:,}", *shares, readable(row["median"]), readable(row["p90"])


def _paths(deals: Deals) -> Iterator[RenderableType]:
    table = deals.analysis.variants.table
    yield heading(f"Most common paths, of {table.num_rows:,}")
    yield variant_table(table.slice(0, TOP_PATHS).to_pylist())
    variants = deals.analysis.variants
    paid = np.unique(variants.of_case[deals.has("payment_received")])[: TOP_PATHS - 1]
    yield heading("Most common paths that end in money")
    yield variant_table(table.take(paid).to_pylist(), shares=("share",))
