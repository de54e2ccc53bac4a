"""The columns of derived events, and the rank of each activity among events of one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import Ids, TextIds
from dealtrace_engine.sources.crm.values import apart

if TYPE_CHECKING:
    import polars as pl

PRECISIONS = ("instant", "minute", "date")
"""How far a timestamp can be trusted: to the second or better, to the minute, to the calendar day."""
QUALITIES = ("history", "audit", "field", "created", "modified", "inferred")
"""What a timestamp was read from: a history row, an audit row, a field of the record that holds the time of
this very fact, the record's creation, its last change, or other facts."""

SEQUENCE = (
    "campaign_response", "lead_captured", "lead_qualified", "lead_disqualified", "first_customer_contact",
    "customer_contact", "lead_converted", "opportunity_created", "owner_changed", "amount_changed",
    "close_date_pushed", "opportunity_stage_changed", "solution_proposed", "opportunity_reopened",
    "quote_created", "discount_changed", "approval_requested", "discount_approval_requested",
    "approval_rejected", "discount_approval_rejected", "approval_recalled", "discount_approval_recalled",
    "approval_approved", "discount_approval_approved", "quote_revised", "quote_issued", "quote_rejected",
    "quote_expired", "quote_accepted", "contract_created", "contract_sent_for_approval", "contract_signed",
    "opportunity_won", "opportunity_lost", "sales_order_created", "order_submitted", "order_activated",
    "order_canceled", "order_partially_fulfilled", "order_fulfilled", "invoice_generated", "invoice_sent",
    "invoice_canceled", "invoice_rebilled", "payment_reminder_sent", "payment_received", "payment_reversed",
    "payment_completed", "order_closed", "case_opened", "case_closed",
)  # fmt: skip
"""Every activity that a CRM export can show, in the order in which they happen within one instant."""
RANKS = {activity: 10 * place for place, activity in enumerate(SEQUENCE, 1)}

OBJECTS = ("lead", "opportunity", "quote", "contract", "order", "invoice", "payment", "contact", "case")
"""Kinds of business records that something can happen to."""
REPEATED = (
    "resource_id", "resource_name", "source_object", "stage_from", "stage_to", "status_from", "status_to",
    "currency", "payment_terms", "invoice_type", "via",
)  # fmt: skip
"""Texts of which there are few."""
IDS = ("record_id", "source_row_id")
"""Ids of which there are about as many as events."""
HELD = ("resource_id", *IDS)
"""What is held as ids are."""

START_LIKE = frozenset(
    {"lead_captured", "opportunity_created", "quote_created", "contract_created", "sales_order_created",
     "invoice_generated", "case_opened"}
)  # fmt: skip
"""Of a fact known to the day only, these are placed at the beginning of the day, all others at its end."""


def event_schema(ids: Ids | None = None) -> dict[str, pl.DataType]:
    """Return the columns of an event frame with their types; ids are texts, unless held otherwise.

    fact
        What happened, unique within its activity: rules that tell the same fact are alternatives.
    object, record_id
        The business record it happened to: lead, opportunity, quote, contract, order, invoice, payment,
        contact or case, and its id.
    timestamp, ts_precision, ts_quality
        When, UTC; one of `PRECISIONS`; one of `QUALITIES`. A date is its midnight, to be placed later.
    end_timestamp
        When it ended, where that is known.
    resource_id, resource_name
        Who did it.
    activity, rule_id, source_object, source_row_id
        What it is, which rule found it, in which row of which object.
    stage_from, stage_to, direction, probability, close_date, status_from, status_to
        What changed; direction is 1 forward, -1 back in the order of stages, 0 unknown.
    amount, amount_delta, currency, discount_pct
        Money in the record's currency, percent from 0 to 100.
    due_date, payment_terms, invoice_type, partial
        Of invoices and payments.
    """
    import polars as pl

    text, number, day = pl.String(), pl.Float64(), pl.Date()
    instant = pl.Datetime("us", "UTC")
    own = (ids or TextIds()).kind
    return {
        "fact": text, "object": text, "record_id": own, "timestamp": instant, "ts_precision": text,
        "ts_quality": text, "end_timestamp": instant, "resource_id": own, "resource_name": text,
        "activity": text, "rule_id": text, "source_object": text, "source_row_id": own,
        "stage_from": text, "stage_to": text, "direction": pl.Int8(), "probability": number,
        "close_date": day, "status_from": text, "status_to": text, "amount": number,
        "amount_delta": number, "currency": text, "discount_pct": number, "due_date": day,
        "payment_terms": text, "invoice_type": text, "partial": pl.Boolean(),
    }  # fmt: skip


def no_events(ids: Ids | None = None) -> pl.DataFrame:
    """Return events, of which there are none, as `ladder.derived` returns them."""
    import polars as pl

    return pl.DataFrame(schema={**event_schema(ids), "order_rank": pl.Int32()})


def compact(events: pl.DataFrame, rules: Sequence[str], ids: Ids) -> pl.DataFrame:
    """Return events with codes in the place of texts that repeat, without what only rules need.

    Parameters
    ----------
    events : DataFrame
        As `ladder.derived` returns them.
    rules : sequence of str
        Names of all rules.
    ids : Ids
        How `IDS` are held from now on.
    """
    import polars as pl

    known = {"activity": SEQUENCE, "object": OBJECTS, "rule_id": rules, "ts_precision": PRECISIONS,
             "ts_quality": QUALITIES}  # fmt: skip
    kinds: dict[str, pl.DataType] = {name: pl.Enum(list(texts)) for name, texts in known.items()}
    kinds |= dict.fromkeys(REPEATED, pl.Categorical())
    few = apart(events["resource_id"])
    events = events.drop("fact").with_columns(
        ids.texts(few[0]).gather(few[1]), *map(ids.held, events.select(IDS))
    )
    return events.cast({name: kind for name, kind in kinds.items() if events.schema.get(name) == pl.String})


class Derived:
    """Events, rule after rule; what a rule does not know takes no memory until it is asked for.

    Parameters
    ----------
    schema : mapping of str to DataType
        All columns, in their order.

    Examples
    --------
    >>> import polars as pl
    >>> events = Derived({"n": pl.Int64(), "partial": pl.Boolean()})
    >>> events.add(pl.DataFrame({"n": [1, 2], "partial": [None, None]}))
    >>> events.add(pl.DataFrame({"n": [3], "partial": [True]}))
    >>> events.taken("partial").to_list(), events.taken("n").to_list()
    ([None, None, True], [1, 2, 3])
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.schema = dict(schema)
        self._parts: list[tuple[int, pl.DataFrame]] = []

    def add(self, events: pl.DataFrame) -> None:
        """Add events, as `compact` returns them."""
        filled = [column.name for column in events if column.null_count() < events.height]
        self._parts.append((events.height, events.select(filled)))

    def taken(self, name: str) -> pl.Series:
        """Return a column of all events, in one piece, and let it go."""
        import polars as pl

        none = pl.Series(name, [], self.schema[name])
        found = (
            part.drop_in_place(name) if name in part.columns else none.extend_constant(None, height)
            for height, part in self._parts
        )
        return pl.concat([none, *found]).rechunk()
