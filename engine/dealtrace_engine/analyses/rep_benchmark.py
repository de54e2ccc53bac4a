"""The fair benchmark of reps and teams: adjusted for the mix of deals, and shrunk as far as it is chance."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_mix import mix_of
from dealtrace_engine.analyses.case_rows import CaseRows, cases_by_id
from dealtrace_engine.analyses.decided import Decided, decided_cases
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.analyses.rate_intervals import normal_quantile
from dealtrace_engine.analyses.rep_comparison import FIGURES, Setting, compared
from dealtrace_engine.analyses.rep_metrics import READY, Metric, metric_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import table
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result
from dealtrace_engine.schema import nearest

REPS = ("sales_rep", "owner", "owner_name", "owner_id", "ownerid")
"""Attributes that are taken for the rep."""
ADJUST = (("region",), ("segment",), ("product", "product_category"), ("lead_source",))
"""Attributes that are adjusted for: of each kind the first that the log has."""
OWN = (
    "metric", "unit", "rep", "deals", *FIGURES, "rank", "stands_out", "note", "currency", "won", "won_value",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class RepBenchmark(Result):
    """Reps, or teams, compared fairly.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group, metric and rep: by group, metric, rank. The attributes of `by`; metric, unit, rep:
        text; deals: that count; observed: the rep's rate or mean; expected: that of deals like these at
        large; difference: of the two; difference_low, difference_high: its interval; q: its two-sided p-value
        for no difference, adjusted for the number of reps; average: of all deals; adjusted: average and
        difference, the latter shrunk; low, high: its interval; gap_to_top: how much more, or less if below
        zero, would bring the rep to the mean of the best quarter of the reps; 0 for who is better; rank: 1 is
        the best adjusted, or the highest where neither is better; stands_out: ``"above"`` or ``"below"``
        what is expected, where q is at most 1 less the confidence; note: why there is no figure. Figures are
        null then.
    money : pyarrow.Table
        Where `value` was asked for: a row per group, rep of the table and currency. rep, currency: text;
        won: deals; won_value: in the currency.
    findings : list of Finding
        Deals without a rep, reps with too few deals, metrics that the log cannot tell, attributes that are
        not adjusted for, deals that are neither won nor lost.
    """

    table: pa.Table
    money: pa.Table
    findings: list[Finding]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "rep_benchmark 2"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        found = [vars(finding) for finding in self.findings]
        return {"table": self.table, "money": self.money, "findings": found}

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the deals of a row of `table`; raise `ArgumentError` if there is no such row."""
        return self._rows.cases(row)

    def __repr__(self) -> str:
        names = self.table.column("metric").unique().to_pylist()
        reps = len(self.table.column("rep").unique())
        return f"RepBenchmark of {reps:,} reps by {', '.join(names) or 'nothing'}"


def rep_benchmark(
    log: EventLog,
    *,
    rep: str | None = None,
    metrics: Sequence[str] = READY,
    outcome: str | None = None,
    adjust: Sequence[str] | None = None,
    value: str | None = None,
    currency: str | None = None,
    by: By = None,
    where: Expression | None = None,
    calendar: Calendar | None = None,
    smallest: int = 10,
    pseudonyms: bool = True,
    salt: str | bytes | None = None,
    confidence: float = 0.95,
    threads: int | None = None,
) -> RepBenchmark:
    """Compare reps, or teams, with what is to be expected of their deals.

    The expected figure of a rep is that of the same deals at large: a ridge regression, logistic for rates,
    on the attributes in `adjust` and bands of the amount, with a column for each value (indirect
    standardisation). Observed less expected tells who stands out: in units of its standard error, as in a
    funnel plot, with p-values adjusted by Benjamini and Hochberg's method for the reps of the same metric and
    group. Its variance is that of the expected figures, or the rep's own where it is larger.

    What to believe of a rep is the adjusted figure: the difference drawn to the average by empirical Bayes,
    as far as the number of deals leaves it to chance, but by one standard error at most; see `shrunk`. A
    rep's own deals are among those it is expected from, which makes differences a little smaller. What the
    log does not tell, such as who gets the easy leads, is not adjusted for: a difference is where to look, no
    proof.

    Parameters
    ----------
    log : EventLog
    rep : str, optional
        Attribute of the case with the person or the team; by default the first of `REPS` that there is.
    metrics : sequence of str
        See `metric_of`; ``"adherence"`` and ``"time_in_stage"`` are told if they are named.
    outcome : str, optional
        Attribute that says what is won and lost; by default events do, see `decided_cases`.
    adjust : sequence of str, optional
        Attributes of the case; by default those of `ADJUST` that there are.
    value : str, optional
        Attribute with the amount, adjusted for by bands; by default ``"amount"``, if there is such a column
        of numbers.
    currency : str, optional
        Attribute that says in which currency; see `amounts_of`.
    by : str or sequence of str, optional
        Attributes to tell results by: reps are compared within each group. None of reps with `pseudonyms`.
    where : Expression, optional
        Filter of the log.
    calendar : WorkingCalendar or Calendars, optional
        The sales cycle is working time by it, in days of 24 hours.
    smallest : int
        Reps with fewer deals are not shown, but counted.
    pseudonyms : bool
        Whether names are replaced by a keyed hash. The ids of `cases` still lead to a person for who may see
        the CRM.
    salt : str or bytes, optional
        Key of the hash, so that a rep is called the same in several results; by default one that is made for
        this call and then forgotten.
    confidence : float
        Of the intervals, and of who stands out: at 0.95, one in 20 of them by chance.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Returns
    -------
    RepBenchmark

    Raises
    ------
    SchemaError
        There is no such attribute, or it varies within cases, or has no values that would make sense.
    ArgumentError
        `smallest` is below 2, the confidence is no share, the salt is neither text nor bytes, or `by` would
        tell the names behind pseudonyms.

    References
    ----------
    D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24,
    2005. Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical
    Society B 57(1), 1995. A. Agresti, B. A. Coull, "Approximate is better than exact for interval estimation
    of binomial proportions", American Statistician 52(2), 1998. C. N. Morris, "Parametric empirical Bayes
    inference: theory and applications", Journal of the American Statistical Association 78(381), 1983.
    B. Efron, C. Morris, "Limiting the risk of Bayes and empirical Bayes estimators - part II", Journal of the
    American Statistical Association 67(337), 1972.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> cases = [f"{k}" for k in range(40)]
    >>> steps = ["opportunity_won"] * 15 + ["opportunity_lost"] * 25
    >>> log = from_arrow(pa.table({"case": cases, "activity": steps,
    ...                            "time": ["2024-01-01"] * 40, "owner": ["x"] * 20 + ["y"] * 20}))
    >>> found = rep_benchmark(log, metrics=["win_rate"], pseudonyms=False)
    >>> found.table.select(["rep", "deals", "observed", "stands_out"]).to_pylist()
    [{'rep': 'x', 'deals': 20, 'observed': 0.75, 'stands_out': 'above'},
     {'rep': 'y', 'deals': 20, 'observed': 0.0, 'stands_out': 'below'}]
    """
    normal_quantile(confidence)
    if not isinstance(smallest, int | np.integer) or smallest < 2:
        raise ArgumentError(f"smallest is a whole number of at least 2, got {smallest!r}",
                            hint="a group of one is a person's own figure")  # fmt: skip
    log = log if where is None else log.filter(where, threads=threads)
    name = _rep_column(log, rep)
    reps, groups = groups_of(log, name), groups_of(log, by, taken=OWN)
    if pseudonyms:
        _check_by(log, name, groups)
    amounts = _amounts(log, value, currency)
    adjusted = _adjusted(log, adjust, name, groups)
    decided = decided_cases(log, outcome, threads=threads)
    named = np.array([text is not None for text in reps.keys.column(name).to_pylist()], dtype=np.bool_)
    findings = [*decided.findings, _finding("cases without a rep", int((~named[reps.codes]).sum()))]
    if adjust is None:
        lacking = [own[0] for own in ADJUST if not {*own} & {*adjusted, name, *groups.names}]
        findings += [_finding(f"not adjusted for {own!r}, which the log does not have", 1) for own in lacking]
    labels = _labels(reps.keys.column(name).to_pylist(), name, pseudonyms, salt)
    setting = Setting(
        reps, labels, named, groups, mix_of(log, adjusted, amounts), int(smallest), confidence
    )  # fmt: skip
    wanted = _metrics(log, metrics, decided, calendar, findings, threads)
    rows, pairs = _rows(wanted, setting, findings, cases_by_id(log))
    money = _money(setting, rows, amounts if value is not None else None, decided)
    case_rows = CaseRows.of_pairs(Later(lambda: log.case_ids), *pairs, len(rows))
    return RepBenchmark(
        _as_table(rows, groups), money, [f for f in findings if f.count], case_rows, LogReference(log)
    )


def _rep_column(log: EventLog, rep: str | None) -> str:
    name = rep or next((own for own in REPS if own in log.attribute_names), None)
    if name is None:
        raise SchemaError(
            "the log does not tell whose deals these are", file=log.origin.source.label,
            hint=f"name the column with rep=; {nearest(log.attribute_names, REPS[0])}",
        )  # fmt: skip
    return name


def _check_by(log: EventLog, rep: str, groups: Groups) -> None:
    """Refuse groups that would say the names that pseudonyms are for."""
    columns = {by: log.origin.roles.get(by) or by for by in groups.names}
    people = {log.origin.roles.get(rep) or rep, *REPS}
    if named := [by for by, column in columns.items() if column in people]:
        raise ArgumentError(f"results by {named[0]!r} would tell who is behind the pseudonyms",
                            hint="give pseudonyms=False, if names may be told")  # fmt: skip


def _amounts(log: EventLog, value: str | None, currency: str | None) -> Amounts | None:
    if value is not None:
        return amounts_of(log, value, currency)
    if "amount" not in log.attribute_names:
        return None
    attribute = log.attribute("amount")
    numeric = pa.types.is_floating(attribute.values.type) or pa.types.is_integer(attribute.values.type)
    return amounts_of(log, "amount", currency) if attribute.level == "case" and numeric else None


def _adjusted(log: EventLog, adjust: Sequence[str] | None, rep: str, groups: Groups) -> list[str]:
    """Return what to adjust for: never for whom is compared, nor for what is the same in each group."""
    if isinstance(adjust, str):
        adjust = [adjust]
    known = log.attribute_names
    ready = [next((own for own in kind if own in known), "") for kind in ADJUST]
    names = [own for own in ready if own] if adjust is None else list(adjust)
    if adjust is None:
        names = [own for own in names if log.attribute(own).level == "case"]
    elif rep in names:
        raise ArgumentError(f"reps cannot be adjusted for {rep!r}, which tells them apart")
    return [own for own in dict.fromkeys(names) if own != rep and own not in groups.names]


def _labels(
    names: Sequence[Any], column: str, pseudonyms: bool, salt: str | bytes | None
) -> list[str]:  # fmt: skip
    """Return what reps are called."""
    if salt is not None and not isinstance(salt, str | bytes):
        raise ArgumentError(f"a salt is text or bytes, got {type(salt).__name__}")
    if not pseudonyms:
        return [str(name) for name in names]
    given = secrets.token_bytes(32) if salt is None else salt.encode() if isinstance(salt, str) else salt
    key = hashlib.blake2b(given).digest()
    digests = [hashlib.blake2b(str(name).encode(), key=key, digest_size=5).hexdigest() for name in names]
    return [f"{column} {digest}" for digest in digests]


def _metrics(
    log: EventLog, metrics: Sequence[str], decided: Decided, calendar: Calendar | None,
    findings: list[Finding], threads: int | None,
) -> list[Metric]:  # fmt: skip
    """Return the metrics that the log can tell."""
    names, found = [metrics] if isinstance(metrics, str) else metrics, []
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"metrics are named by texts, got {metrics!r}")
    for name in dict.fromkeys(names):
        metric = metric_of(log, name, decided, calendar, threads)
        if metric is None or not metric.counts.any():
            findings.append(_finding(f"{name}: the log cannot tell it", 1))
        else:
            found.append(metric)
    return found


def _rows(
    found: Sequence[Metric], setting: Setting, findings: list[Finding], order: NDArray[np.int64]
) -> tuple[list[dict[str, Any]], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the rows of the table, and which cases belong to which."""
    rows: list[dict[str, Any]] = []
    numbers, cases = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for group in range(len(setting.groups)):
        for metric in found:
            chosen = metric.counts & setting.shown[setting.reps.codes] & (setting.groups.codes == group)
            own = order[chosen[order]]  # sums of floats depend on their order, which is that of the ids
            made, hidden = compared(metric, own, setting)
            findings.append(_finding(f"{metric.name}: reps with fewer than {setting.smallest} deals", hidden))
            place = np.full(len(setting.reps), -1, dtype=np.int64)
            place[[row["code"] for row in made]] = np.arange(len(made)) + len(rows)
            kept = place[setting.reps.codes[own]]
            numbers.append(kept[kept >= 0])
            cases.append(own[kept >= 0])
            rows += [{**row, "group": group} for row in made]
    return rows, (np.concatenate(numbers), np.concatenate(cases))


def _as_table(rows: list[dict[str, Any]], groups: Groups) -> pa.Table:
    kinds = {
        "metric": pa.string(), "unit": pa.string(), "rep": pa.string(), "deals": pa.int64(),
        **dict.fromkeys(FIGURES, pa.float64()), "rank": pa.int64(), "stands_out": pa.string(),
        "note": pa.string(),
    }  # fmt: skip
    keys = groups.columns(np.array([row["group"] for row in rows], dtype=np.int64))
    own = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}
    return table({**keys, **own})


def _money(
    setting: Setting, rows: list[dict[str, Any]], amounts: Amounts | None, decided: Decided
) -> pa.Table:
    """Return what the reps that are shown have won, by currency."""
    kinds = {"rep": pa.string(), "currency": pa.string(), "won": pa.int64(), "won_value": pa.float64()}
    if amounts is None:
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    width, money = len(setting.reps), len(amounts.currencies)
    codes = (setting.groups.codes.astype(np.int64) * width + setting.reps.codes) * money + amounts.of_case
    won = decided.outcomes == 1
    size = len(setting.groups) * width * money
    counts = np.bincount(codes[won], minlength=size)
    only = Amounts(np.where(won, amounts.units, 0), amounts.known, amounts.currencies, amounts.of_case)
    sums = only.exact_sums(codes, size)
    keys = sorted({(row["group"], row["rep"], row["code"]) for row in rows})
    cells = [(group, code, place) for group, _, code in keys for place in range(money)
             if counts[(group * width + code) * money + place]]  # fmt: skip
    at = [(group * width + code) * money + place for group, code, place in cells]
    own: dict[str, list[Any]] = {
        "rep": [setting.labels[code] for _, code, _ in cells],
        "currency": [amounts.currencies[place] for *_, place in cells],
        "won": [int(counts[k]) for k in at],
        "won_value": [sums[k] / UNITS for k in at],
    }
    groups = setting.groups.columns(np.array([group for group, *_ in cells], dtype=np.int64))
    return table({**groups, **{name: pa.array(own[name], kind) for name, kind in kinds.items()}})


def _finding(reason: str, count: int) -> Finding:
    return Finding(reason, count)
