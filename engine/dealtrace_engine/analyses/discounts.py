"""Discounts: how large, above the limit, without approval, and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.discount_associations import NOTE, associations
from dealtrace_engine.analyses.discounted_deals import Deals, deals_of
from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.invoices import Flags
from dealtrace_engine.analyses.milestones import Names
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.rate_intervals import null_for_nan, wilson
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

DISCOUNT = ("discount_percent", "discount_pct", "discount_percentage")
"""Attributes that are taken for the discount where none is named."""
Which = Literal["deals", "excessive", "unauthorised", "excessive_lost"]
WHICH = ("deals", "excessive", "unauthorised", "excessive_lost")
COLUMNS = (
    "currency", "deals", "mean_discount", "excess_percent", "excessive", "excessive_share", "excessive_low",
    "excessive_high", "accepted_excessive", "unauthorised", "excessive_lost", "won", "lost", "win_rate",
    "paid", "late", "late_rate", "amount", "discount_value", "unauthorised_value",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Discounts(Result):
    """Discounts of deals, and their associations with win, value and payment; association, not proof.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group and currency, by currency, then by excess_percent, largest first, then by deals and
        group. The attributes of `by`; currency: text or null; deals: cases with a known discount;
        mean_discount: percent; excess_percent: by how much it is above that of all deals in the currency,
        times the deals, percentage points; excessive: deals above the limit, excessive_share, excessive_low,
        excessive_high: their share of the deals and its 95 % Wilson interval; accepted_excessive: those of
        them that were accepted, unauthorised: those of these without an approval up to their acceptance;
        excessive_lost: those above the limit that were lost all the same; won, lost, win_rate: of the decided
        deals; paid, late, late_rate: of the deals paid that have a due date, by calendar days, as in
        `receivables`; amount: currency; discount_value: what the discount took off, amount x d / (100 - d),
        which is not known at 100 %; unauthorised_value: that of the unauthorised. Money is null where no
        amount is known.
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
    definition: ClassVar[str] = "discounts 2"

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
    control: Names | None = None, limit: float = 20.0,
    approval: Names = ("discount_approval_approved", "approval_approved"),
    acceptance: Names = ("quote_accepted",), due: str | None = None, terms: str | None = None,
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
    control : str or sequence of str, optional
        Attributes to control for, and ``"amount band"``; by default those of `CONTROL` that the log has.
    limit : float
        Percent above which a discount is excessive and needs an approval.
    approval, acceptance : str or sequence of str
        Activities, or canonical ids, that approve a discount and that accept it.
    due, terms : str, optional
        See `invoices_of`.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    SchemaError
        There is no such column or activity, or a column has no numbers.
    ArgumentError
        The limit is not from 0 to 100, or what is to be named is no name.
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
    deals = deals_of(
        log, name, value, currency, outcome, yes, limit, (approval, acceptance), (due, terms), threads
    )
    groups = groups_of(log, by, taken=COLUMNS)
    width = len(deals.amounts.currencies)
    codes = groups.codes.astype(np.int64) * width + deals.amounts.of_case
    off = deals.amounts.taken_off(deals.percent)
    main, order = _rows(deals, off, codes, len(groups) * width, width)
    texts = [deals.amounts.currencies[row % width] for row in order.tolist()]
    keys = groups.columns(order // width) | {"currency": pa.array(texts, pa.string())}
    rank = np.full(len(groups) * width, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    ids = Later(lambda: log.case_ids)
    rows = {}
    for which in WHICH:
        cases = np.flatnonzero(getattr(deals, which))
        rows[which] = CaseRows.of_pairs(ids, rank[codes[cases]], cases, len(order))
    told, notes = associations(log, deals, control, value)
    findings = [*deals.findings, *off.findings]
    return Discounts(table(keys | main), told, float(limit), notes, findings, rows, LogReference(log))


def _rows(
    deals: Deals, off: Amounts, codes: NDArray[np.int64], count: int, width: int
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    def counted(marks: Flags) -> NDArray[np.int64]:
        return np.bincount(codes[deals.deals & marks], minlength=count)

    def money(marks: Flags, amounts: Amounts) -> pa.Array:
        chosen = np.where(deals.deals & marks & amounts.known, codes, count)
        sums = amounts.exact_sums(chosen, count + 1)[:count]
        told = (counted(amounts.known & marks) > 0) | (counted(marks) == 0)
        return pa.array([total / UNITS for total in sums], pa.float64(), mask=~told)

    every = np.ones(len(codes), dtype=np.bool_)
    n, above, won, lost = (counted(x) for x in (every, deals.excessive, deals.won, deals.lost))
    paid, late = counted(deals.paid), counted(deals.paid & deals.late)
    tenths = np.zeros(count, dtype=np.int64)
    np.add.at(tenths, codes[deals.deals], np.rint(deals.percent[deals.deals] * UNITS).astype(np.int64))
    totals, deals_of_all = (each.reshape(-1, width).sum(axis=0) for each in (tenths, n))
    means = np.tile(totals / np.maximum(deals_of_all, 1), count // width)
    excess = np.rint(tenths - n * means) / UNITS + 0.0
    low, high = wilson(above, n)
    columns: dict[str, Any] = {
        "deals": n, "mean_discount": _ratio(tenths / UNITS, n), "excess_percent": excess, "excessive": above,
        "excessive_share": _ratio(above, n), "excessive_low": null_for_nan(low),
        "excessive_high": null_for_nan(high), "accepted_excessive": counted(deals.excessive & deals.accepted),
        "unauthorised": counted(deals.unauthorised), "excessive_lost": counted(deals.excessive_lost),
        "won": won, "lost": lost, "win_rate": _ratio(won, won + lost), "paid": paid, "late": late,
        "late_rate": _ratio(late, paid), "amount": money(every, deals.amounts),
        "discount_value": money(every, off), "unauthorised_value": money(deals.unauthorised, off),
    }  # fmt: skip
    shown = np.flatnonzero(n)
    order = shown[np.lexsort((shown, -n[shown], -excess[shown], shown % width))]
    return {
        name: values[order] if isinstance(values, np.ndarray) else values.take(arrow(order))
        for name, values in columns.items()
    }, order


def _ratio(part: NDArray[Any], of: NDArray[np.int64]) -> pa.Array:
    return null_for_nan(part / np.where(of > 0, of, np.nan))
