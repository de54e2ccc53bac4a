"""`dealtrace check`: do the cases of a log keep the rules; for people, and for pipelines by the exit code.

Exit codes: 0 every rule that the log can answer is kept; 1 a rule is violated; 2 bad input, a rule that names
an activity that nobody knows, or a log that can answer none of the rules.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dealtrace.commands.analyze import show
from dealtrace.commands.arguments import check_amounts
from dealtrace.commands.inputs import open_input, read_filter, read_hours
from dealtrace.commands.steps import Steps
from dealtrace.commands.streams import say, while_read
from dealtrace_engine.errors import ArgumentError, LogError, ModelError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from dealtrace.report.terminal_words import TerminalWords
    from dealtrace_engine.analyses.check_rules import RuleCheck
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.models.rules import Rules

KEPT, VIOLATED, FAILED = 0, 1, 2
SCHEMA = "dealtrace.check/1"
FIRST_CASES = 20
"""How many case ids of each row are in the JSON document."""


def run(arguments: argparse.Namespace) -> int:
    """Read the rules and the log, check, and tell by the exit code whether a rule is violated."""
    from dealtrace_engine.analyses.check_rules import check_rules
    from dealtrace_engine.models.rule_file import read_rules, ready_rules

    language, arguments.lang = arguments.lang or "en", None  # of the rules; activities are known in any
    rules, expression = (
        (read_rules(arguments.rules) if arguments.rules else ready_rules()),
        read_filter(arguments.filter),
    )
    calendar = read_hours(arguments.calendar)
    check_amounts(arguments)
    if arguments.allow_missing and not arguments.rules:
        raise ArgumentError(
            "--allow-missing is for a rule pack of your own", hint="name it, or leave this out"
        )
    with Steps(visible=not (arguments.quiet or arguments.json)) as steps:
        with steps.step("read") as progress:
            log = open_input(arguments, progress)
        if arguments.rules and not arguments.allow_missing:
            _check_activities(log, rules)
        with steps.step("check") as progress:
            found = check_rules(
                log, rules, by=arguments.by.split(",") if arguments.by else None, where=expression,
                value=arguments.value, currency=arguments.currency, calendar=calendar, as_of=arguments.as_of,
                rank=arguments.rank, language=language, threads=arguments.threads, progress=progress,
            )  # fmt: skip
    with while_read():  # whether anybody reads it changes no verdict
        if arguments.json:
            json.dump(document(found, steps.seconds), sys.stdout, ensure_ascii=False, allow_nan=False)
            sys.stdout.write("\n")
        elif not arguments.quiet:
            show(tuple(sections(found, language)), whole=True)
    if arguments.rules and arguments.quiet:
        _say_unchecked(found)
    if not found.applicable:
        raise LogError("none of the rules is applicable to this log")
    return VIOLATED if found.violated else KEPT


def _check_activities(log: EventLog, rules: Rules) -> None:
    """Refuse rules about activities that nobody knows: they are misspelt, and would not be checked.

    Raises
    ------
    ModelError
        There are some; a line of each is on stderr.
    """
    from dealtrace_engine.analyses.rule_activities import unknown_activities

    unknown = unknown_activities(log, rules)
    for one in unknown:
        near = f"; nearest: {', '.join(map(repr, one.near))}" if one.near else ""
        say(f"dealtrace: rule {one.rule!r}: there is no activity {one.activity!r}{near}")
    if unknown:
        count = len({one.activity for one in unknown})
        what = "an activity is" if count == 1 else f"{count} activities are"
        raise ModelError(f"{what} neither in the log nor canonical", file=rules.source,
                         hint="correct the rules, or say --allow-missing to check without")  # fmt: skip


def _say_unchecked(found: RuleCheck) -> None:
    """Say which rules were not checked, where nothing else is said: to keep the others is not to keep all."""
    rows = [row for row in found.table.to_pylist() if row["status"] == "not applicable"]
    for rule, reason in {row["rule"]: row["reason"] for row in rows}.items():
        say(f"dealtrace: rule {rule!r} was not checked: {reason}")


def document(found: RuleCheck, seconds: dict[str, float]) -> dict[str, Any]:
    """Return the JSON document: the result, with the first cases of each row."""
    answer = {"schema": SCHEMA, "violated": found.violated, **found.to_dict(), "timings_s": seconds}
    for place, row in enumerate(answer["rules"]):
        row["case_ids"] = found.cases(place).slice(0, FIRST_CASES).to_pylist()
    return answer


def sections(found: RuleCheck, language: str = "en") -> Iterator[RenderableType]:
    """Yield what there is to say: the rules that are violated, those that are not, how many cases conform.

    Reasons and what was noticed are in English.
    """
    from rich.text import Text

    from dealtrace.report.terminal import heading, safe
    from dealtrace.report.terminal_words import TerminalWords

    words = TerminalWords(language)
    rows = found.table.to_pylist()
    broken = [row for row in rows if row["status"] == "violated"]
    ids = {row["rule"] for row in broken}
    yield heading(words.heading("violated", count=len(ids), rules=len(found.rules)))
    if broken:
        yield _violated(broken, found.table.column_names, words)
    names = {row["rule"]: row["name"] for row in rows}
    for status, title in (("conforming", "kept"), ("no case", "no_case")):
        others: Counter[str] = Counter()
        for row in rows:
            if row["status"] == status and row["rule"] not in ids:
                others[row["rule"]] += row["accepted_cases"]
        if others:
            yield heading(words.heading(title))
            told = (_accepted(names[rule], cases, words) for rule, cases in others.items())
            yield Text(safe(", ".join(told)))
        ids |= set(others)
    reasons = {row["rule"]: row["reason"] for row in rows if row["status"] == "not applicable"}
    if reasons:
        yield heading(words.heading("not_applicable", count=len(reasons), rules=len(found.rules)))
        for rule, reason in reasons.items():
            yield Text(safe(f"{names[rule]}: {reason}"))
    if found.conformance_rate is None:
        return
    yield heading(words.heading("conformance"))
    cases, conforming = (sum(found.overall[name].to_pylist()) for name in ("cases", "conforming_cases"))
    yield Text(words.said(
        "conforming", count=words.number(conforming), cases=words.number(cases),
        rate=words.share(found.conformance_rate), time=f"{found.as_of:%Y-%m-%d %H:%M}",
    ))  # fmt: skip
    for finding in found.findings:
        yield Text(f"{safe(finding.reason)}: {words.number(finding.count)}")


def _accepted(rule: str, cases: int, words: TerminalWords) -> str:
    """Return the name of a rule with the cases whose violations are accepted, where there are any."""
    form = "accepted_one" if cases == 1 else "accepted_many"
    return words.said(form, rule=rule, count=words.number(cases)) if cases else rule


def _violated(rows: Sequence[dict[str, Any]], names: Sequence[str], words: TerminalWords) -> Table:
    """Return the violated rules with their figures; columns without any are left out."""
    from dealtrace.report.terminal import NAMES, figures_table

    told = [_figures(row, names[: names.index("rule")], words) for row in rows]
    used = [name for name in told[0] if any(row[name] for row in told)]
    texts, columns = sum(name not in FIGURES for name in used), [words.column(name) for name in used]
    return figures_table(columns, ([row[name] for name in used] for row in told), texts, least=NAMES)


FIGURES = ("cases", "of", "kept", "accepted", "days", "at stake")


def _figures(row: dict[str, Any], groups: Sequence[str], words: TerminalWords) -> dict[str, str]:
    days, value = row["days_lost"], row["value_at_stake"]
    return {
        **{name: words.said("none") if row[name] is None else str(row[name])
           for name in groups if name != "currency"},
        "currency": row.get("currency") or "", "rule": row["name"],
        "severity": words.severity(row["severity"]),
        "cases": words.number(row["violating_cases"]), "of": words.number(row["applicable_cases"]),
        "kept": "" if row["adherence"] is None else words.share(row["adherence"]),
        "accepted": words.number(row["accepted_cases"]) if row["accepted_cases"] else "",
        "days": words.number(days) if days else "", "at stake": "" if value is None else words.number(value),
    }  # fmt: skip
