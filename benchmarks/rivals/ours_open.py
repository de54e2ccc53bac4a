"""dealtrace on its own file, opened: filters, and all of the questions again on what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import dealtrace as dt
from benchmarks.answers import Answer
from benchmarks.questions import HALF, SEQUENCE, TWENTIETH, Log
from benchmarks.rivals import ours
from dealtrace import where as w
from dealtrace_engine.filters.expressions import Expression


class Loaded(NamedTuple):
    log: dt.EventLog
    path: str


class Kept(NamedTuple):
    """A filtered log's graph and variants; cases kept, and of how many."""

    graph: dt.DirectlyFollows
    variants: dt.Variants
    cases: int
    of: int


EXPRESSIONS = {
    "filter_half": w.case("region").is_in(HALF),
    "filter_twentieth": (w.case("region") == TWENTIETH[0]) & (w.case("product") == TWENTIETH[1]),
    "filter_rework": w.rework(),
}


def load(log: Log) -> Loaded:
    return Loaded(dt.open(log.own_file), log.own_file)


def filtered(expression: Expression) -> Callable[[Loaded], Kept]:
    """Return a function that filters, and answers again."""

    def ask(loaded: Loaded) -> Kept:
        kept = loaded.log.filter(expression)
        graph, variants = dt.directly_follows(kept), dt.variants(kept)
        touch(graph, variants)
        return Kept(graph, variants, kept.cases, loaded.log.cases)

    return ask


def touch(graph: dt.DirectlyFollows, variants: dt.Variants) -> None:
    """Have every figure that is asked for made, should it be made on demand."""
    graph.edges["p50_s"]
    variants.counts.sum()


def sequence(loaded: Loaded) -> tuple[int, int]:
    text = "{} -> ... -> {}+ -> {}".format(*SEQUENCE)
    return int(dt.compile_pattern(text).matches(loaded.log).sum()), loaded.log.cases


def reopened(loaded: Loaded) -> int:
    return dt.open(loaded.path).events


def plain_kept(found: Kept) -> Answer:
    parts = [ours.TELL[name](found.graph) for name in ("directly_follows", "percentiles")]
    parts += [ours.plain_variants(found.variants), plain_share((found.cases, found.of))]
    return {name: section for part in parts for name, section in part.items()}


def plain_share(found: tuple[int, int]) -> Answer:
    return {"kept": {"cases": list(found)}}


def plain_open(events: int) -> Answer:
    return {"open": {"events": [events]}}


ASK: dict[str, Callable[[Loaded], Any]] = {
    **{name: filtered(expression) for name, expression in EXPRESSIONS.items()},
    "sequence": sequence,
    "open": reopened,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    **dict.fromkeys(EXPRESSIONS, plain_kept),
    "sequence": plain_share,
    "open": plain_open,
}
