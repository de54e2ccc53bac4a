"""What happened in a synthetic organisation, as frames that no CRM has formed yet.

Keys are integers from 1, users positions from 0; instants are datetime[us, UTC] of whole seconds; money is
in the record's currency. Every frame is described where it is made; beyond the obvious there are
``persons`` (people at the customers), ``campaigns`` and ``responses`` (leads that answered one),
``reminders`` (e-mails for unpaid invoices), ``rank`` in ``changes`` (order within a second), ``root`` in
``quotes`` (key of the first revision), ``merged`` in ``leads``, ``merged_into`` in ``accounts`` (losers
that some deals still point to), ``reverses`` in ``payments``, and who did what: ``qualified_by`` and the
like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.approvals import approval_frame
from dealtrace_engine.synthetic.crm.changes import change_frame
from dealtrace_engine.synthetic.crm.contacts import contact_frame, support_frame
from dealtrace_engine.synthetic.crm.contracts import contract_frame, draw_papers
from dealtrace_engine.synthetic.crm.invoices import draw_bills, follow_status, invoice_frame
from dealtrace_engine.synthetic.crm.leads import draw_leads, lead_frame, response_frame
from dealtrace_engine.synthetic.crm.lines import lines_of, opportunity_lines
from dealtrace_engine.synthetic.crm.opportunities import Deals, draw_deals, opportunity_frame
from dealtrace_engine.synthetic.crm.orders import accepted_quote, draw_orders, order_frame
from dealtrace_engine.synthetic.crm.parts import Part, whole
from dealtrace_engine.synthetic.crm.payments import draw_receipts, fully_paid, payment_frame, reminder_frame
from dealtrace_engine.synthetic.crm.people import (
    account_frame,
    campaign_frame,
    currency_frame,
    merged_accounts,
    person_frame,
    product_frame,
    user_frame,
)
from dealtrace_engine.synthetic.crm.quotes import draw_offers, quote_frame
from dealtrace_engine.synthetic.crm.story import Story, tell
from dealtrace_engine.synthetic.crm.truth import truth_frame
from dealtrace_engine.synthetic.records import MOST_CASES

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.parallel import Progress

_TOPIC = 100
_OWN_KEYS = frozenset({
    "approval", "case", "contact", "contract", "invoice", "lead", "line", "number", "opportunity",
    "opportunity_line", "order", "payment", "quote", "record", "reminder", "response", "reverses", "root",
    "synced_quote",
})  # fmt: skip
"""Columns that hold keys, or numbers, of what belongs to one part of an organisation."""


@dataclass(frozen=True)
class Facts:
    """The frames of an organisation.

    Attributes
    ----------
    deals, seed : int
        What it was made from.
    part : Part
        What of it is here.
    frames : mapping of str to polars.DataFrame
        By name; ``facts["leads"]`` is short for ``facts.frames["leads"]``.
    """

    deals: int
    seed: int
    part: Part
    frames: Mapping[str, pl.DataFrame]

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self.frames[name]


def facts(deals: int, seed: int, progress: Progress | None = None, part: Part | None = None) -> Facts:
    """Make an organisation, or a part of it.

    Parameters
    ----------
    deals : int
        Opportunities; a sixth as many leads that are dropped come on top.
    seed : int
        The same seed gives the same organisation on every platform; from 0 to 2**63 - 1.
    progress : callable, optional
        Called with (cases walked, of); returning False cancels.
    part : Part, optional
        One of `parts`; the whole by default.

    Raises
    ------
    ArgumentError
        A number is out of range.

    Examples
    --------
    >>> made = facts(50, seed=7)
    >>> made["truth"].columns[:4]
    ['case_object', 'case', 'activity', 'timestamp']
    """
    check_numbers(deals, seed)
    part = part or whole(deals)
    return Facts(deals, seed, part, _frames(tell(seed, part, progress)))


def check_numbers(deals: int, seed: int) -> None:
    """Refuse numbers of which no organisation can be made.

    Raises
    ------
    ArgumentError
        A number is out of range.
    """
    if not 0 <= seed < 1 << 63:
        raise ArgumentError(f"seed is from 0 to 2**63 - 1, got {seed}")
    if deals < 1 or whole(deals).of > MOST_CASES:
        raise ArgumentError(f"deals are from 1 to about 115 million, got {deals:,}")


def _frames(story: Story) -> dict[str, pl.DataFrame]:
    deals = draw_deals(story)
    frames = {**_lasting(story, deals), **_selling(story, deals)}
    frames["opportunities"] = _with_names(
        merged_accounts(frames["accounts"], frames["opportunities"], story.dice(_TOPIC)), frames
    )
    lines = opportunity_lines(frames["opportunities"], story.dice(_TOPIC + 1))
    frames["opportunity_lines"] = lines
    frames["quote_lines"] = lines_of(frames["quotes"], "quote", lines)
    frames["order_lines"] = lines_of(frames["orders"], "order", lines)
    if not story.part.is_first:
        frames = {name: _after(story.part.keys_before, name, frame) for name, frame in frames.items()}
    return frames | {"truth": truth_frame(frames)}


def _after(before: int, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with the keys of its part in place of keys from 1."""
    import polars as pl

    own = _OWN_KEYS | ({"merged_into"} if name == "leads" else set())
    return frame.with_columns(pl.col(column) + before for column in frame.columns if column in own)


def _with_names(deals: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    accounts = frames["accounts"].select("account", customer="name")
    products = frames["products"].select("product", what="name")
    named = deals.join(accounts, on="account", how="left", maintain_order="left")
    named = named.join(products, on="product", how="left", maintain_order="left")
    name = pl.format("{} - {}", "customer", "what")
    return named.with_columns(name=name).drop("customer", "what")


def _lasting(story: Story, deals: Deals) -> dict[str, pl.DataFrame]:
    accounts = account_frame(story, deals)
    return {
        "users": user_frame(),
        "accounts": accounts,
        "persons": person_frame(accounts),
        "products": product_frame(),
        "currencies": currency_frame(),
        "campaigns": campaign_frame(),
        "contacts": contact_frame(story, deals),
    }


def _selling(story: Story, deals: Deals) -> dict[str, pl.DataFrame]:
    leads, offers, papers = draw_leads(story), draw_offers(story, deals), draw_papers(story)
    orders = draw_orders(story, deals, offers, papers)
    bills = draw_bills(story, orders)
    receipts = draw_receipts(story, bills)
    paid = fully_paid(bills, receipts)
    bill_status = follow_status(bills, paid)
    opportunities = opportunity_frame(story, deals, accepted_quote(story, offers))
    return {
        "leads": lead_frame(story, leads),
        "responses": response_frame(story, leads),
        "opportunities": opportunities,
        "quotes": quote_frame(story, offers),
        "approvals": approval_frame(story, offers, papers),
        "contracts": contract_frame(story, papers),
        "orders": order_frame(story, orders),
        "invoices": invoice_frame(story, orders, bills, paid, bill_status),
        "payments": payment_frame(bills, receipts),
        "reminders": reminder_frame(story, bills),
        "support_cases": support_frame(story, orders),
        "changes": change_frame(story, deals, leads, offers, papers, orders, bill_status),
    }
