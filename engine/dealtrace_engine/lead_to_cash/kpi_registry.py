"""The KPIs of lead-to-cash: what each is, of what it is told, and what it needs.

An id is the number that the requirement guides give rise to (``K1`` to ``K28``) and, where they mean several
things by one name, a letter: ``K1.s`` ends with the signature, ``K1.d`` begins with the first contact.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from dealtrace_engine.analyses import invoices
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.schema import names_of, nearest
from dealtrace_engine.sources.labels import activity_ids, activity_label

Grain = Literal[
    "case", "lead", "opportunity", "quote", "order", "invoice", "approval", "handover", "stage visit", "log",
]  # fmt: skip
"""What is counted: cases, of which some may be leads that never became an opportunity; objects of which a
case has one (lead, opportunity) or several (all others but log)."""
Kind = Literal["median", "rate", "mean", "sum", "formula", "none"]
Unit = Literal["days", "share", "count", "percent", "money", "money per day", ""]
Better = Literal["lower", "higher"]
LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")
EXCESSIVE_PERCENT = 20
"""A discount above this is excessive."""
FEW = 10
"""Owners with fewer decided opportunities are not compared."""


@dataclass(frozen=True)
class Kpi:
    """What a KPI is.

    Attributes
    ----------
    id : str
    grain : str
        What is counted; see `Grain`.
    kind : {"median", "rate", "mean", "sum", "formula", "none"}
        What the value is: of times the median, of yes and no the share, of numbers the mean, of amounts the
        sum; what is made of several of them; or nothing, because no log can tell it.
    unit : str
    numerator, denominator : str
        What is measured or counted, and of what.
    start, end : tuple of str
        Of times: canonical activities, any of which begins or ends it; the first of each, or the last end; of
        approvals each start, to the next end (of the same record, where events say it).
    last : bool
        Whether the last end counts.
    needs : tuple of tuple of str
        Canonical activities; of each tuple the log must have one.
    attributes : tuple of str
        What is needed besides: of each ``"a|b"`` the log must have one; the caller gives ``"value="``, and
        may give ``"rules="``.
    better : {"lower", "higher"} or None
    version : int
        Counts up when the definition changes.
    own_ends : bool
        Whether the caller or a mapping file moved where it begins or ends.
    """

    id: str
    grain: Grain
    kind: Kind
    unit: Unit
    numerator: str
    denominator: str = ""
    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    last: bool = False
    needs: tuple[tuple[str, ...], ...] = ()
    attributes: tuple[str, ...] = ()
    better: Better | None = None
    version: int = 1
    own_ends: bool = False

    def between(self, start: tuple[str, ...], end: tuple[str, ...], last: bool = False) -> Kpi:
        """Return it as the time between other activities."""
        first, ends = (" or ".join(map(said_of, names)) for names in (start, end))
        said = f"days from the first {first} to the {'last' if last else 'first'} {ends}"
        of = f"those with {first} that got there"
        if self.grain == "approval":
            said = f"days from each {first}, repeated ones too, to the next {ends} (of its record, if told)"
            of = f"each {first} that got there"
        return replace(self, numerator=said, denominator=of, start=start, end=end, last=last,
                       needs=(start, end), own_ends=True)  # fmt: skip

    @property
    def name(self) -> str:
        """What people call it, in English."""
        return self.label("en")

    def label(self, language: str) -> str:
        """Return what people call it.

        Raises
        ------
        ArgumentError
            There is no such language.

        Examples
        --------
        >>> chosen(["K13"])[0].label("de")
        'Zeit vom Vertrag zum Auftrag'
        """
        if language not in LANGUAGES:
            raise ArgumentError(f"there is no language {language!r}",
                                hint=nearest(LANGUAGES, str(language), "languages"))  # fmt: skip
        return _names()[self.id][language]

    @property
    def definition(self) -> str:
        """What it is, in one sentence."""
        what = {"median": "Median ", "rate": "Share: ", "mean": "Mean ", "sum": "Sum of "}.get(self.kind, "")
        of = {"": "", "median": f", of {self.denominator}", "mean": f", per {self.denominator}"}.get(
            self.kind if self.denominator else "", f", of {self.denominator}"
        )
        return f"{what}{self.numerator}{of}."

    def describe(self, language: str = "en") -> dict[str, object]:
        """Return all of it as plain values."""
        return {
            "id": self.id, "name": self.label(language), "definition": self.definition, "unit": self.unit,
            "grain": self.grain, "kind": self.kind, "numerator": self.numerator,
            "denominator": self.denominator, "needs": [list(some) for some in self.needs],
            "attributes": list(self.attributes), "better": self.better, "version": self.version,
        }  # fmt: skip


@cache
def _names() -> dict[str, dict[str, str]]:
    text = Path(__file__).with_name("kpi_names.json").read_text(encoding="utf-8")
    return {kpi: dict(zip(LANGUAGES, names, strict=True)) for kpi, names in json.loads(text).items()}


def said_of(activity: str) -> str:
    """Return what people call an activity, by its canonical id or its name in the log."""
    return activity_label(activity, "en") if activity in activity_ids() else activity


def _time(
    kpi: str, start: str, *end: str, grain: Grain = "opportunity", last: bool = False, version: int = 1
) -> Kpi:
    """Return a KPI that is a time between activities."""
    plain = Kpi(kpi, grain, "median", "days", "", better="lower", version=version)
    return replace(plain.between((start,), end, last), own_ends=False)


def _share(
    kpi: str, grain: Grain, numerator: str, denominator: str, needs: Sequence[tuple[str, ...]],
    better: Better, attributes: tuple[str, ...] = (), version: int = 1,
) -> Kpi:  # fmt: skip
    return Kpi(kpi, grain, "rate", "share", numerator, denominator, needs=tuple(needs),
               attributes=attributes, better=better, version=version)  # fmt: skip


CREATED, WON, LOST, PAID = "opportunity_created", "opportunity_won", "opportunity_lost", "payment_received"
DECIDED = ((WON, LOST),)
INVOICED = ("invoice_sent", "invoice_generated", "invoice_rebilled")
DUE = "|".join((*invoices.DUE, *invoices.TERMS))
REWORK = (
    "quote_revised", "quote_rejected", "discount_approval_rejected", "approval_rejected",
    "opportunity_reopened", "invoice_canceled", "invoice_rebilled", "payment_reversed",
)  # fmt: skip
"""What is done again because of it, or undoes what was done."""
OWNER = "sales_rep|owner"
DISCOUNT = "discount_percent|discount_pct"

_SELLING = (
    _time("K1.s", CREATED, "contract_signed"),
    _time("K1.d", "first_customer_contact", WON),
    _time("K1.w", CREATED, WON),
    _time("K2.s", "lead_captured", PAID, grain="lead", last=True),
    _time("K2.d", CREATED, PAID, last=True),
    _share("K3", "lead", "leads that became an opportunity", "leads captured",
           [("lead_captured",), (CREATED,)], "higher"),
    _share("K4.w", "lead", "leads whose opportunity was won", "leads captured",
           [("lead_captured",), (WON,)], "higher"),
    _share("K4.p", "lead", "leads that led to a payment", "leads captured",
           [("lead_captured",), (PAID,)], "higher"),
    _time("K5", "lead_captured", CREATED, grain="lead"),
    _time("K6.o", CREATED, "first_customer_contact"),
    _time("K6.l", "lead_captured", "first_customer_contact", grain="lead"),
    _time("K7.t", CREATED, "quote_created"),
    Kpi("K7.n", "opportunity", "mean", "count", "number of quotes", "opportunity that has a quote",
        needs=(("quote_created",),)),
    _time("K8.s", "solution_proposed", "quote_issued"),
    _time("K8.d", "solution_proposed", "quote_accepted"),
    _time("K9.s", "quote_issued", "quote_accepted", grain="quote"),
    _time("K9.d", "quote_created", "quote_accepted", grain="quote"),
    _share("K10", "quote", "quotes that were accepted", "quotes created",
           [("quote_created",), ("quote_accepted",)], "higher"),
    _time("K11.d", "discount_approval_requested", "discount_approval_approved",
          "discount_approval_rejected", grain="approval", version=2),
    _time("K11.a", "approval_requested", "approval_approved", "approval_rejected", grain="approval",
          version=2),
    _time("K12.s", "quote_issued", "contract_signed"),
    _time("K12.d", "quote_accepted", "contract_signed"),
)  # fmt: skip

_DELIVERING = (
    _time("K13", "contract_signed", "sales_order_created"),
    _time("K14", "sales_order_created", "order_fulfilled", grain="order"),
    _time("K15.g", "order_fulfilled", "invoice_generated"),
    _time("K15.s", "order_fulfilled", "invoice_sent"),
    _time("K16.s", "invoice_sent", PAID, last=True),
    _time("K16.g", "invoice_generated", PAID, last=True),
    Kpi("K16.d", "opportunity", "formula", "days", "amount invoiced and not paid, x 365",
        "the amount invoiced in the last 365 days", needs=(INVOICED,), attributes=("value=",), better="lower",
        version=3),
    _share("K17.p", "opportunity", "those whose last payment is on a day (UTC) after the due date",
           "those invoiced and paid with a due date", [INVOICED, (PAID, "payment_completed")], "lower",
           (DUE,), 2),
    _share("K17.o", "opportunity", "those without a payment whose due date is past",
           "those invoiced with a due date", [INVOICED], "lower", (DUE,), 2),
)  # fmt: skip

_OUTCOMES = (
    _share("K18.w", "opportunity", "opportunities won", "those won or lost", DECIDED, "higher"),
    _share("K18.l", "opportunity", "opportunities lost", "those won or lost", DECIDED, "lower"),
    _time("K18.t", CREATED, LOST),
    Kpi("K18.a", "opportunity", "formula", "share", "amount of opportunities won",
        "the amount of those won or lost, without amounts below 0", needs=DECIDED, attributes=("value=",),
        better="higher", version=2),
    Kpi("K19.d", "stage visit", "median", "days", "days in a stage", "visits of a stage that ended",
        attributes=("stage|stage_to",), better="lower"),
    _share("K19.s", "opportunity", "open opportunities older than nine in ten were when they were decided",
           "open opportunities", [(CREATED,), (WON, LOST)], "lower"),
    Kpi("K19.v", "opportunity", "formula", "money per day",
        "open opportunities x win rate x mean amount won, none below 0, / mean days from creation to won",
        needs=((CREATED,), (WON,)), attributes=("value=",), better="higher", version=2),
)  # fmt: skip

_QUALITY = (
    Kpi("K20.r", "case", "rate", "share",
        "cases without a deviation from the rules, by default those of the ready pack", "cases checked",
        attributes=("rules=",), better="higher", version=2),
    Kpi("K20.n", "case", "mean", "count",
        "number of deviations from the rules, by default those of the ready pack", "case checked",
        attributes=("rules=",), better="lower", version=2),
    _share("K21.o", "order", "orders canceled or fulfilled more than once", "orders created",
           [("sales_order_created",), ("order_canceled", "order_fulfilled")], "lower"),
    _share("K21.i", "invoice", "invoices canceled or billed again", "invoices generated",
           [("invoice_generated",), ("invoice_canceled", "invoice_rebilled")], "lower"),
    _share("K22.r", "opportunity", "those in which something was rejected, revised, reopened or undone",
           "opportunities", [(CREATED,), REWORK], "lower"),
    Kpi("K22.n", "opportunity", "mean", "count", "number of rejections, revisions and the like",
        "opportunity", needs=((CREATED,), REWORK), better="lower"),
    Kpi("K22.m", "opportunity", "sum", "money", "the amounts of the opportunities with rework",
        "opportunities without amounts below 0", needs=((CREATED,), REWORK), attributes=("value=",),
        better="lower", version=2),
    Kpi("K23.a", "opportunity", "mean", "percent", "discount", "opportunity with a quote and a discount",
        needs=(("quote_created",),), attributes=(DISCOUNT,), better="lower"),
    _share("K23.x", "opportunity", f"those with a discount above {EXCESSIVE_PERCENT} percent",
           "opportunities with a quote and a discount", [("quote_created",)], "lower", (DISCOUNT,)),
    Kpi("K23.m", "opportunity", "sum", "money", "what discounts took off list prices",
        "opportunities won with a discount, without amounts below 0", needs=((WON,),),
        attributes=(DISCOUNT, "value="), better="lower", version=2),
    Kpi("K23.p", "opportunity", "none", "money", "profit: a log has prices, no costs"),
)  # fmt: skip

_RUNNING = (
    Kpi("K24", "opportunity", "formula", "share",
        f"win rate at the third quartile of owners less that at the first, of owners with {FEW} decided "
        "opportunities or more", needs=DECIDED, attributes=(OWNER,), better="lower"),
    Kpi("K25.n", "opportunity", "rate", "share", "opportunities still open", "opportunities",
        needs=((CREATED,),)),
    Kpi("K25.p", "opportunity", "sum", "money", "the amounts of open opportunities",
        "open opportunities without amounts below 0", needs=((CREATED,),), attributes=("value=",),
        better="higher", version=2),
    Kpi("K25.f", "opportunity", "formula", "money",
        "the amount of open opportunities, none below 0, x the win rate so far",
        needs=((CREATED,), (WON, LOST)), attributes=("value=",), better="higher", version=2),
    Kpi("K25.a", "log", "none", "share",
        "accuracy of forecasts: a log keeps none that were made; `forecast` tests its own against the past"),
    Kpi("K26.t", "handover", "median", "days", "days before an event of another department, or person where "
        "events have no department", "handovers", attributes=("department|resource",), better="lower"),
    Kpi("K26.n", "case", "mean", "count", "number of handovers to another department, or person where "
        "events have no department", "case", attributes=("department|resource",), better="lower", version=2),
    Kpi("K27.n", "case", "formula", "count", "number of distinct sequences of activities", "cases",
        better="lower"),
    Kpi("K27.c", "case", "formula", "share", "cases that take one of the ten most frequent variants",
        "cases", better="higher"),
    Kpi("K28", "log", "none", "", "cost saved, capacity freed, churn, customer lifetime value, satisfaction "
        "and return on marketing: not in a log of sales, which has no costs, surveys or later purchases"),
)  # fmt: skip

REGISTRY: tuple[Kpi, ...] = _SELLING + _DELIVERING + _OUTCOMES + _QUALITY + _RUNNING
"""Every KPI, in the order of the guides."""


def chosen(ids: str | Sequence[str] | None = None) -> tuple[Kpi, ...]:
    """Return KPIs by their ids, in the order of the registry; ``"K1"`` stands for all that begin ``K1.``.

    Raises
    ------
    ArgumentError
        There is no such KPI, or none is asked for.

    Examples
    --------
    >>> [kpi.id for kpi in chosen("K2")], len(chosen()) == len(REGISTRY)
    (['K2.s', 'K2.d'], True)
    >>> print(chosen("K18.w")[0].definition)
    Share: opportunities won, of those won or lost.
    """
    if ids is None:
        return REGISTRY
    wanted = names_of(ids, "ids")
    known = [kpi.id for kpi in REGISTRY]
    families = {kpi.partition(".")[0] for kpi in known}
    for name in wanted:
        if name not in known and name not in families:
            raise ArgumentError(f"there is no KPI {name!r}", hint=nearest(known, str(name), "KPIs"))
    if not wanted:
        raise ArgumentError("no KPI is asked for", hint=nearest(known, "K1.s", "KPIs"))
    return tuple(kpi for kpi in REGISTRY if kpi.id in wanted or kpi.id.partition(".")[0] in wanted)
