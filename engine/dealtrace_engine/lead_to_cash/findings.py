"""The findings that matter most in a lead-to-cash log, ranked by the money at stake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
import pyarrow as pa

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.money import CURRENCY, Amounts, amounts_of
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters import where as conditions
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.json_form import to_json
from dealtrace_engine.lead_to_cash.findings_causes import loss_drivers, slow_drivers
from dealtrace_engine.lead_to_cash.findings_context import Candidate, Context, Source
from dealtrace_engine.lead_to_cash.findings_delays import (
    quote_revisions,
    slow_approvers,
    slow_groups,
    slow_steps,
    stalled_deals,
)
from dealtrace_engine.lead_to_cash.findings_money import (
    canceled_orders,
    late_payments,
    loss_reasons,
    overdue_unpaid,
    unapproved_discounts,
    weak_sources,
)
from dealtrace_engine.lead_to_cash.findings_payers import late_customers, late_groups
from dealtrace_engine.lead_to_cash.findings_ranking import distinct, foremost
from dealtrace_engine.lead_to_cash.findings_rules import broken_rules
from dealtrace_engine.lead_to_cash.findings_stages import funnel_drop, stage_findings
from dealtrace_engine.lead_to_cash.findings_words import Words
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, map_blocks
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

SOURCES: tuple[Source, ...] = (
    slow_steps, slow_approvers, slow_groups, quote_revisions, stalled_deals, late_payments, overdue_unpaid,
    unapproved_discounts, canceled_orders, loss_reasons, weak_sources, late_customers, late_groups,
    stage_findings, funnel_drop, loss_drivers, slow_drivers, broken_rules,
)  # fmt: skip
"""What looks for findings; another one is a function here and its sentences in findings.json."""
VALUES = (
    "amount", "opportunity_value", "estimated_value", "estimatedvalue", "total_amount", "totalamount",
    "value",
)  # fmt: skip
CONVERTED = "amount_corporate"
"""What the readers of CRM exports call an amount in the organisation's own currency."""
NUMBER = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
NAME = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


@dataclass(frozen=True, eq=False)
class Findings(Result):
    """What matters most.

    Attributes
    ----------
    table : pyarrow.Table
        A row per finding; by currency, that of most cases first, then by rank. rank: from 1 within the
        currency; currency: text, null where the log has none; kind: what it is about, a key of findings.json;
        basis: what the money is: ``capital`` (days x amount x the cost of capital), ``owed``, ``discount``,
        ``lost``, ``missed`` (against the rate of others), ``hoped`` or ``exposed`` (what broke a rule);
        money: float64, at stake, null where no amount is known; amount: float64, of the cases; cases: int64,
        in the currency; days: float64, of their delay, null where it is not about time; sentence: text in
        `language`, of the cases of all currencies, with the money of one; filter: JSON text of an expression
        that selects the cases, null where none does; numbers and names: lists of what is in the sentence.
    language : str
    findings : list of Finding
        Amounts that are missing or odd, or were converted.
    """

    table: pa.Table
    language: str
    findings: list[Finding]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "findings 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """What was found, in words."""
        return cast(list[str], self.table.column("sentence").to_pylist())

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases behind a row of `table`; see `CaseRows.cases`."""
        return self._rows.cases(row)

    def _content(self) -> dict[str, Any]:
        notes = [{"reason": one.reason, "count": one.count} for one in self.findings]
        return {"language": self.language, "findings": self.table, "notes": notes}

    def __repr__(self) -> str:
        return "\n".join([f"Findings: {len(self)}", *(f"  {said}" for said in self.sentences)])


def findings(
    log: EventLog,
    *,
    language: str = "en",
    value: str | None = None,
    currency: str | None = None,
    where: Expression | None = None,
    most: int = 10,
    capital_cost: float = 0.08,
    discount_limit: float = 20.0,
    sources: Sequence[Source] = SOURCES,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Return the findings that matter most, ranked by the money at stake in each currency.

    They are drawn from waits, approvals, cycle times, revisions and stages (time); late and missing payments
    and who pays late (cash); open deals and the funnel (pipeline); losses, what goes with them, lead sources
    and canceled orders (losses); the grave rules of the ready pack and discounts (rules). Each of these five
    themes tells its first kind of finding before any tells its second, and each kind its first before any
    second. Activities are recognised in any of the six languages. What a log cannot tell is left out: without
    a due date or terms there is nothing on late payments. Money at stake is what was lost, is outstanding or
    broke a rule; of a delay it is the cost of capital of what came later. Sums overlap: a deal may be in
    several findings.

    Parameters
    ----------
    log : EventLog
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the sentences.
    value : str, optional
        Attribute of the amount. By default the first usual name that the log has; where there are several
        currencies and the export has converted every amount, the converted ones, which a note says. Without
        amounts, findings are ranked by days, then by cases.
    currency : str, optional
        Attribute of its currency; see `amounts_of`.
    where : Expression, optional
        Only these cases.
    most : int
        So many findings per currency.
    capital_cost : float
        Part of an amount that its delay by a year costs.
    discount_limit : float
        Percent above which a discount needs an approval.
    sources : sequence of callable (Context) -> iterable of Candidate
        What looks for findings.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Findings

    Raises
    ------
    SchemaError
        There is no such column or language.
    ArgumentError
        A number is out of its range.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = findings(from_arrow(lead_to_cash(300).events), language="fr", most=3)
    >>> found.table.column_names[:5], len(found)
    (['rank', 'currency', 'kind', 'basis', 'money'], 3)
    """
    words = Words(language)
    if not isinstance(most, int) or most < 1:
        raise ArgumentError(f"most is a whole number of at least 1, got {most!r}")
    if not 0 <= capital_cost <= 10 or not 0 <= discount_limit < 100:
        raise ArgumentError("the cost of capital is from 0 to 10, the limit of discounts from 0 to 100",
                            hint="0.08 is 8 percent a year, 20 is 20 percent")  # fmt: skip
    chosen = log if where is None else log.filter(where, threads=threads)
    amounts = _amounts(chosen, value, currency)
    context = Context(chosen, amounts, capital_cost, discount_limit, threads)
    looked = distinct(_looked(context, sources, progress))
    rows: list[dict[str, Any]] = []
    numbers = [np.zeros(0, dtype=np.int64)]
    for place in _currencies(amounts):
        parts = looked if place is None else _parts(looked, context, place)
        for rank, (candidate, part) in enumerate(foremost(parts, looked, most), 1):
            rows.append(_row(rank, candidate, part, context, place, words))
            numbers.append(part.cases)
    of_row = np.repeat(np.arange(len(rows)), [len(cases) for cases in numbers[1:]])
    cases = CaseRows.of_pairs(Later(lambda: chosen.case_ids), of_row, np.concatenate(numbers), len(rows))
    notes = [] if amounts is None else amounts.findings
    return Findings(_table(rows), language, notes, cases, LogReference(chosen))


def _amounts(log: EventLog, value: str | None, currency: str | None) -> Amounts | None:
    """Return the amounts: those named, else those in the corporate currency, else the first usual ones."""
    if value is not None:
        return amounts_of(log, value, currency)
    name = _usual_value(log)
    own = None if name is None else amounts_of(log, name, currency)
    if own is None or len(own.currencies) == 1 or currency is not None:
        return own
    if CONVERTED not in log.attribute_names or log.attribute(CONVERTED).level != "case":
        return own
    converted = amounts_of(log, CONVERTED, currency)
    if (own.known & ~converted.known).any():
        return own
    note = Finding(f"amounts of several currencies, as converted in {CONVERTED!r}")
    note.add(int(converted.known.sum()), [])
    return replace(converted, currencies=(None,), of_case=np.zeros(log.cases, dtype=np.int32),
                   findings=[*converted.findings, note])  # fmt: skip


def _usual_value(log: EventLog) -> str | None:
    for name in VALUES:
        if name in log.attribute_names and log.attribute(name).level == "case":
            kind = log.attribute(name).values.type
            if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
                return name
    return None


def _currencies(amounts: Amounts | None) -> list[int | None]:
    """Return the currencies, that of most cases first; one None where there is nothing to tell apart."""
    if amounts is None or len(amounts.currencies) == 1:
        return [None]
    sizes = np.bincount(amounts.of_case, minlength=len(amounts.currencies))
    return [int(place) for place in np.argsort(-sizes, kind="stable")]


def _parts(looked: Sequence[Candidate], context: Context, place: int) -> list[Candidate]:
    """Return the candidates with those of their cases that are in a currency."""
    parts = []
    for candidate in looked:
        assert context.amounts is not None
        own = context.amounts.of_case[candidate.cases] == place
        days = None if candidate.days is None else candidate.days[own]
        parts.append(replace(candidate, cases=candidate.cases[own], stake=candidate.stake[own], days=days))
    return parts


def _looked(context: Context, sources: Sequence[Source], progress: Progress | None) -> Iterator[Candidate]:
    """Yield what the sources find, in their order; they look side by side."""
    found = map_blocks(lambda source: list(source(context)), sources, threads=context.threads,
                       progress=progress)  # fmt: skip
    for candidates in found:
        yield from candidates


def _row(
    rank: int, candidate: Candidate, part: Candidate, context: Context, place: int | None, words: Words
) -> dict[str, Any]:  # fmt: skip
    amounts = context.amounts
    currency = None if amounts is None else amounts.currencies[place or 0]
    money = None if amounts is None else float(part.stake.sum())
    amount = float((context.cash if part.basis == "capital" else context.value)[part.cases].sum())
    said = words.sentence(candidate, money=money, amount=amount, currency=currency,
                          rate=context.capital_cost)  # fmt: skip
    chosen = candidate.filter
    if chosen is not None and place is not None:
        column = next((name for name in CURRENCY if name in context.log.attribute_names), None)
        chosen = (
            None if column is None or currency is None else chosen & (conditions.case(column) == currency)
        )
    return {
        "rank": rank, "currency": currency, "kind": part.kind, "basis": part.basis, "money": money,
        "amount": None if amounts is None else amount, "cases": len(part.cases),
        "days": None if part.days is None else float(part.days.sum()), "sentence": said,
        "filter": None if chosen is None else to_json(chosen),
        "numbers": [{"name": name, "value": float(value)} for name, value in candidate.numbers.items()],
        "names": [{"name": name, "value": words.name(value)} for name, value in candidate.names.items()],
    }  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    texts = ("currency", "kind", "basis", "sentence", "filter")
    kinds = {"money": pa.float64(), "amount": pa.float64(), "days": pa.float64(), "numbers": NUMBER,
             "names": NAME}  # fmt: skip
    columns: dict[str, Any] = {}
    for name in ("rank", "currency", "kind", "basis", "money", "amount", "cases", "days", "sentence",
                 "filter", "numbers", "names"):  # fmt: skip
        values = [row[name] for row in rows]
        if name in texts:
            columns[name] = text(values)
        elif name in kinds:
            columns[name] = pa.array(values, kinds[name])
        else:
            columns[name] = arrow(np.array(values, dtype=np.int64))
    return table(columns)
