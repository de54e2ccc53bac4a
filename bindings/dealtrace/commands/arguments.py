"""What can be written on the command line."""

from __future__ import annotations

import argparse
import re

from dealtrace import __version__
from dealtrace_engine.errors import ArgumentError

INPUTS = (
    "CSV (.csv .tsv .txt, also .gz), Parquet (.parquet .pq, or a folder), XES (.xes .xes.gz), .dealtrace, or "
    "an export of Salesforce or Dynamics 365 Sales (a folder, .zip, .xlsx, .xls, .json, .jsonl)"
)
CRM = ("crm", "shape", "mapping", "case_object")
"""Options for exports of a CRM."""
LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")
ACTIVITIES = "canonical activities, in any log"
SHAPES = (
    "of the export; salesforce: data-export (default), data-export-zip, data-loader, bulk, rest-json, tree, "
    "replica, report; dynamics: web-api (default), synapse-link, synapse-append, synapse-incremental, excel, "
    "replica"
)
COLUMNS = {
    "case": ("case_id", "the case id, such as the opportunity's"),
    "activity": ("activity", "what happened"),
    "time": ("timestamp", "when it happened, or ended"),
    "start": ("start_timestamp", "when it started"),
    "order": ("order", "a rank that breaks ties between equal times"),
    "resource": ("resource", "who did it"),
    "lifecycle": ("lifecycle", "phase of the activity"),
}
"""Option to the reader's argument, and what the column is."""

_OPTIONS = {
    **{name: option for option, (name, _) in COLUMNS.items()},
    **{name: name.replace("_", "-") for name in (
        "shape", "timezone", "timestamp_format", "delimiter", "quote", "encoding", "strict", "value",
        "currency", "calendar", "by", "period", "cohort", "as_of", "threads",
    )},
    "case": "case-object", "language": "lang", "where": "filter", "until": "as-of",
}  # fmt: skip
"""Argument in Python to the option that it is here."""
_ARGUMENT = re.compile(rf"""\b({"|".join(_OPTIONS)})=(?:(["'])(\w+)\2|(?=(["'\w]))|)""")


def in_options(text: str) -> str:
    """Say in the words of the command line what the engine says in Python's.

    Examples
    --------
    >>> in_options('read it with case="lead", or give value=, the amounts')
    'read it with --case-object lead, or give --value, the amounts'
    >>> in_options("give timestamp_format='%d %b %Y' or epoch_ms")
    "give --timestamp-format '%d %b %Y' or epoch_ms"
    """
    return _ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    option, _, word, value = found.groups()
    return f"--{_OPTIONS[option]}" + (f" {word}" if word else " " if value else "")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="dealtrace", description="Process mining for lead-to-cash: event tables in, exact answers out.",
        epilog="Try it: dealtrace demo",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"dealtrace {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _analyze(commands.add_parser("analyze", help="process map, variants, throughput times, conformance"))
    _check(commands.add_parser("check", help="do the cases keep the rules; exit code 1 where they do not"))
    _import(commands.add_parser("import", help="convert a log to dealtrace's own fast file"))
    _info(commands.add_parser("info", help="what a log is, and how good its data are"))
    _kpis(commands.add_parser("kpis", help="the figures of lead-to-cash, with intervals and targets"))
    _mapping(commands.add_parser("mapping", help="propose how an export of a CRM is to be understood"))
    _demo(commands.add_parser("demo", help="make a lead-to-cash log and analyse it"))
    _warmup(commands.add_parser("warmup", help="compile everything now, so that no later run waits for it"))
    return top


def _analyze(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Analyse an event log: process map, variants, throughput times and, with --net, conformance."
    )
    _inputs(command, named=f"{ACTIVITIES}, and of findings")
    command.add_argument(
        "--filter", metavar="JSON", help="analyse only what passes this filter: JSON text, or a file of it"
    )
    command.add_argument("--net", metavar="MODEL.pnml", help="replay the log on this Petri net")
    command.add_argument(
        "--findings", action="store_true",
        help="also what matters most, by the money at stake, and in OUT a table a question of sales; "
        "of an export of a CRM always",
    )  # fmt: skip
    command.add_argument(
        "--value", metavar="COLUMN",
        help="the amount of a case, for the findings and the tables of sales in OUT; found by its name where "
        "not given",
    )  # fmt: skip
    command.add_argument(
        "--currency", metavar="COLUMN", help="its currency; found by its name where not given"
    )
    command.add_argument(
        "--calendar", metavar="HOURS.toml",
        help="in the findings and the tables of sales in OUT, times are working time by this calendar",
    )  # fmt: skip
    command.add_argument(
        "-o", "--output", type=_named, metavar="OUT", help="write the result files to this folder"
    )
    _json_and_quiet(command)


def _check(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Check rules on every case: exit code 0 if all that the log can answer are kept, 1 if one is "
        "violated, 2 if something is wrong, such as a rule about an activity that is neither in the log nor "
        "canonical. With --quiet, rules of RULES.toml that the log cannot answer are named on stderr. "
        "--lang is of all that is said but reasons."
    )
    _inputs(command, several=False, named="the names of rules")
    command.add_argument(
        "rules",
        nargs="?",
        metavar="RULES.toml",
        help="a rule pack; the ready one for lead-to-cash by default",
    )
    command.add_argument(
        "--allow-missing", action="store_true",
        help="leave out rules about activities that are neither in the log nor canonical, instead of failing",
    )  # fmt: skip
    asked = command.add_argument_group("what is told")
    asked.add_argument("--by", metavar="COLUMN,...", help="a row per value of these attributes of the case")
    asked.add_argument("--value", metavar="COLUMN", help="the amount of a case: what is at stake")
    _currency_and_calendar(asked)
    asked.add_argument("--as-of", metavar="TIME", help="now; by default the export, or the last event")
    asked.add_argument("--rank", choices=("cases", "days", "value"), default="cases", help="what comes first")
    asked.add_argument("--filter", metavar="JSON", help="of what passes this filter: JSON text, or a file")
    _json_and_quiet(command)


def _import(command: argparse.ArgumentParser) -> None:
    command.description = "Convert an event log to dealtrace's own file, which opens at once."
    _inputs(command)
    command.add_argument(
        "-o", "--output", type=_named, metavar="LOG.dealtrace", required=True, help="the file to write"
    )
    command.add_argument(
        "--columns", default="all", metavar="A,B",
        help="other columns to keep: all (default), none, or their names with commas between",
    )  # fmt: skip
    command.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _info(command: argparse.ArgumentParser) -> None:
    command.description = "Show what a log is, how its columns were chosen, and how good its data are."
    _inputs(command, several=False)
    command.add_argument("--verify", action="store_true", help="check the whole content of a .dealtrace file")
    _json_and_quiet(command)


def _kpis(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Tell the KPIs of lead-to-cash, such as win rate and sales cycle, each with its interval, what it is "
        "of, and why it cannot be told. --lang is of all that is said but reasons."
    )
    _inputs(command, named="the names of KPIs")
    asked = command.add_argument_group("which figures", "all of them for the whole log where not given")
    asked.add_argument("--ids", metavar="K1,K18.w", help="which KPIs; K1 stands for all that begin K1.")
    asked.add_argument("--by", metavar="COLUMN,...", help="a row per value of these attributes of the case")
    asked.add_argument("--period", choices=("month", "quarter", "year"), help="a row per period")
    asked.add_argument(
        "--cohort", choices=("created", "closed"), default="created", help="what says the period of a case"
    )
    asked.add_argument("--value", metavar="COLUMN", help="the amount of a case, for KPIs of money")
    _currency_and_calendar(asked)
    asked.add_argument(
        "--as-of",
        metavar="TIME",
        help="to when it is known what happened; by default the export, or the last event",
    )
    asked.add_argument("--target", metavar="ID=NUMBER", action="append", default=[], help="what to reach")
    asked.add_argument("--filter", metavar="JSON", help="of what passes this filter: JSON text, or a file")
    _json_and_quiet(command)


def _mapping(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Propose a mapping file from an export of a CRM: which statuses and stages occur, what each is taken "
        "for, own fields, and what could not be decided. Edit it and give it to analyze with --mapping."
    )
    command.add_argument("path", metavar="PATH", help="an export of Salesforce or Dynamics 365 Sales")
    command.add_argument(
        "-o",
        "--output",
        type=_named,
        metavar="MAPPING.toml",
        help="the file to write; stdout where not given",
    )
    _crm(command, None)
    command.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _demo(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Make a seeded lead-to-cash log, analyse it, and tell what is in it; or, with --crm, a synthetic "
        "organisation as its CRM exports it, with the truth beside it."
    )
    command.add_argument(
        "-o", "--output", type=_named, metavar="OUT", default="dealtrace-demo", help="folder for the files"
    )
    command.add_argument(
        "--opportunities", "--deals", type=_positive, metavar="N", help="default: 20000; with --crm 2000"
    )
    command.add_argument("--seed", type=_natural, default=1, metavar="S", help="default: 1")
    command.add_argument(
        "--language",
        "--lang",
        dest="lang",
        type=str.lower,
        default="en",
        metavar="LL",
        help=f"language of the activities: {' '.join(LANGUAGES)}",
    )
    command.add_argument("--crm", choices=("salesforce", "dynamics"), help="write an export of this system")
    command.add_argument("--shape", metavar="SHAPE", help=SHAPES)
    command.add_argument(
        "--packages", action="store_true", help="Salesforce with its packages for quoting and billing"
    )
    command.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _warmup(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Compile every kernel into the cache: once after an installation, or while an image is built. "
        "Set NUMBA_CACHE_DIR to say where the cache is."
    )
    _json_and_quiet(command)


def _inputs(command: argparse.ArgumentParser, several: bool = True, named: str = ACTIVITIES) -> None:
    command.add_argument("paths", nargs="+" if several else 1, metavar="PATH", help=INPUTS)
    columns = command.add_argument_group("columns", "recognised by their usual names where not given")
    for option, (_, meaning) in COLUMNS.items():
        columns.add_argument(f"--{option}", metavar="COLUMN", help=meaning)
    reading = command.add_argument_group("reading", "found out where not given")
    reading.add_argument(
        "--timezone", metavar="ZONE", help="of times without one, such as Europe/Berlin; UTC else"
    )
    reading.add_argument(
        "--timestamp-format", metavar="FORMAT", help="such as d.m.Y, epoch_ms, or '%%d/%%m/%%y %%H:%%M'"
    )
    reading.add_argument("--delimiter", metavar="C", help="between the fields of a CSV")
    reading.add_argument("--quote", metavar="C", help="around the fields of a CSV")
    reading.add_argument("--encoding", metavar="NAME", help="of a CSV, such as utf-8 or cp1252")
    reading.add_argument("--strict", action="store_true", help="fail at a row that cannot become an event")
    reading.add_argument("--threads", type=_positive, metavar="N", help="all CPUs by default")
    _crm(command, named)


def _crm(command: argparse.ArgumentParser, named: str | None) -> None:
    crm = command.add_argument_group("exports of a CRM", "recognised by their tables where not given")
    crm.add_argument("--crm", choices=("salesforce", "dynamics"), help="which CRM it comes from")
    crm.add_argument(
        "--shape", metavar="NAME", help="the kind of export, such as data-export or synapse-link"
    )
    if named is not None:
        crm.add_argument("--mapping", metavar="FILE.toml", help="what the organisation calls things")
        crm.add_argument(
            "--case-object", metavar="NAME", help="what a case is: opportunity, lead, quote, order, invoice"
        )
        command.add_argument(
            "--lang", type=str.lower, metavar="LL", help=f"language of {named}: {' '.join(LANGUAGES)}"
        )


def _currency_and_calendar(asked: argparse._ArgumentGroup) -> None:
    asked.add_argument("--currency", metavar="COLUMN", help="its currency; found by its name where not given")
    asked.add_argument("--calendar", metavar="HOURS.toml", help="times are working time by this calendar")


def _json_and_quiet(command: argparse.ArgumentParser) -> None:
    said = command.add_mutually_exclusive_group()
    said.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
    said.add_argument("--quiet", action="store_true", help="say nothing but errors")


def check_language(arguments: argparse.Namespace) -> None:
    """Refuse a language that there is not, whatever the command.

    Raises
    ------
    ArgumentError
        It is none of the six.
    """
    given = getattr(arguments, "lang", None)
    if given is not None and given not in LANGUAGES:
        raise ArgumentError(f"there is no language {given!r}", hint=f"choose from {', '.join(LANGUAGES)}")


def check_amounts(arguments: argparse.Namespace) -> None:
    """Refuse what is of amounts where none are named, as it would be passed over.

    Raises
    ------
    ArgumentError
        A currency is given, or a rank by value, and no column of amounts.
    """
    if arguments.value is not None:
        return
    ranked = "--rank value" if getattr(arguments, "rank", None) == "value" else None
    if given := ranked or ("--currency" if arguments.currency is not None else None):
        raise ArgumentError(f"{given} is of amounts, and none are named",
                            hint="add --value with the column of amounts")  # fmt: skip


def _named(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("an empty name")
    return text


def _positive(text: str) -> int:
    return _at_least(1, text)


def _natural(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)
