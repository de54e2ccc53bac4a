"""The findings that matter most in a lead-to-cash log, ranked by the money at stake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.currencies import currency_column
from dealtrace_engine.analyses.working_time import Calendar, calendars_of
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters import where as conditions
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.json_form import to_json
from dealtrace_engine.filters.values import EPOCH
from dealtrace_engine.lead_to_cash.findings_amounts import ranked_amounts
from dealtrace_engine.lead_to_cash.findings_causes import (
    loss_drivers,
    loss_patterns,
    slow_drivers,
    slow_patterns,
)
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
    stage_findings, funnel_drop, loss_drivers, slow_drivers, loss_patterns, slow_patterns,
    broken_rules,
)  # fmt: skip
"""What looks for findings; another one is a function here and its sentences in findings.json."""
NUMBER = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
NAME = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


@dataclass(frozen=True, eq=False)
class Findings(Result):
    """What matters most.

    Attributes
    ----------
    table : pyarrow.Table
        A row per finding; by currency, that of most cases first, then by rank. rank: from 1 within the
        currency; currency: text, that of the money, null where the log has none or does not tell it; kind:
        what it is about, a key of findings.json; basis: what the money is: ``capital`` (days x amount x the
        cost of capital), ``owed``, ``discount``, ``lost``, ``missed`` (against the rate of others),
        ``hoped`` or ``exposed`` (what broke a rule); money: float64, at stake, null where no amount is known;
        amount: float64, of the cases; cases: int64, in the currency; days: float64, of their delay, null
        where it is not about time; with a calendar days of 24 working hours, but those of payments, and then
        `numbers` have day_hours: 24, which `sentence` tells; sentence: text in `language`; filter: JSON
        text of an expression that selects these cases of what was looked at, and no others, null where none
        does; numbers and names: lists of what is in the sentence.
    language : str
    findings : list of Finding
        Amounts that are missing or odd, cannot be used, are left out, or were converted; `notes` says it in
        `language`.
    """

    table: pa.Table
    language: str
    findings: list[Finding]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "findings 4"

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

    @property
    def all_cases(self) -> pa.Table:
        """The cases of every finding, in the order of `table`, then of the log.

        rank, currency, kind: those of the finding; case_id: text.
        """
        numbers, offsets = self._rows.found()
        rows = arrow(np.repeat(np.arange(len(self)), np.diff(offsets)))
        told = self.table.select(["rank", "currency", "kind"]).take(rows)
        return told.append_column("case_id", self._rows.case_ids().take(arrow(numbers)))

    @property
    def notes(self) -> list[str]:
        """What `findings` say, in words of `language`, with the number of cases."""
        words = Words(self.language)
        return [words.note(one.reason, one.count) for one in self.findings]

    def _content(self) -> dict[str, Any]:
        told = zip(self.findings, self.notes, strict=True)
        notes = [{"reason": one.reason, "count": one.count, "text": text} for one, text in told]
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
    calendar: Calendar | None = None,
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
    several findings. Where there are several currencies, each is looked at for itself: its findings are of
    its own cases, and so are the others that they are compared with; there is no other `by`, as groups of
    deals are what findings are about, and `where` has those of one group. Where a rule, an approval, an
    order, a quote, a payment or an open deal goes wrong clearly more often in one region, team, segment,
    product, country or with one rep, with control of false discoveries, the sentence names it; see
    `foremost_group`.

    Parameters
    ----------
    log : EventLog
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the sentences.
    value : str, optional
        Attribute of the amount. By default the first usual name of one with a number per case; where there
        are several currencies and the export has converted every amount, the converted ones, which a note
        says, in the currency whose amounts stay as they are. Amounts below zero (credit notes, corrections)
        are left out of the money at stake, which a note says. Without amounts, findings are ranked by days,
        then by cases; a note says why.
    currency : str, optional
        Attribute of its currency; see `amounts_of`.
    where : Expression, optional
        Only these cases.
    calendar : WorkingCalendar or Calendars, optional
        Times are of work by it, in days of 24 hours: waits, approvals, cycle times, revisions, stages, how
        long deals are idle, and the limits of rules. What is slow is then what takes more work time than
        usual. Money goes by the clock, as interest runs at night too: what a delay costs, and which waits
        delay most cash. So do payments, as in `receivables`.
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
        A number is out of its range, or a case has no calendar.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> found = findings(from_arrow(lead_to_cash(300).events), language="fr", most=3)
    >>> found.table.column_names[:5], len(found)
    (['rank', 'currency', 'kind', 'basis', 'money'], 3)
    >>> from dealtrace_engine.calendar import WorkingCalendar
    >>> found = findings(from_arrow(lead_to_cash(300).events), calendar=WorkingCalendar("Europe/Berlin"))
    >>> next(said for said in found.sentences if "Revised" in said).split(". ")[1]
    'A day here is 24 working hours'
    """
    words = Words(language)
    if not isinstance(most, int) or most < 1:
        raise ArgumentError(f"most is a whole number of at least 1, got {most!r}")
    are_numbers = all(isinstance(given, int | float) for given in (capital_cost, discount_limit))
    if not are_numbers or not 0 <= capital_cost <= 10 or not 0 <= discount_limit < 100:
        raise ArgumentError("the cost of capital is from 0 to 10, the limit of discounts from 0 to 100, "
                            f"got {capital_cost!r} and {discount_limit!r}",
                            hint="0.08 is 8 percent a year, 20 is 20 percent")  # fmt: skip
    chosen = log if where is None else log.filter(where, threads=threads)
    if calendar is not None:
        calendars_of(chosen, calendar)  # cases without one are no matter of what asks for times
    ranked = ranked_amounts(chosen, value, currency)
    whole = Context(chosen, ranked.amounts, capital_cost, discount_limit, threads, _until(chosen), calendar)
    looked = _looked(_parts(whole, currency), sources, progress)
    rows: list[dict[str, Any]] = []
    numbers = [np.zeros(0, dtype=np.int64)]
    for part, candidates in looked:
        for rank, candidate in enumerate(foremost(distinct(candidates), most), 1):
            rows.append(_row(rank, candidate, part, words, ranked.is_converted))
            numbers.append(part.cases[candidate.cases])
    of_row = np.repeat(np.arange(len(rows)), [len(cases) for cases in numbers[1:]])
    cases = CaseRows.of_pairs(Later(lambda: chosen.case_ids), of_row, np.concatenate(numbers), len(rows))
    return Findings(_table(rows), language, ranked.notes, cases, LogReference(chosen))


def _until(log: EventLog) -> datetime | None:
    """Return the last instant of a log, which its parts do not tell; None where its export does."""
    coverage = log.origin.coverage
    if coverage is not None and coverage.exported is not None:
        return None
    return EPOCH + timedelta(microseconds=log.span[1])


class _Part(NamedTuple):
    """The cases of one currency; all of them where there is nothing to tell apart.

    Attributes
    ----------
    context : Context
    cases : ndarray of int64, shape (cases of the context,)
        Their numbers in the whole log.
    condition : Expression or None
        What selects them there.
    """

    context: Context
    cases: NDArray[np.int64]
    condition: Expression | None


def _parts(whole: Context, currency: str | None) -> list[_Part]:
    """Return the cases of each currency, that of most cases first."""
    amounts = whole.amounts
    if amounts is None or len(amounts.currencies) == 1:
        return [_Part(whole, np.arange(whole.log.cases), None)]
    column = currency or currency_column(whole.log) or ""
    values = whole.log.attribute(column).values
    sizes = np.bincount(amounts.of_case, minlength=len(amounts.currencies))
    parts = []
    for place in np.argsort(-sizes, kind="stable").tolist():
        own, name = amounts.of_case == place, amounts.currencies[place]
        value, case = values[int(np.argmax(own))].as_py(), conditions.case(column)
        condition = case.is_null() if value is None else case == value
        parts.append(_Part(whole.of_cases(own, name), np.flatnonzero(own), condition))
    return parts


def _looked(
    parts: Sequence[_Part], sources: Sequence[Source], progress: Progress | None
) -> Iterator[tuple[_Part, list[Candidate]]]:
    """Yield what the sources find in each part, in their order; they look side by side."""
    asked = [(source, part.context) for part in parts for source in sources]
    found = map_blocks(lambda pair: list(pair[0](pair[1])), asked, threads=parts[0].context.threads,
                       progress=progress)  # fmt: skip
    for place, part in enumerate(parts):
        own = found[place * len(sources) : (place + 1) * len(sources)]
        yield part, [candidate for candidates in own for candidate in candidates]


def _row(rank: int, candidate: Candidate, part: _Part, words: Words, is_converted: bool) -> dict[str, Any]:
    context, amounts = part.context, part.context.amounts
    currency = None if amounts is None else amounts.currencies[0]
    known = amounts is not None and bool(amounts.known[candidate.cases].any())
    money = float(candidate.stake.sum()) if known else None
    amount = float((context.cash if candidate.basis == "capital" else context.value)[candidate.cases].sum())
    said = words.sentence(candidate, money=money, amount=amount, currency=currency,
                          is_converted=is_converted, rate=context.capital_cost)  # fmt: skip
    chosen = _exact(candidate, part)
    return {
        "rank": rank, "currency": currency, "kind": candidate.kind, "basis": candidate.basis, "money": money,
        "amount": amount if known else None, "cases": len(candidate.cases),
        "days": None if candidate.days is None else float(candidate.days.sum()), "sentence": said,
        "filter": None if chosen is None else to_json(chosen),
        "numbers": [{"name": name, "value": float(value)} for name, value in candidate.numbers.items()],
        "names": [{"name": name, "value": words.name(value)} for name, value in candidate.names.items()],
    }  # fmt: skip


def _exact(candidate: Candidate, part: _Part) -> Expression | None:
    """Return the filter of a candidate, if it selects its cases and no others."""
    if candidate.filter is None:
        return None
    mask = candidate.filter.mask(part.context.log, part.context.threads)
    if not np.array_equal(np.flatnonzero(mask), candidate.cases):
        return None
    return candidate.filter if part.condition is None else candidate.filter & part.condition


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
