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
        show(tuple(sections(found)), whole=True)


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


def sections(found: Kpis) -> Iterator[RenderableType]:
    """Yield the table of the values, and why others have none."""
    from rich.text import Text

    from dealtrace.report.terminal import NAMES, figures_table, heading, safe

    kinds = {kpi.id: kpi.kind for kpi in found.kpis}
    rows = [{**row, "kind": kinds[row["id"]]} for row in found.to_arrow().to_pylist()]
    keys = _keys(found)
    known = [row for row in rows if row["value"] is not None]
    columns = ["KPI", *keys, "value", "95 %", "of", "open"]
    targets = any(row["target"] is not None for row in rows)
    yield heading("KPIs")
    yield figures_table(
        [*columns, "target"] if targets else columns,
        ([*_cells(row, keys), *([_target(row)] if targets else [])] for row in known),
        texts=1, least=NAMES,
    )  # fmt: skip
    if found.working_time:
        yield Text("Times between milestones are working time, in days of 24 hours.")
    unknown = {row["id"]: row["note"] for row in rows if row["value"] is None}
    if unknown:
        yield heading("Not told")
        for name, note in list(unknown.items())[:TOLD]:
            yield Text(safe(in_options(f"{name}: {note}")))
        if len(unknown) > TOLD:
            yield Text(f"and {len(unknown) - TOLD} more, see --json")


def _keys(found: Kpis) -> list[str]:
    names: list[str] = found.to_arrow().column_names
    keys = names[names.index("name") + 1 : names.index("value")]
    return [key for key in keys if key != "currency" or len(set(found.to_arrow()[key].to_pylist())) > 1]


def _cells(row: dict[str, Any], keys: Sequence[str]) -> list[object]:
    low, high = row["low"], row["high"]
    interval = "" if low is None or high is None else f"{_figure(row, low)} - {_figure(row, high)}"
    named = ["(none)" if row[key] is None else str(row[key])[:WIDEST] for key in keys]
    value = f"{_figure(row, row['value'])} {_unit(row)}".rstrip()
    return [f"{row['id']} {row['name']}", *named, value, interval, f"{row['cases']:,}", f"{row['open']:,}"]


def _figure(row: dict[str, Any], value: float) -> str:
    if row["unit"] == "share":
        return f"{value:.1%}"
    counted = row["unit"] == "count" and row["kind"] != "mean"
    return f"{value:,.0f}" if counted or abs(value) >= 1000 else f"{value:.1f}"


def _unit(row: dict[str, Any]) -> str:
    short = {"share": "", "days": "d", "count": "", "percent": "%", "money": ""}
    return short.get(row["unit"], str(row["unit"]).replace("money", "").replace(" per day", "/d").strip())


def _target(row: dict[str, Any]) -> str:
    if row["target"] is None:
        return ""
    met = {True: " met", False: " missed", None: ""}[row["met"]]
    return f"{_figure(row, row['target'])}{met}"
