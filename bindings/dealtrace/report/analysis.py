"""Everything that `dealtrace analyze` finds out about a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dealtrace_engine.results import plain

if TYPE_CHECKING:
    from dealtrace.report.lead_to_cash import Answers, Step
    from dealtrace_engine.analyses.follows import DirectlyFollows
    from dealtrace_engine.analyses.throughput import ThroughputTimes
    from dealtrace_engine.analyses.token_replay import TokenReplay
    from dealtrace_engine.analyses.variants import Variants
    from dealtrace_engine.calendar import Calendars, WorkingCalendar
    from dealtrace_engine.lead_to_cash.findings import Findings
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.models.petri_net import PetriNet
    from dealtrace_engine.results import Result

PERCENTILES = (0, 25, 50, 75, 90, 95, 99, 100)


@dataclass(frozen=True)
class Analysis:
    """A log and the answers about it.

    Attributes
    ----------
    log : EventLog
    follows : DirectlyFollows
    variants : Variants
    throughput : ThroughputTimes
    replay : TokenReplay or None
    net : PetriNet or None
        The model, where one was given.
    findings : Findings or None
        What matters most, where that was asked for.
    lead_to_cash : Answers or None
        What sales and finance ask, where it is to be written.
    """

    log: EventLog
    follows: DirectlyFollows
    variants: Variants
    throughput: ThroughputTimes
    replay: TokenReplay | None = None
    net: PetriNet | None = None
    findings: Findings | None = None
    lead_to_cash: Answers | None = None

    @property
    def answers(self) -> list[Result]:
        """The results that there are."""
        answers = [self.follows, self.variants, self.throughput, self.replay, self.findings]
        more = () if self.lead_to_cash is None else self.lead_to_cash.results.values()
        return [answer for answer in (*answers, *more) if answer is not None]


def analyse(
    log: EventLog, net: PetriNet | None, threads: int | None, step: Step, *, language: str | None = None,
    value: str | None = None, currency: str | None = None,
    calendar: WorkingCalendar | Calendars | None = None,
) -> Analysis:  # fmt: skip
    """Answer every question about a log; `step` times each and gives its progress callback.

    With a language what matters most is found too, and told in it, by the amounts in the attribute `value` in
    the `currency` of another one (see `findings`); its times are working time where there is a calendar.

    Raises
    ------
    SchemaError, ArgumentError
        There is no such attribute, or a case has no calendar.
    """
    import dealtrace as dt

    with step("process map") as progress:
        follows = dt.directly_follows(log, threads=threads, progress=progress)
        _ = follows.edges, follows.activities
    with step("variants") as progress:
        variants = dt.variants(log, threads=threads, progress=progress)
    with step("throughput times") as progress:
        throughput = dt.throughput_times(log, threads=threads, progress=progress)
    replay = None
    if net is not None:
        with step("conformance") as progress:
            replay = dt.token_replay(log, net, known=variants, threads=threads, progress=progress)
    with step("data quality"):
        _ = log.quality
    findings = None
    if language is not None:
        with step("findings") as progress:
            findings = dt.findings(
                log, language=language, value=value, currency=currency, calendar=calendar, threads=threads,
                progress=progress,
            )  # fmt: skip
    return Analysis(log, follows, variants, throughput, replay, net, findings)


def log_facts(log: EventLog) -> dict[str, Any]:
    """Return what a log is: where from, how large, when, and its columns; ready for JSON."""
    first, last = span_texts(log)
    return {
        "source": log.origin.source.label,
        "fingerprint": log.fingerprint,
        "events": log.events,
        "cases": log.cases,
        "activities": len(log.activities),
        "first": f"{first}Z",
        "last": f"{last}Z",
        "columns": log.quality.columns,
        "has_start_timestamps": log.has_start_timestamps,
        "attributes": list(log.attribute_names),
    }


def span_texts(log: EventLog) -> tuple[str, str]:
    """Return the first and last time of a log, UTC, as ISO 8601 without a zone."""
    import numpy as np

    first, last = (str(np.datetime64(time, "us")) for time in log.span)
    return first, last


def throughput_percentiles(analysis: Analysis) -> dict[str, float]:
    """Return percentiles of the throughput time in seconds, by name."""
    values = analysis.throughput.percentiles(list(PERCENTILES))
    return {f"p{p}_s": value for p, value in zip(PERCENTILES, values, strict=True)}


def document(analysis: Analysis, most_variants: int = 100) -> dict[str, Any]:
    """Return the answers as one document, ready for JSON; of the variants the most frequent ones."""
    from dealtrace.report.process_map import process_map

    table = analysis.variants.table
    answer = {
        "log": log_facts(analysis.log),
        "quality": analysis.log.quality.to_dict(),
        "process_map": process_map(analysis.follows),
        "variants": {
            "count": table.num_rows,
            "listed": min(most_variants, table.num_rows),
            "table": plain(table.slice(0, most_variants)),
        },
        "throughput": throughput_percentiles(analysis),
    }
    if analysis.findings is not None:
        answer["findings"] = analysis.findings.to_dict()
    if analysis.replay is None:
        return answer
    from dealtrace.report.conformance import conformance

    return {**answer, "conformance": conformance(analysis.replay)}
