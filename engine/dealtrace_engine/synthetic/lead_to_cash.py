"""A seeded lead-to-cash log with planted truths, in memory or, at any size, in a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.synthetic.cases import case_count, draw_cases
from dealtrace_engine.synthetic.clock import EXPORT_S, start_times
from dealtrace_engine.synthetic.dice import Dice
from dealtrace_engine.synthetic.records import MOST_CASES, Block, block_of, in_time_order
from dealtrace_engine.synthetic.truths import SETTINGS, Facts, count_truths
from dealtrace_engine.synthetic.walk import walk

CASES_PER_BLOCK = 1 << 15
PRECISIONS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True)
class LeadToCash:
    """A synthetic lead-to-cash log.

    Attributes
    ----------
    events : pyarrow.Table
        One row per event in the order of time, cases interleaved as in an export. Of the event: case_id (the
        opportunity's id, or the lead's if it never became one), activity, timestamp, resource, department,
        stage, quoted_discount_percent. Of the case, the same in all its rows: sales_rep (who owns it at the
        export), account, region, segment, product, lead_source, amount (EUR), discount_percent (of the last
        quote), payment_terms_days, due_date, outcome (Won, Lost, Open, Disqualified), is_won, loss_reason.
    truths : dict
        The counts that `truths.TRUTHS` explains, and the names and dates of `truths.SETTINGS`.
    """

    events: pa.Table
    truths: dict[str, str | int]


def lead_to_cash(
    opportunities: int = 20_000, *, seed: int = 1, language: str = "en", precision: str = "second"
) -> LeadToCash:
    """Make a lead-to-cash log of two years in memory.

    Parameters
    ----------
    opportunities : int
        Some of them are still leads at the export. A sixth as many leads that are dropped are added as cases
        of their own.
    seed : int
        The same seed gives the same log on every platform; from 0 to 2**63 - 1.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the activities.
    precision : {"second", "minute", "hour", "day"}
        Timestamps are cut to it, as in exports that keep only the date; the coarser, the more ties. The order
        of the rows still tells what came first.

    Raises
    ------
    SchemaError
        There are no labels in this language.
    ArgumentError
        A number is out of range, or the precision is unknown.

    Examples
    --------
    >>> log = lead_to_cash(100, seed=7)
    >>> log.events.column_names[:3]
    ['case_id', 'activity', 'timestamp']
    >>> log.truths["cases"]
    116
    """
    making = Making(opportunities, seed, language, precision)
    tables = list(making.tables())
    return LeadToCash(as_text(pa.concat_tables(tables)), making.truths)


@dataclass
class Making:
    """A log while it is made, block by block.

    Attributes
    ----------
    opportunities, seed, language, precision
        As in `lead_to_cash`.
    counts : dict of str to int
        `truths.TRUTHS` of the blocks made so far.
    """

    opportunities: int
    seed: int
    language: str
    precision: str
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        activity_label("lead_captured", self.language)
        if self.precision not in PRECISIONS:
            raise ArgumentError(f"precision is one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if not 0 <= self.seed < 1 << 63:
            raise ArgumentError(f"seed is from 0 to 2**63 - 1, got {self.seed}")
        if self.opportunities < 1 or case_count(self.opportunities) > MOST_CASES:
            raise ArgumentError(f"opportunities are from 1 to about 115 million, got {self.opportunities:,}")

    @property
    def truths(self) -> dict[str, str | int]:
        """The counts, and what was planted by name."""
        return {**self.counts, **SETTINGS}

    def tables(self, progress: Progress | None = None) -> Iterator[pa.Table]:
        """Yield the events in the order of time, a table per block of cases; texts are dictionaries."""
        return in_time_order(self._blocks(progress), self.language, PRECISIONS[self.precision])

    def _blocks(self, progress: Progress | None) -> Iterator[tuple[Block, int]]:
        of = case_count(self.opportunities)
        for number, first in enumerate(range(0, of, CASES_PER_BLOCK)):
            last = min(first + CASES_PER_BLOCK, of)
            yield self._block(number, first, last, of), _no_earlier(last, of)
            tick(progress, last, of)

    def _block(self, number: int, first: int, last: int, of: int) -> Block:
        dice = Dice(self.seed, number)
        cases = draw_cases(first, last, of, dice)
        facts = Facts(cases, walk(cases, dice))
        for name, count in count_truths(facts, PRECISIONS[self.precision]).items():
            self.counts[name] = self.counts.get(name, 0) + count
        return block_of(facts, dice)


def _no_earlier(case: int, of: int) -> int:
    """Return a second before which no case from this one on begins."""
    if case == of:
        return EXPORT_S
    index = np.array([case], np.int64)
    return int(start_times(index, index * 0, of)[0])


def as_text(table: pa.Table) -> pa.Table:
    """Return the table with its dictionaries written out."""
    types = ((column.name, column.type) for column in table.schema)
    return table.cast(
        pa.schema([(name, kind.value_type if pa.types.is_dictionary(kind) else kind) for name, kind in types])
    )
