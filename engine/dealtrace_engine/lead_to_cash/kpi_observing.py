"""The objects that each KPI is told of: whether they got there, and what was measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dealtrace_engine.analyses.invoices import UNKNOWN
from dealtrace_engine.analyses.milestones import NEVER, Reached
from dealtrace_engine.lead_to_cash.kpi_facts import DAY, LOST, OPEN, WON, Facts
from dealtrace_engine.lead_to_cash.kpi_observed import SCALE, Observed, chosen_cases, counted, too_old
from dealtrace_engine.lead_to_cash.kpi_registry import DISCOUNT, EXCESSIVE_PERCENT, REWORK, Kpi
from dealtrace_engine.lead_to_cash.kpi_times import ENDED, answers, between, handovers, stage_visits

WITHOUT_CASE = (
    "lead that never became an opportunity is", "leads that never became an opportunity are",
)  # fmt: skip
UNDECIDED = (
    "open opportunity is not decided and not counted", "open opportunities are not decided and not counted",
)  # fmt: skip


def observed(facts: Facts, kpi: Kpi) -> Observed | str:
    """Return what a KPI is told of, or why the log cannot tell it.

    What began before the log can tell whether it got there is not counted: neither as open, nor where it got
    there late enough to be told, as only the slow ones did.
    """
    kind = between if kpi.grain != "approval" else answers
    found = SPECIAL.get(kpi.id, kind)(facts, kpi)
    return found if isinstance(found, str) else found.without(*too_old(facts, kpi, found.starts))


def _lead_share(facts: Facts, kpi: Kpi) -> Observed | str:
    coverage = facts.log.origin.coverage
    if coverage is not None and coverage.leads_without_case:
        missing = counted(coverage.leads_without_case, WITHOUT_CASE)
        return f'{missing} not in this log; read it with case="lead"'
    end = {"K3": "opportunity_created", "K4.w": "opportunity_won", "K4.p": "payment_received"}[kpi.id]
    done = facts.state == WON if kpi.id == "K4.w" else facts.ever(end)
    leads, captured = facts.ever("lead_captured"), facts.reached("lead_captured").firsts
    times = np.where(leads & done, np.maximum(facts.reached(end).firsts - captured, 0), 0)
    found = chosen_cases(facts, kpi, leads, np.asarray(done), ~facts.lapsed, times)
    if facts.ever("opportunity_created")[leads].all():
        found.notes.append(
            "every lead of this log has an opportunity: those that never got one may be missing"
        )
    return found


def _quotes_each(facts: Facts, kpi: Kpi) -> Observed:
    records = facts.records("quote")
    counts = facts.reached("quote_created").counts
    if records is not None:
        made = facts.of_records(records, "quote_created").counts > 0
        counts = np.bincount(records.cases[made], minlength=facts.log.cases)
    quoted = counts > 0
    return chosen_cases(facts, kpi, quoted, quoted, values=counts * SCALE)


def _record_share(facts: Facts, kpi: Kpi) -> Observed:
    """Return quotes accepted, orders that went wrong, invoices canceled: records, or cases without any."""
    records = facts.records(kpi.grain)

    def found(*activities: str) -> Reached:
        return facts.reached(*activities) if records is None else facts.of_records(records, *activities)

    start = {"K10": "quote_created", "K21.o": "sales_order_created", "K21.i": "invoice_generated"}[kpi.id]
    if kpi.id == "K10":
        done = found("quote_accepted").counts > 0
    elif kpi.id == "K21.o":
        done = (found("order_canceled").counts > 0) | (found("order_fulfilled").counts > 1)
    else:
        done = found("invoice_canceled", "invoice_rebilled").counts > 0
    begun = found(start)
    eligible = begun.counts > 0
    cases = np.arange(facts.log.cases) if records is None else records.cases
    ended = found(*ENDED[kpi.grain]).counts > 0
    open_ = ~done & ~ended & (facts.state == OPEN)[cases] & (kpi.id == "K10")
    accepted = found("quote_accepted").firsts
    times = np.where(done & eligible & (kpi.id == "K10"), np.maximum(accepted - begun.firsts, 0), 0)
    told = Observed(
        cases[eligible].astype(np.int64), done[eligible], open_[eligible], times[eligible],
        begun.firsts[eligible], np.zeros(int(eligible.sum()), np.bool_),
    )  # fmt: skip
    if records is None:
        told.notes.append(f"the log does not tell {kpi.grain}s apart: one per case")
    else:
        told.counted, told.records = "record", np.flatnonzero(eligible)
    return told


def _late(facts: Facts, kpi: Kpi) -> Observed | str:
    invoices = facts.invoices
    if isinstance(invoices, str):
        return invoices
    if not {"due_date", "payment_terms_days"} & set(facts.log.attribute_names):
        return "the log does not say when invoices are due: due_date or payment_terms_days"
    dated, several = invoices.due != UNKNOWN, facts.records("invoice")
    if kpi.id == "K17.p":
        found = chosen_cases(facts, kpi, invoices.is_paid & dated, invoices.is_late)
    else:
        found = chosen_cases(facts, kpi, invoices.issued & dated, invoices.is_overdue, invoices.is_open)
    if several is not None and len(several.cases) > len(np.unique(several.cases)):
        found.notes.append("payments do not say of which invoice: the last payment and due date of each case")
    return found


def _decided(facts: Facts, kpi: Kpi) -> Observed:
    ended = (facts.state == WON) | (facts.state == LOST)
    undecided = facts.ever("opportunity_created") & (facts.state == OPEN)
    found = chosen_cases(
        facts, kpi, np.asarray(ended), np.asarray(facts.state == (WON if kpi.id == "K18.w" else LOST))
    )
    found.leave_out(np.flatnonzero(undecided), UNDECIDED)
    return found


def _stuck(facts: Facts, kpi: Kpi) -> Observed | str:
    created = facts.ever("opportunity_created")
    decided = created & (facts.closed != NEVER)
    ages = np.sort((facts.closed - facts.created)[decided])
    if len(ages) < 10:
        return "not enough data: fewer than 10 decided opportunities"
    limit = ages[-(-9 * len(ages) // 10) - 1]
    still = created & (facts.state == OPEN)
    found = chosen_cases(facts, kpi, np.asarray(still), facts.until - facts.created > limit)
    found.notes.append(f"older than {limit / DAY:.1f} days")
    return found


def _deviations(facts: Facts, kpi: Kpi) -> Observed | str:
    counts = facts.deviations()
    checked = counts >= 0
    if facts.pack is not None and not checked.any():
        return f"no rule of the pack {facts.pack!r} is applicable: the log lacks what they are about"
    done = checked if kpi.kind == "mean" else counts == 0
    found = chosen_cases(facts, kpi, checked, done, values=None if kpi.kind == "rate" else counts * SCALE)
    if facts.pack is not None:
        found.notes.append(f"by the rules of the pack {facts.pack!r}")
    return found


def _rework(facts: Facts, kpi: Kpi) -> Observed:
    counts, created = facts.reached(*REWORK).counts, facts.ever("opportunity_created")
    if kpi.id == "K22.m":
        units, known = facts.worth
        found = chosen_cases(facts, kpi, created & known, counts > 0, values=units)
        return found.without_amounts(facts, created)
    if kpi.kind == "rate":
        return chosen_cases(facts, kpi, created, counts > 0)
    return chosen_cases(facts, kpi, created, created, values=counts * SCALE)


def _discounts(facts: Facts, kpi: Kpi) -> Observed | str:
    percent = facts.numbers(*DISCOUNT.split("|"))
    if percent is None:
        return "the log has no discount of the case: discount_percent or discount_pct, as numbers"
    known = np.isfinite(percent) & (percent >= 0) & (percent < 100)
    discount = np.where(known, percent, 0.0)
    if kpi.id == "K23.m" and facts.amounts is not None:
        off = facts.amounts.taken_off(discount)
        won = np.asarray(known & (discount > 0) & (facts.state == WON))
        told = won & off.known & facts.worth[1]
        return chosen_cases(facts, kpi, told, told, values=off.units).without_amounts(facts, won)
    quoted = known & facts.ever("quote_created")
    if kpi.kind == "rate":
        return chosen_cases(facts, kpi, quoted, discount > EXCESSIVE_PERCENT)
    return chosen_cases(facts, kpi, quoted, quoted, values=np.rint(discount * SCALE).astype(np.int64))


def _pipeline(facts: Facts, kpi: Kpi) -> Observed:
    created = facts.ever("opportunity_created")
    still = created & (facts.state == OPEN)
    if kpi.id == "K25.p":
        units, known = facts.worth
        told = still & known
        return chosen_cases(facts, kpi, told, told, values=units).without_amounts(facts, still)
    return chosen_cases(facts, kpi, created, still)


SPECIAL: dict[str, Callable[[Facts, Kpi], Observed | str]] = {
    **dict.fromkeys(("K3", "K4.w", "K4.p"), _lead_share),
    "K7.n": _quotes_each,
    **dict.fromkeys(("K10", "K21.o", "K21.i"), _record_share),
    **dict.fromkeys(("K17.p", "K17.o"), _late),
    **dict.fromkeys(("K18.w", "K18.l"), _decided),
    "K19.d": stage_visits,
    "K19.s": _stuck,
    **dict.fromkeys(("K20.r", "K20.n"), _deviations),
    **dict.fromkeys(("K22.r", "K22.n", "K22.m"), _rework),
    **dict.fromkeys(("K23.a", "K23.x", "K23.m"), _discounts),
    **dict.fromkeys(("K25.n", "K25.p"), _pipeline),
    **dict.fromkeys(("K26.t", "K26.n"), handovers),
}
"""Those that are no time between two activities."""
