"""`dealtrace kpis`: the figures of lead-to-cash."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dealtrace.commands.analyze import show
from dealtrace.commands.arguments import check_amounts, in_options
from dealtrace.commands.inputs import open_input, read_filter, read_hours
from dealtrace.commands.steps import Steps
from dealtrace_engine.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dealtrace.report.terminal_words import TerminalWords
    from dealtrace_engine.lead_to_cash.kpis import Kpis

SCHEMA = "dealtrace.kpis/1"
WIDEST = 18
"""Of an attribute's value, in letters."""
TOLD = 12
"""How many reasons without a value are told in full."""


def run(arguments: argparse.Namespace) -> None:
    """Read the log and tell its KPIs."""
    from dealtrace_engine.lead_to_cash.kpis import kpis

    language, arguments.lang = arguments.lang or "en", None  # of the KPIs; activities are known in any
    arguments.moves_ends = True
    check_amounts(arguments)
    targets, expression = read_targets(arguments.target), read_filter(arguments.filter)
    calendar, silent = read_hours(arguments.calendar), arguments.quiet or arguments.json
    with Steps(visible=not silent) as steps:
        with steps.step("read") as progress:
            log = open_input(arguments, progress)
        with steps.step("kpis"):
            found = kpis(
                log, _listed(arguments.ids), ends=_ends(arguments.mapping), by=_listed(arguments.by),
                where=expression, period=arguments.period, cohort=arguments.cohort, targets=targets,
                value=arguments.value, currency=arguments.currency, calendar=calendar, until=arguments.as_of,
                language=language, threads=arguments.threads,
            )  # fmt: skip
    if arguments.json:
        answer = {"schema": SCHEMA, **found.to_dict(), "timings_s": steps.seconds}
        json.dump(answer, sys.stdout, ensure_ascii=False, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        show(tuple(sections(found, language)), whole=True)


def _ends(mapping: str | None) -> Mapping[str, Any] | None:
    """Return where a mapping file says that times begin and end."""
    from dealtrace_engine.sources.crm.mapping_file import read_mapping

    return None if mapping is None else read_mapping(mapping).ends


def _listed(given: str | None) -> list[str] | None:
    return None if given is None else [name.strip() for name in given.split(",")]


def read_targets(given: Sequence[str]) -> dict[str, float]:
    """Return the targets that are given as ``ID=NUMBER``.

    Raises
    ------
    ArgumentError
        One is not.

    Examples
    --------
    >>> read_targets(["K18.w=0.4"])
    {'K18.w': 0.4}
    """
    found = {}
    for one in given:
        name, _, number = one.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise ArgumentError(f"no target: {one!r}", hint="such as K18.w=0.4") from error
    return found


def sections(found: Kpis, language: str = "en") -> Iterator[RenderableType]:
    """Yield the table of the values, and why others have none; the reasons are in English."""
    from rich.text import Text

    from dealtrace.report.terminal import NAMES, figures_table, heading, safe
    from dealtrace.report.terminal_words import TerminalWords

    words = TerminalWords(language)
    kinds = {kpi.id: kpi.kind for kpi in found.kpis}
    rows = [{**row, "kind": kinds[row["id"]]} for row in found.to_arrow().to_pylist()]
    keys = _keys(found)
    known = [row for row in rows if row["value"] is not None]
    targets = any(row["target"] is not None for row in rows)
    columns = ["KPI", *keys, "value", "95 %", "of", "open", *(["target"] if targets else [])]
    yield heading(words.heading("kpis"))
    yield figures_table(
        [words.column(name) for name in columns],
        ([*_cells(row, keys, words), *([_target(row, words)] if targets else [])] for row in known),
        texts=1, least=NAMES,
    )  # fmt: skip
    if found.working_time:
        yield Text(words.said("working_time"))
    unknown = {f"{row['id']} {row['name']}": row["note"] for row in rows if row["value"] is None}
    if unknown:
        yield heading(words.heading("not_told"))
        for name, note in list(unknown.items())[:TOLD]:
            yield Text(safe(in_options(f"{name}: {note}")))
        if len(unknown) > TOLD:
            yield Text(words.said("more", count=len(unknown) - TOLD))


def _keys(found: Kpis) -> list[str]:
    names: list[str] = found.to_arrow().column_names
    keys = names[names.index("name") + 1 : names.index("value")]
    return [key for key in keys if key != "currency" or len(set(found.to_arrow()[key].to_pylist())) > 1]


def _cells(row: dict[str, Any], keys: Sequence[str], words: TerminalWords) -> list[object]:
    low, high = row["low"], row["high"]
    unsure = low is None or high is None
    interval = "" if unsure else f"{_figure(row, low, words)} - {_figure(row, high, words)}"
    named = [words.said("none") if row[key] is None else str(row[key])[:WIDEST] for key in keys]
    value = f"{_figure(row, row['value'], words)}{_unit(row, words)}"
    counts = [words.number(row[name]) for name in ("cases", "open")]
    return [f"{row['id']} {row['name']}", *named, value, interval, *counts]


def _figure(row: dict[str, Any], value: float, words: TerminalWords) -> str:
    if row["unit"] == "share":
        return words.share(value)
    counted = row["unit"] == "count" and row["kind"] != "mean"
    return words.number(value, 0 if counted or abs(value) >= 1000 else 1)


def _unit(row: dict[str, Any], words: TerminalWords) -> str:
    if row["unit"] in ("days", "percent"):
        return words.unit(row["unit"])
    unit = str(row["unit"])
    money = unit.removesuffix(" per day")
    per_day = "" if money == unit else words.unit("per_day")
    told = f"{money.replace('money', '')}{per_day}" if money not in ("share", "count") else ""
    return f" {told}" if told else ""


def _target(row: dict[str, Any], words: TerminalWords) -> str:
    if row["target"] is None:
        return ""
    figure = _figure(row, row["target"], words)
    return figure if row["met"] is None else words.said("met" if row["met"] else "missed", figure=figure)
