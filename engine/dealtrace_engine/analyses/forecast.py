"""Pipeline forecast: what becomes of open deals, by how far they got and since when, with a back-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.deal_states import LOST, WAY, WON, deal_times
from dealtrace_engine.analyses.forecast_backtest import backtest
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.analyses.open_deals import Lookback, Plan, bounds, futures
from dealtrace_engine.analyses.win_probability import outlook
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import Moment, duration, duration_us, moment, moment_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

DAY_US = 86_400_000_000
HORIZONS = {"week": 7, "month": 30, "quarter": 91, "year": 365}
TAKEN = (
    "state", "currency", "deals", "amount", "win_probability", "expected_wins", "expected", "note", "low",
    "high", "wins_low", "wins_high",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Forecast(Result):
    """What is expected of the deals that are open.

    Attributes
    ----------
    revenue : pyarrow.Table
        A row per group and currency. The attributes of `by`; currency; deals: open ones with a known amount
        (all of them where there is no money); amount: of these; expected_wins, wins_low, wins_high: deals won
        within the horizon, float64; expected, low, high: money won within the horizon; note: why these are
        null. Deals that do not exist yet are not in it.
    pipeline : pyarrow.Table
        The same by state: the last milestone that deals reached. state, currency, deals, amount,
        win_probability (mean, to be won at any time), expected_wins and expected (within the horizon), note.
    deals : pyarrow.Table
        A row per open deal, by expected money, largest first. case_id; state; age_days: in the state;
        win_probability: to be won at any time; win_within: within the horizon; closing_days: median days
        until it is won or lost, null where fewer than half of such deals are closed in two years; currency;
        amount; expected: amount x win_within.
    backtest : pyarrow.Table
        Forecasts of the past, a row per instant and currency, the latest first. cut: until when was learned;
        known: deals closed by then; deals: open ones; expected_wins, won; brier: mean squared error of
        win_within; brier_reference: that of the share of deals won in the horizon before; expected, low,
        high, actual: money; error: (expected - actual) / actual; covered: whether the interval holds the
        actual.
    calibration : pyarrow.Table
        All forecasts of the back-test by win_within: above, up_to; deals; predicted: mean; observed: share
        that was won.
    horizon_days : float
    until : int
        The instant of the forecast, in microseconds since 1970-01-01 UTC.
    confidence : float
    findings : list of Finding
    """

    revenue: pa.Table
    pipeline: pa.Table
    deals: pa.Table
    backtest: pa.Table
    calibration: pa.Table
    horizon_days: float
    until: int
    confidence: float
    findings: list[Finding]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "forecast 1"

    @property
    def _table(self) -> pa.Table:
        return self.revenue

    def _content(self) -> dict[str, Any]:
        until = np.datetime64(self.until, "us").astype("datetime64[s]")
        names = ("revenue", "pipeline", "deals", "backtest", "calibration", "horizon_days", "confidence")
        findings = [{"reason": one.reason, "count": one.count} for one in self.findings]
        tables = {name: getattr(self, name) for name in names}
        tables["backtest"] = _iso(self.backtest)
        return {"until": f"{until}Z", **tables, "findings": findings}

    @property
    def coverage(self) -> float | None:
        """Share of the back-test's intervals that hold what came; None where there is none."""
        hits = [hit for hit in self.backtest.column("covered").to_pylist() if hit is not None]
        return sum(hits) / len(hits) if hits else None

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the open deals of a row of `revenue`; see `CaseRows.cases`."""
        return self._rows.cases(row)

    def __repr__(self) -> str:
        return f"Forecast of {self.deals.num_rows:,} open deals for {self.horizon_days:g} days"


def _iso(found: pa.Table) -> pa.Table:
    texts = [cut.isoformat().replace("+00:00", "Z") for cut in found.column("cut").to_pylist()]
    return found.set_column(0, "cut", text(texts))


def forecast(
    log: EventLog,
    *,
    horizon: str | timedelta = "quarter",
    until: Moment | None = None,
    value: str | None = "amount",
    currency: str | None = None,
    by: By = None,
    where: Expression | None = None,
    way: Sequence[str] = WAY,
    won: Sequence[str] = WON,
    lost: Sequence[str] = LOST,
    backtests: int = 6,
    samples: int = 1000,
    confidence: float = 0.9,
    smallest: int = 30,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Forecast:
    """Return what is expected of open deals: chances to be won, time to close, and money, with a back-test.

    A deal's state is the last milestone on the way that it reached. Rates of moving on, of being won and of
    being lost come from all deals, by state and by days in it; open deals count for as long as they were
    watched, so that nothing needs to be known of their end. Large deals have rates of their own, as far as
    there are enough of them. Chances are corrected by what came of up to three earlier forecasts. Only events
    up to `until` are looked at. The amounts are those of the log, which may be of a later day. Intervals
    hold both the chance of each deal and what is not known about the rates.

    Parameters
    ----------
    log : EventLog
    horizon : {"week", "month", "quarter", "year"} or duration
        7, 30, 91 or 365 days, or such as ``"45 d"``.
    until : str, date or datetime, optional
        The instant of the forecast; the latest event by default.
    value : str, optional
        Attribute of the amount; None for deals without money.
    currency : str, optional
        Attribute of its currency; see `amounts_of`.
    by : str or sequence of str, optional
        Attributes of the case that revenue and pipeline are told by.
    where : Expression, optional
        Only these cases.
    way : sequence of str
        Milestones in their order, by the names of the log or canonical ids; those that the log does not have
        are left out.
    won, lost : sequence of str
        Activities that close a deal.
    backtests : int
        At most so many instants, a horizon apart.
    samples : int
        Futures that are drawn.
    confidence : float
        Between 0 and 1.
    smallest : int
        With fewer closed deals there is no forecast, and the notes say so.
    seed : int
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Forecast

    Raises
    ------
    SchemaError
        There is no such attribute, or no activity that wins a deal.
    ArgumentError
        A number is out of its range, or nothing had begun by `until`.

    References
    ----------
    See `StateModel`. G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
    Weather Review 78(1), 1950.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = forecast(from_arrow(lead_to_cash(300).events), samples=100, backtests=2)
    >>> found.revenue.column_names[:4], found.backtest.num_rows
    (['currency', 'deals', 'amount', 'expected_wins'], 2)
    """
    plan = _plan(horizon, samples, confidence, smallest, seed, threads, progress)
    chosen = log if where is None else log.filter(where, threads=threads)
    times = deal_times(chosen, way=way, won=won, lost=lost, threads=threads)
    end = times.last if until is None else moment_us(moment(until, "until"))
    if end < times.begun.min():
        raise ArgumentError("no case had begun by then", hint="give a later `until`")
    groups = groups_of(chosen, by, taken=TAKEN)
    amounts = None if value is None else amounts_of(chosen, value, currency)
    look = Lookback(times, amounts, end, plan)
    told = _Told(chosen, look, amounts, groups, plan, times.states)
    revenue, pairs = told.revenue()
    tested = backtest(look, amounts, backtests, plan)
    rows = CaseRows.of_pairs(Later(lambda: chosen.case_ids), *pairs, revenue.num_rows)
    return Forecast(
        revenue, told.pipeline(), told.deals(), tested.table, tested.calibration, plan.days, end,
        confidence, amounts.findings if amounts else [], rows, LogReference(chosen),
    )  # fmt: skip


def _plan(
    horizon: str | timedelta, samples: int, confidence: float, smallest: int, seed: int,
    threads: int | None, progress: Progress | None,
) -> Plan:  # fmt: skip
    known = HORIZONS.get(horizon) if isinstance(horizon, str) else None
    days = known or duration_us(duration(horizon, "horizon")) / DAY_US
    if not 1 <= days <= 3650:
        raise ArgumentError(f"the horizon is from 1 day to 10 years, got {horizon!r}")
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence is between 0 and 1, got {confidence!r}")
    for name, number, least in (("samples", samples, 100), ("smallest", smallest, 1), ("seed", seed, 0)):
        if not isinstance(number, int) or number < least:
            raise ArgumentError(f"{name} is a whole number of at least {least}, got {number!r}")
    return Plan(days, samples, confidence, smallest, seed, threads, progress)


class _Told:
    """The tables of a forecast."""

    def __init__(
        self, log: EventLog, look: Lookback, amounts: Amounts | None, groups: Groups, plan: Plan,
        names: tuple[str, ...],
    ) -> None:  # fmt: skip
        deals = look.deals(0)
        self._log, self._deals, self._amounts, self._groups = log, deals, amounts, groups
        self._plan, self._names, self._correction = plan, names, look.correction(0)
        ahead, cases = outlook(deals.model, plan.days), deals.cases
        nothing = None if deals.enough(plan.smallest) else np.full(len(cases), np.nan)
        self.soon, self.ever, self.closing = (
            part[deals.places] if nothing is None else nothing
            for part in (ahead.soon, ahead.ever, ahead.closing_days)
        )
        if nothing is None:
            self.soon, self.ever = (self._correction.of(part) for part in (self.soon, self.ever))
        self.units = amounts.units[cases] if amounts else np.zeros(len(cases), dtype=np.int64)
        self.known = amounts.known[cases] if amounts else np.ones(len(cases), dtype=np.bool_)
        self.currencies = amounts.currencies if amounts else (None,)
        self.money = amounts.of_case[cases].astype(np.int64) if amounts else np.zeros(len(cases), np.int64)
        few = f"not enough data: {deals.model.closed} closed deals, fewer than {plan.smallest}"
        self.note = few if nothing is not None else None

    def _sums(
        self, keys: NDArray[np.int64], count: int
    ) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.int64]]:
        """Return deals, amounts and what is expected for those keys that occur; these; and their deals."""
        inside = np.where(self.known, keys, count)
        deals = np.bincount(inside, minlength=count + 1)[:count]
        rows = np.flatnonzero(deals)
        sums: dict[str, Any] = {
            name: np.bincount(inside, weights=part, minlength=count + 1)[rows]
            for name, part in (("amount", self.units), ("win_probability", self.ever),
                               ("expected_wins", self.soon), ("expected", self.soon * self.units))
        }  # fmt: skip
        sums["win_probability"] = sums["win_probability"] / deals[rows]
        place = np.full(count + 1, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        return {"deals": deals[rows], **sums}, rows, place[inside]

    def _figures(self, sums: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        columns = {}
        for name in names:
            money = name in ("amount", "expected", "low", "high")
            values = sums[name] / UNITS if money else sums[name]
            empty = money and self._amounts is None
            columns[name] = pa.nulls(len(values), pa.float64()) if empty else _nullable(values)
        return columns

    def revenue(self) -> tuple[pa.Table, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return what is expected by group and currency, and the pairs of rows and cases behind it."""
        width, deals = len(self.currencies), self._deals
        keys = self._groups.codes[deals.cases].astype(np.int64) * width + self.money
        sums, rows, bags = self._sums(keys, len(self._groups) * width)
        low = high = np.full((2, len(rows)), np.nan)
        if self.note is None and len(rows):
            units = np.stack((self.units, np.ones_like(self.units)))
            drawn = futures(deals, self._correction, units, bags, len(rows), self._plan)
            low, high = bounds(drawn, self._plan.confidence)
        sums.update(low=low[0], high=high[0], wins_low=low[1], wins_high=high[1])
        order = ("amount", "expected_wins", "wins_low", "wins_high", "expected", "low", "high")
        columns = {
            **self._groups.columns(rows // width),
            "currency": text([self.currencies[place] for place in (rows % width).tolist()]),
            "deals": sums["deals"], **self._figures(sums, order), "note": text([self.note] * len(rows)),
        }  # fmt: skip
        return table(columns), (bags[bags >= 0], deals.cases[bags >= 0])

    def pipeline(self) -> pa.Table:
        """Return what is expected by group, state and currency."""
        width, states, deals = len(self.currencies), len(self._names), self._deals
        keys = self._groups.codes[deals.cases].astype(np.int64) * states + deals.states.state[deals.cases]
        sums, rows, _ = self._sums(keys * width + self.money, len(self._groups) * states * width)
        own, exits = rows // width % states, deals.model.exits
        smallest = self._plan.smallest
        notes = [
            self.note or (None if exits[state] >= smallest else f"few data: left {exits[state]} times")
            for state in own.tolist()
        ]
        order = ("amount", "win_probability", "expected_wins", "expected")
        columns = {
            **self._groups.columns(rows // width // states),
            "state": text([self._names[state] for state in own.tolist()]),
            "currency": text([self.currencies[place] for place in (rows % width).tolist()]),
            "deals": sums["deals"], **self._figures(sums, order), "note": text(notes),
        }  # fmt: skip
        return table(columns)

    def deals(self) -> pa.Table:
        """Return the open deals."""
        expected = self.soon * self.units / UNITS
        key = np.where(self.known & ~np.isnan(expected), expected, -np.inf)
        order = np.argsort(-key, kind="stable")
        deals, cases = self._deals, self._deals.cases[order]
        known = self.known[order] & (self._amounts is not None)
        amount = np.where(known, self.units[order] / UNITS, np.nan)
        states = pa.DictionaryArray.from_arrays(
            arrow(deals.states.state[cases].astype(np.int32)), text(self._names)
        )
        money = [self.currencies[place] for place in self.money[order].tolist()]
        columns = {
            "case_id": self._log.case_ids.take(arrow(cases)),
            "state": states.dictionary_decode(),
            "age_days": (deals.states.cut - deals.states.since[cases]) / DAY_US,
            "win_probability": _nullable(self.ever[order]),
            "win_within": _nullable(self.soon[order]),
            "closing_days": _nullable(self.closing[order]),
            "currency": text(money),
            "amount": _nullable(amount),
            "expected": _nullable(np.where(known, expected[order], np.nan)),
        }
        return table(columns)


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))
