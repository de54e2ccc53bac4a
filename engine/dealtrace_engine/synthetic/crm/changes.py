"""Every change of a business field of any record, in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dealtrace_engine.synthetic.crm import contracts, invoices, leads, orders, quotes
from dealtrace_engine.synthetic.crm.frames import days, named
from dealtrace_engine.synthetic.crm.opportunities import Deals, stage_texts
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.tracks import Texts
    from dealtrace_engine.synthetic.dice import Ints


def change_frame(
    story: Story,
    deals: Deals,
    lead: leads.Leads,
    offers: quotes.Offers,
    papers: contracts.Papers,
    order: orders.Orders,
    bill_status: Track,
) -> pl.DataFrame:
    """Return object, record, field, old, new (texts), at, by and rank, in the order of time.

    Rows of one record in one second are in the order of rank. Values are texts: names of stages and statuses,
    keys of users, ISO days, and numbers with a decimal point.
    """
    import polars as pl

    keys = story.cases.index + 1
    frames = [
        *_of_deals(deals, keys),
        lead.status.frame("lead", "status", lead.key, _names(leads.STATUSES)),
        _status(offers.status, "quote", quotes.STATUSES),
        _revised(offers),
        _status(papers.status, "contract", contracts.STATUSES),
        _status(order.status, "order", orders.STATUSES),
        _status(bill_status, "invoice", invoices.STATUSES),
    ]
    return pl.concat(frames).sort("at", "object", "record", "rank", "field")


def _of_deals(deals: Deals, keys: Ints) -> list[pl.DataFrame]:
    import polars as pl

    existing = pl.Series(keys[deals.exists])
    frames = [
        deals.owner.frame("opportunity", "owner", keys, _digits),
        deals.stage.frame("opportunity", "stage", keys, stage_texts),
        deals.close_day.frame("opportunity", "close_date", keys, lambda day, _: days(day).cast(pl.String)),
        _amounts(deals, keys),
    ]
    return [frame.filter(pl.col("record").is_in(existing.implode())) for frame in frames]


def _amounts(deals: Deals, keys: Ints) -> pl.DataFrame:
    import polars as pl

    marks = deals.amount_track.frame("opportunity", "amount", keys, _digits)
    place = marks["record"].to_numpy() - int(keys[0])
    old, new = pl.Series(deals.first_amount[place]), pl.Series(deals.amount[place])
    return marks.with_columns(old=_plain(old), new=_plain(new)).filter(old != new)


def _status(track: Track, object_name: str, names: tuple[str, ...]) -> pl.DataFrame:
    keys = np.arange(1, len(track.current) + 1)
    return track.frame(object_name, "status", keys, _names(names))


def _revised(offers: quotes.Offers) -> pl.DataFrame:
    """Return the discounts and totals that change when a quote is revised, as changes of the new revision."""
    import polars as pl

    (later,) = np.nonzero(offers.revision > 0)
    frames = []
    values = {"discount_pct": offers.discount.astype(np.float64), "total": offers.total}
    for field, value in values.items():
        track = Track(np.zeros(len(later), np.int64))
        track.change(
            np.where(value[later] != value[later - 1], offers.created[later], NONE), 1, offers.by[later], 9
        )
        frame = track.frame("quote", field, later + 1, _digits)
        place = frame["record"].to_numpy() - 1
        frames.append(frame.with_columns(old=_plain(value[place - 1]), new=_plain(value[place])))
    return pl.concat(frames)


def _plain(values: Any) -> pl.Series:
    """Return numbers as text with two decimals and no exponent."""
    import polars as pl

    return pl.Series(values).cast(pl.Decimal(18, 2)).cast(pl.String)


def _digits(codes: Ints, _: Ints) -> pl.Series:
    import polars as pl

    return pl.Series(codes).cast(pl.String)


def _names(names: tuple[str, ...]) -> Texts:
    return lambda codes, _: named(codes, names)
