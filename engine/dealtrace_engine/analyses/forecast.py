"""Pipeline forecast: what becomes of open deals, by how far they got and since when, with a back-test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from dealtrace_engine.analyses.case_rows import CaseRows, cases_by_id
from dealtrace_engine.analyses.deal_states import LOST, WAY, WON, deal_times
from dealtrace_engine.analyses.forecast_backtest import backtest
from dealtrace_engine.analyses.forecast_tables import ForecastTables
from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.milestones import Names, given_activities
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.new_deals import NewDeals
from dealtrace_engine.analyses.open_deals import Lookback, Plan
from dealtrace_engine.buffers import arrow, text
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
    "high", "wins_low", "wins_high", "began", "deals_low", "deals_high", "total", "total_low", "total_high",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Forecast(Result):
    """What is expected of the deals that are open, and of those that will begin.

    Attributes
    ----------
    revenue : pyarrow.Table
        A row per group and currency. The attributes of `by`; currency; deals: open ones with a known amount
        (all of them where there is no money); amount: of these; expected_wins, wins_low, wins_high: deals won
        within the horizon, float64; expected, low, high: money won within the horizon; note: why these are
        null. Deals that do not exist yet are not in it.
    new_deals : pyarrow.Table
        Deals that will begin within the horizon, by group and currency. The attributes of `by`; currency;
        began: int64, deals with a known amount in the last windows (see `NewDeals`); deals, deals_low,
        deals_high: how many will begin; amount: of these; expected_wins, wins_low, wins_high, expected, low,
        high: what of them is won within the horizon; total, total_low, total_high: money won within the
        horizon of open and new deals together; note: why these are null. No row where new deals are not asked
        for.
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
        actual; new_deals, came: how many were expected to begin, and did; new_wins, new_won: those won in
        time; total, total_low, total_high, total_actual, total_covered: money of open and new deals together;
        the last nine are null where new deals are not asked for or cannot be told.
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
    new_deals: pa.Table
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
    definition: ClassVar[str] = "forecast 3"

    @property
    def _table(self) -> pa.Table:
        return self.revenue

    def _content(self) -> dict[str, Any]:
        until = np.datetime64(self.until, "us").astype("datetime64[s]")
        names = ("revenue", "new_deals", "pipeline", "deals", "backtest", "calibration", "horizon_days",
                 "confidence")  # fmt: skip
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
    way: Names = WAY,
    won: Names = WON,
    lost: Names = LOST,
    new_deals: bool = True,
    backtests: int = 6,
    samples: int = 1000,
    confidence: float = 0.9,
    smallest: int = 30,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Forecast:
    """Return what is expected of open and of new deals: chances, time to close, money, with a back-test.

    A deal's state is the last milestone on the way that it reached. Rates of moving on, of being won and of
    being lost come from all deals, by state and by days in it; open deals count for as long as they were
    watched, so that nothing needs to be known of their end. Large deals have rates of their own, as far as
    there are enough of them. Chances are corrected by what came of up to three earlier forecasts. Only events
    up to `until` are looked at. The amounts are those of the log, which may be of a later day. Intervals
    hold both the chance of each deal and what is not known about the rates.

    Deals that do not exist yet are told apart from these: so many begin as in the last months, of the same
    kinds; see `NewDeals`.

    Nothing depends on the order in which the log holds its cases: they are taken by their ids.

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
    way : str or sequence of str
        Milestones in their order, by the names of the log or canonical ids; of the latter, those that the log
        does not have are left out.
    won, lost : str or sequence of str
        Activities that close a deal, named so too.
    new_deals : bool
        Whether deals that will begin are told too.
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
        There is no such attribute or activity, or none that wins a deal.
    ArgumentError
        A number is out of its range, or nothing had begun by `until`.

    References
    ----------
    See `StateModel` and `NewDeals`. G. W. Brier, "Verification of forecasts expressed in terms of
    probability", Monthly Weather Review 78(1), 1950.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = forecast(from_arrow(lead_to_cash(300).events), samples=100, backtests=2)
    >>> found.revenue.column_names[:4], found.backtest.num_rows
    (['currency', 'deals', 'amount', 'expected_wins'], 2)
    >>> new = found.new_deals.to_pylist()[0]
    >>> new["deals_low"] < new["deals"] < new["deals_high"], new["total_low"] < new["total"]
    (True, True)
    """
    plan = _plan(horizon, samples, confidence, smallest, seed, backtests, threads, progress)
    chosen = log if where is None else log.filter(where, threads=threads)
    given = {"way": way, "won": won, "lost": lost}
    named = {what: given_activities(chosen, names, what) for what, names in given.items()}
    order = cases_by_id(chosen)
    times = deal_times(chosen, **named, threads=threads).taken(order)
    end = times.last if until is None else moment_us(moment(until, "until"))
    if end < times.begun.min():
        raise ArgumentError("no case had begun by then", hint="give a later `until`")
    groups = groups_of(chosen, by, taken=TAKEN).taken(order)
    amounts = None if value is None else amounts_of(chosen, value, currency).taken(order)
    look = Lookback(times, amounts, end, plan, backtests)
    told = ForecastTables(chosen.case_ids.take(arrow(order)), look, amounts, groups, plan, times.states)
    revenue, (places, cases) = told.revenue()
    coming = NewDeals.after(times, look.deals(0)) if new_deals else None
    tested = backtest(look, amounts, backtests, plan, new_deals)
    rows = CaseRows.of_pairs(Later(lambda: chosen.case_ids), places, order[cases], revenue.num_rows)
    return Forecast(
        revenue, told.new_deals(coming), told.pipeline(), told.deals(), tested.table, tested.calibration,
        plan.days, end, confidence, amounts.findings if amounts else [], rows, LogReference(chosen),
    )  # fmt: skip


def _plan(
    horizon: str | timedelta, samples: int, confidence: float, smallest: int, seed: int, backtests: int,
    threads: int | None, progress: Progress | None,
) -> Plan:  # fmt: skip
    known = HORIZONS.get(horizon) if isinstance(horizon, str) else None
    days = known or duration_us(duration(horizon, "horizon")) / DAY_US
    if not 1 <= days <= 3650:
        raise ArgumentError(f"the horizon is from 1 day to 10 years, got {horizon!r}")
    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ArgumentError(f"confidence is between 0 and 1, got {confidence!r}")
    for name, number, least in (
        ("samples", samples, 100), ("smallest", smallest, 1), ("seed", seed, 0), ("backtests", backtests, 0),
    ):  # fmt: skip
        if not isinstance(number, int) or number < least:
            raise ArgumentError(f"{name} is a whole number of at least {least}, got {number!r}")
    return Plan(days, samples, confidence, smallest, seed, threads, progress)
