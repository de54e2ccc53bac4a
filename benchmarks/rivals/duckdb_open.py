"""DuckDB on its own tables: events sorted and encoded, cases with their attributes and their letters.

A filter on an attribute keeps the stored order; one on cases joins, which does not, so that it sorts again.
The questions of `duckdb_sql` are then asked of what is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.answers import Answer
from benchmarks.questions import ATTRIBUTES, HALF, SEQUENCE, TWENTIETH, Log
from benchmarks.rivals import duckdb_sql as sql
from benchmarks.rivals.duckdb_sql import Connection, Rows

CASES = """
ALTER TABLE events RENAME TO every_event;
CREATE TABLE every_case AS
    SELECT code, {attributes} FROM (SELECT {case} AS name, {firsts} FROM '{path}' GROUP BY 1)
    JOIN cases USING (name);
CREATE TABLE traces_of AS
    SELECT "case", string_agg(chr((256 + activity)::INTEGER), '' ORDER BY rowid) AS letters
    FROM every_event GROUP BY "case";
CREATE TABLE wide AS
    SELECT e.*, {attributes} FROM every_event e JOIN every_case c ON e."case" = c.code
    ORDER BY e."case", e.rowid;
"""
KEPT = 'CREATE OR REPLACE TEMP TABLE events AS SELECT "case", activity, time FROM wide WHERE {}'
REPEATS = (
    '"case" IN (SELECT "case" FROM wide GROUP BY "case" HAVING bit_count(bit_or(1::UBIGINT << activity)) '
    "< count(*)) ORDER BY rowid"
)
MANY_REPEATS = (
    '"case" IN (SELECT "case" FROM wide GROUP BY "case" HAVING count(DISTINCT activity) < count(*)) '
    "ORDER BY rowid"
)


class Kept(NamedTuple):
    connection: Connection
    edges: Rows
    cases: int
    of: int


def load(log: Log) -> Connection:
    connection = sql.load(log)
    attributes = ", ".join(f'"{name}"' for name in ATTRIBUTES)
    firsts = ", ".join(f'first("{name}") AS "{name}"' for name in ATTRIBUTES)
    case, path = f'"{log.case_id}"', log.path.replace("'", "''")
    connection.execute(CASES.format(attributes=attributes, firsts=firsts, case=case, path=path))
    return connection


def filtered(condition: Callable[[Connection], str]) -> Callable[[Connection], Kept]:
    """Return a function that keeps what holds, and answers again."""

    def ask(connection: Connection) -> Kept:
        connection.execute(KEPT.format(condition(connection)))
        edges = sql.ask(connection, sql.by_edge(f"{sql.COUNT}, {sql.PERCENTILE}"))[1]
        sql.variants(connection)
        return Kept(connection, edges, _one(connection, "SELECT sum(#2) FROM variants"), cases(connection))

    return ask


def _one(connection: Connection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def cases(connection: Connection) -> int:
    return _one(connection, "SELECT count(*) FROM traces_of")


def by_rework(connection: Connection) -> str:
    return REPEATS if len(sql.names(connection)) <= 63 else MANY_REPEATS


def sequence(connection: Connection) -> tuple[int, int]:
    names = sql.names(connection)
    first, repeated, last = (chr(256 + names.index(name)) for name in SEQUENCE)
    query = f"SELECT count(*) FROM traces_of WHERE regexp_matches(letters, '{first}.*{repeated}+{last}')"
    return _one(connection, query), cases(connection)


def plain_kept(found: Kept) -> Answer:
    connection, edges = found.connection, found.edges
    parts = [
        sql.plain_counts((connection, [row[:2] for row in edges])),
        sql.plain_percentiles((connection, [(row[0], row[2]) for row in edges])),
        sql.plain_variants((connection, None)),
        plain_share((found.cases, found.of)),
    ]
    return {name: section for part in parts for name, section in part.items()}


def plain_share(found: tuple[int, int]) -> Answer:
    return {"kept": {"cases": list(found)}}


ASK: dict[str, Callable[[Connection], Any]] = {
    "filter_half": filtered(lambda _: f"region IN {HALF}"),
    "filter_twentieth": filtered(lambda _: "region = '{}' AND product = '{}'".format(*TWENTIETH)),
    "filter_rework": filtered(by_rework),
    "sequence": sequence,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "filter_half": plain_kept,
    "filter_twentieth": plain_kept,
    "filter_rework": plain_kept,
    "sequence": plain_share,
}
