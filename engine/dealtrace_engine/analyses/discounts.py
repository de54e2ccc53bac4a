"""Discounts: how large, above the limit, without approval, and what goes with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.adjustment import Estimate, log_linear, logistic, mantel_haenszel
from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.driver_levels import levels_of
from dealtrace_engine.analyses.effects import wilson_interval
from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.invoices import UNKNOWN, Flags, invoices_of, last_known
from dealtrace_engine.analyses.milestones import NEVER, reached
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.analyses.targets import target_of
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

DISCOUNT = ("discount_percent", "discount_pct", "discount_percentage")
"""Attributes that are taken for the discount where none is named."""
CONTROL = ("amount band", "segment", "product", "product_category", "sales_rep", "owner")
BAND = "amount band"
"""Stands for quarters of the amounts of each currency."""
POINTS = 5
"""Percentage points of discount that regressions tell it by."""
LEAST = 50
"""Cases that an association is told of; ten of them must have either answer."""
NOTE = "association, not proof"
Which = Literal["deals", "excessive", "unauthorised", "excessive_lost"]
WHICH = ("deals", "excessive", "unauthorised", "excessive_lost")
COLUMNS = (
    "currency", "deals", "mean_discount", "excessive", "excessive_share", "excessive_low", "excessive_high",
    "accepted_excessive", "unauthorised", "excessive_lost", "won", "lost", "win_rate", "paid", "late",
    "late_rate", "amount", "discount_value", "unauthorised_value",
)  # fmt: skip
ROWS = pa.schema([
    *((name, pa.string()) for name in ("outcome", "method", "measure")),
    *((name, pa.float64()) for name in ("estimate", "low", "high", "p_value")),
    ("cases", pa.int64()), ("groups", pa.int64()), ("control", pa.string()), ("sentence", pa.string()),
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Discounts(Result):
    """Discounts of deals, and their associations with win, value and payment; association, not proof.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group and currency, by currency, then by excessive, largest first, then by group. The
        attributes of `by`; currency: text or null; deals: cases with a known discount; mean_discount:
        percent; excessive: deals above the limit, excessive_share, excessive_low, excessive_high: their
        share of the deals and its 95 % Wilson interval; accepted_excessive: those of them that were accepted,
        unauthorised: those of these without an approval up to their acceptance; excessive_lost: those above
        the limit that were lost all the same; won, lost, win_rate: of the decided deals; paid, late,
        late_rate: of the deals paid that have a due date; amount: currency; discount_value: what the
        discount took off, amount x d / (100 - d); unauthorised_value: that of the unauthorised.
    associations : pyarrow.Table
        outcome (win, value, late payment), method (crude, stratified, regression), measure: what the estimate
        is, estimate, low, high (95 %), p_value, cases, groups (strata or levels that were controlled for),
        control: what was controlled for, sentence. Null where there is not enough data.
    limit : float
        Percent.
    notes : list of str
    findings : list of Finding
    """

    table: pa.Table
    associations: pa.Table
    limit: float
    notes: list[str]
    findings: list[Finding]
    _rows: dict[str, CaseRows]
    _log: LogReference
    definition: ClassVar[str] = "discounts 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {
            "limit": self.limit, "discounts": self.table, "associations": self.associations,
            "notes": self.notes, "findings": [vars(finding) for finding in self.findings],
        }  # fmt: skip

    def cases(self, row: int, which: Which = "deals") -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`, in the order of the log.

        Parameters
        ----------
        row : int
        which : {"deals", "excessive", "unauthorised", "excessive_lost"}

        Raises
        ------
        ArgumentError
            There is no such row, or another `which`.
        """
        if which not in WHICH:
            raise ArgumentError(f"cases are {', '.join(map(repr, WHICH))}, got {which!r}")
        return self._rows[which].cases(row)

    def __repr__(self) -> str:
        deals, above = (sum(self.table[name].to_pylist()) for name in ("deals", "excessive"))
        return f"Discounts of {deals:,} deals, {above:,} above {self.limit:g} %; {NOTE}"


def discounts(
    log: EventLog, *, by: By = None, where: Expression | None = None, discount: str | None = None,
    value: str = "amount", currency: str | None = None, outcome: str | None = None, yes: object = None,
    control: Sequence[str] | None = None, limit: float = 20.0,
    approval: Sequence[str] = ("discount_approval_approved", "approval_approved"),
    acceptance: Sequence[str] = ("quote_accepted",), due: str | None = None, terms: str | None = None,
    threads: int | None = None,
) -> Discounts:  # fmt: skip
    """Return how large discounts are, which are above the limit or not approved, and what goes with them.

    Win and late payment: odds ratios, of a discount above the median against one up to it in strata
    (Mantel-Haenszel), and per `POINTS` points in a logistic regression. Value: the factor by which amounts
    change per `POINTS` points, in a regression of their logarithm, without control for the amount.

    Parameters
    ----------
    log : EventLog
    by : str or sequence of str, optional
        Attributes of the case, such as the rep or the product.
    where : Expression, optional
        Only the cases that pass.
    discount : str, optional
        Attribute in percent, by default the first of `DISCOUNT` that the log has; where it varies within
        cases, the last that is known.
    value, currency : str
        Attribute with the amount after the discount; see `amounts_of`.
    outcome : str, optional
        Attribute that says whether the deal was won; by default the last opportunity_won or opportunity_lost.
    yes : optional
        Its value for won; see `target_of`.
    control : sequence of str, optional
        Attributes to control for, and ``"amount band"``; by default those of `CONTROL` that the log has.
    limit : float
        Percent above which a discount is excessive and needs an approval.
    approval, acceptance : sequence of str
        Activities, or canonical ids, that approve a discount and that accept it.
    due, terms : str, optional
        See `invoices_of`.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    SchemaError
        There is no such column, or it has no numbers.
    ArgumentError
        The limit is not from 0 to 100.
    LogError
        No case has a discount.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> made = lead_to_cash(500, seed=1)
    >>> found = discounts(from_arrow(made.events))
    >>> row = found.table.to_pylist()[0]
    >>> row["unauthorised"] == made.truths["unapproved_discounts"]
    True
    """
    if not isinstance(limit, int | float) or not 0 <= limit < 100:
        raise ArgumentError(f"the limit is in percent, from 0 to below 100, got {limit!r}")
    log = log if where is None else log.filter(where, threads=threads)
    name = discount or next((one for one in DISCOUNT if one in log.attribute_names), DISCOUNT[0])
    deals = _deals(
        log, name, value, currency, outcome, yes, limit, (approval, acceptance), (due, terms), threads
    )
    groups = groups_of(log, by, taken=COLUMNS)
    width = len(deals.amounts.currencies)
    codes = groups.codes.astype(np.int64) * width + deals.amounts.of_case
    main, order = _rows(deals, codes, len(groups) * width, width)
    texts = [deals.amounts.currencies[row % width] for row in order.tolist()]
    keys = groups.columns(order // width) | {"currency": pa.array(texts, pa.string())}
    rank = np.full(len(groups) * width, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    ids = Later(lambda: log.case_ids)
    rows = {}
    for which in WHICH:
        cases = np.flatnonzero(getattr(deals, which))
        rows[which] = CaseRows.of_pairs(ids, rank[codes[cases]], cases, len(order))
    associations, notes = _associations(log, deals, control, value)
    return Discounts(
        table(keys | main), associations, float(limit), notes, deals.findings, rows, LogReference(log)
    )


@dataclass(frozen=True, eq=False)
class _Deals:
    """Discount, outcome and payment of each case."""

    percent: NDArray[np.float64]
    deals: Flags
    excessive: Flags
    accepted: Flags
    unauthorised: Flags
    won: Flags
    lost: Flags
    paid: Flags
    late: Flags
    amounts: Amounts
    findings: list[Finding]

    @property
    def excessive_lost(self) -> Flags:
        return self.excessive & self.lost


def _deals(
    log: EventLog, discount: str, value: str, currency: str | None, outcome: str | None, yes: object,
    limit: float, activities: tuple[Sequence[str], Sequence[str]], dues: tuple[str | None, str | None],
    threads: int | None,
) -> _Deals:  # fmt: skip
    values = last_known(log, discount)
    if not (
        pa.types.is_integer(values.type)
        or pa.types.is_floating(values.type)
        or pa.types.is_decimal(values.type)
    ):
        raise SchemaError(f"column {discount!r} has no percentages but {values.type}", column=discount)
    percent = np.array(values.cast(pa.float64(), safe=False).fill_null(np.nan))
    deals = np.isfinite(percent) & (percent >= 0) & (percent <= 100)
    odd = Finding(f"discount below 0 or above 100 in {discount!r}")
    odd.add(int((~np.isnan(percent) & ~deals).sum()), [])
    if not deals.any():
        raise LogError(f"no case has a discount in {discount!r}", file=log.origin.source.label)
    approved, accepted = (reached(log, names, missing=True, threads=threads) for names in activities)
    excessive, yes_said = deals & (np.where(deals, percent, 0) > limit), accepted.counts > 0
    in_time = (approved.counts > 0) & (approved.firsts <= accepted.lasts)
    if outcome is None:
        won_at, lost_at = (
            reached(log, [name], missing=True, threads=threads).lasts
            for name in ("opportunity_won", "opportunity_lost")
        )
        won, lost = (won_at != NEVER) & (won_at >= lost_at), lost_at > won_at
    else:
        told = target_of(log, outcome, kind="yes/no", yes=yes, threads=threads).values
        won, lost = told == 1, told == 0
    invoices = invoices_of(log, due=dues[0], terms=dues[1], threads=threads)
    amounts = amounts_of(log, value, currency)
    findings = [*([odd] if odd.count else []), *amounts.findings]
    paid = invoices.is_paid & (invoices.due != UNKNOWN)
    return _Deals(np.where(deals, percent, 0), deals, excessive, yes_said, excessive & yes_said & ~in_time,
                  won, lost, paid, invoices.is_late, amounts, findings)  # fmt: skip


def _rows(
    deals: _Deals, codes: NDArray[np.int64], count: int, width: int
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    def counted(marks: Flags) -> NDArray[np.int64]:
        return np.bincount(codes[deals.deals & marks], minlength=count)

    def money(marks: Flags, units: NDArray[np.int64]) -> pa.Array:
        chosen = np.where(deals.deals & marks & deals.amounts.known, codes, count)
        own = Amounts(units, deals.amounts.known, (None,), deals.amounts.of_case)
        sums = own.exact_sums(chosen, count + 1)[:count]
        return pa.array([total / UNITS for total in sums], pa.float64())

    every = np.ones(len(codes), dtype=np.bool_)
    units = deals.amounts.units
    part = np.minimum(deals.percent, 99.99)
    off = np.rint(units * (part / (100 - part))).astype(np.int64)
    n, above, won, lost = (counted(x) for x in (every, deals.excessive, deals.won, deals.lost))
    paid, late = counted(deals.paid), counted(deals.paid & deals.late)
    tenths = np.zeros(count, dtype=np.int64)
    np.add.at(tenths, codes[deals.deals], np.rint(deals.percent[deals.deals] * UNITS).astype(np.int64))
    low, high = wilson_interval(above, n)
    columns: dict[str, Any] = {
        "deals": n, "mean_discount": _ratio(tenths / UNITS, n), "excessive": above,
        "excessive_share": _ratio(above, n), "excessive_low": _nullable(low),
        "excessive_high": _nullable(high), "accepted_excessive": counted(deals.excessive & deals.accepted),
        "unauthorised": counted(deals.unauthorised), "excessive_lost": counted(deals.excessive_lost),
        "won": won, "lost": lost, "win_rate": _ratio(won, won + lost), "paid": paid, "late": late,
        "late_rate": _ratio(late, paid), "amount": money(every, units), "discount_value": money(every, off),
        "unauthorised_value": money(deals.unauthorised, off),
    }  # fmt: skip
    shown = np.flatnonzero(n)
    order = shown[np.lexsort((shown, -n[shown], -above[shown], shown % width))]
    return {
        name: values[order] if isinstance(values, np.ndarray) else values.take(arrow(order))
        for name, values in columns.items()
    }, order


def _associations(
    log: EventLog, deals: _Deals, control: Sequence[str] | None, value: str
) -> tuple[pa.Table, list[str]]:
    names = (
        [name for name in CONTROL if name == BAND or name in log.attribute_names]
        if control is None
        else control
    )
    levels, _ = levels_of(log, [name for name in names if name != BAND], 1, deals.deals, [value])
    codes = {one.name: one.codes for one in levels}
    if BAND in names:
        codes[BAND] = _bands(deals)
    notes = [f"{NOTE}: deals that get a discount differ from others in more than what is controlled for"]
    notes += [f"{name} has the same value everywhere, or is of another kind, and is not controlled for"
              for name in names if name not in codes]  # fmt: skip
    middle = float(np.median(deals.percent[deals.deals]))
    decided, positive = deals.won | deals.lost, deals.amounts.known & (deals.amounts.units > 0)
    rows: list[dict[str, Any]] = []
    for outcome, asked, hits in (("win", decided, deals.won), ("late payment", deals.paid, deals.late)):
        rows += _yes_no(outcome, deals, deals.deals & asked, hits, codes, middle)
    without = {name: held for name, held in codes.items() if name != BAND}
    if len(deals.amounts.currencies) > 1:
        without["currency"] = deals.amounts.of_case.astype(np.int64)
    rows[3:3] = _of_value(deals, deals.deals & positive, without)
    return pa.Table.from_pylist(rows, schema=ROWS), notes


def _yes_no(
    outcome: str, deals: _Deals, asked: Flags, hits: Flags, codes: dict[str, NDArray[np.int64]], middle: float
) -> list[dict[str, Any]]:  # fmt: skip
    high, hit, exposure = deals.percent[asked] > middle, hits[asked], deals.percent[asked] / POINTS
    held = [one[asked] for one in codes.values()]
    strata = np.zeros(len(hit), dtype=np.int64)
    for one in held:
        _, strata = np.unique(strata * (int(one.max(initial=0)) + 2) + one + 1, return_inverse=True)
    split = f"odds ratio of a discount above {middle:g} % against one up to it"
    per = f"odds ratio per {POINTS} points of discount"
    plans: list[tuple[str, str, Callable[[], Estimate | None], str]] = [
        ("crude", split, lambda: mantel_haenszel(high, hit, np.zeros(len(hit), dtype=np.int64)), "nothing"),
        ("stratified", split, lambda: mantel_haenszel(high, hit, strata), ", ".join(codes)),
        ("regression", per, lambda: logistic(exposure, hit, held), ", ".join(codes)),
    ]
    enough = (
        len(hit) >= LEAST and min(int(hit.sum()), int((~hit).sum())) >= 10 and len(np.unique(exposure)) > 1
    )
    return [
        _row(outcome, method, measure, plan() if enough else None, len(hit), held_for)
        for method, measure, plan, held_for in plans
    ]


def _of_value(deals: _Deals, asked: Flags, codes: dict[str, NDArray[np.int64]]) -> list[dict[str, Any]]:
    amounts, exposure = deals.amounts.units[asked] / UNITS, deals.percent[asked] / POINTS
    held = [one[asked] for one in codes.values()]
    measure = f"factor of the amount per {POINTS} points of discount"
    currency = [one for name, one in zip(codes, held, strict=True) if name == "currency"]
    enough = len(amounts) >= LEAST and len(np.unique(exposure)) > 1
    crude = log_linear(exposure, amounts, currency) if enough else None
    full = log_linear(exposure, amounts, held) if enough else None
    return [
        _row("value", "crude", measure, crude, len(amounts), "currency" if currency else "nothing"),
        _row("value", "regression", measure, full, len(amounts), ", ".join(codes)),
    ]


def _row(
    outcome: str, method: str, measure: str, found: Estimate | None, asked: int, control: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"outcome": outcome, "method": method, "measure": measure, "control": control}
    if found is None:
        said = f"Discount and {outcome} ({method}): not enough data in {asked:,} deals; {NOTE}."
        return row | {"cases": asked, "groups": 0, "sentence": said}
    said = (
        f"Discount and {outcome}: {measure} is {found.value:.2f} (95 % interval {found.low:.2f} to "
        f"{found.high:.2f}; {found.cases:,} deals; controlled for {control or 'nothing'}); {NOTE}."
    )
    return row | {
        "estimate": found.value, "low": found.low, "high": found.high, "p_value": found.p_value,
        "cases": found.cases, "groups": found.groups, "sentence": said,
    }  # fmt: skip


def _bands(deals: _Deals) -> NDArray[np.int64]:
    """Return quarters of the amounts of each currency; -1 where the amount is not known."""
    bands = np.full(len(deals.percent), -1, dtype=np.int64)
    for place in range(len(deals.amounts.currencies)):
        own = deals.amounts.known & deals.deals & (deals.amounts.of_case == place)
        if own.any():
            units = deals.amounts.units[own]
            edges = np.quantile(units, [0.25, 0.5, 0.75], method="lower")
            bands[own] = place * 4 + np.searchsorted(edges, units, side="left")
    return bands


def _ratio(part: NDArray[Any], of: NDArray[np.int64]) -> pa.Array:
    return _nullable(part / np.where(of > 0, of, np.nan))


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))
