"""DuckDB as an expert writes it: ids to integers by a join, sorted once, then windows over the stored order.

A table keeps the order it was created in, so `lead(...) OVER ()` streams through it without sorting again;
equal timestamps are in the order of the file's rows because the sort ends with the row number.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, TypeAlias

import duckdb

from benchmarks.answers import Answer, Figure, key, number
from benchmarks.questions import PERCENTILES, Log

WIDTH = 1 << 16
RANKS = [p / 100 for p in PERCENTILES]
Rows = list[tuple[Any, ...]]
Connection: TypeAlias = duckdb.DuckDBPyConnection

LOAD = """
CREATE TABLE activities AS
    SELECT name, (row_number() OVER (ORDER BY name) - 1)::USMALLINT AS code
    FROM (SELECT DISTINCT {activity} AS name FROM '{path}');
CREATE TABLE cases AS
    SELECT name, (row_number() OVER () - 1)::UINTEGER AS code
    FROM (SELECT DISTINCT {case} AS name FROM '{path}');
CREATE TABLE events AS
    SELECT c.code AS "case", a.code AS activity, epoch_us({time}) AS time
    FROM read_parquet('{path}', file_row_number = true) e
    JOIN cases c ON e.{case} = c.name JOIN activities a ON e.{activity} = a.name
    ORDER BY c.code, time, file_row_number;
"""
RAW = """
CREATE TABLE raw AS SELECT {case} AS name, {activity} AS activity, epoch_us({time}) AS time
    FROM read_csv('{path}', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
                  columns = {{{columns}}});
CREATE TABLE activities AS
    SELECT name, (row_number() OVER (ORDER BY name) - 1)::USMALLINT AS code
    FROM (SELECT DISTINCT activity AS name FROM raw);
CREATE TABLE cases AS
    SELECT name, (row_number() OVER () - 1)::UINTEGER AS code FROM (SELECT DISTINCT name FROM raw);
CREATE TABLE events AS
    SELECT c.code AS "case", a.code AS activity, time
    FROM (SELECT *, rowid AS row FROM raw) e JOIN cases c ON e.name = c.name
    JOIN activities a ON e.activity = a.name
    ORDER BY c.code, time, row;
"""
"""From CSV, which is read once: parsing it three times takes longer than keeping it."""
PAIRS = """
SELECT activity::UINTEGER * 65536 + following AS edge, time FROM (
    SELECT activity, lead(activity) OVER () AS following, lead(time) OVER () - time AS time,
           "case" = lead("case") OVER () AS inside FROM events)
WHERE inside
"""
COUNT = "count(*)"
MOMENTS = "avg(time), median(time), min(time), max(time), sum(time), stddev_samp(time)"
PERCENTILE = f"quantile_cont(time, {RANKS})"
TRACES = 'SELECT list(activity ORDER BY rowid) AS variant FROM events GROUP BY "case"'
VARIANTS = "CREATE OR REPLACE TEMP TABLE variants AS SELECT variant, count(*) FROM ({}) GROUP BY variant"
DURATIONS = 'SELECT max(time) - min(time) AS duration FROM events GROUP BY "case"'
TRACES_AND_DURATIONS = """
CREATE OR REPLACE TEMP TABLE traces AS
    SELECT list(activity ORDER BY rowid) AS variant, max(time) - min(time) AS duration
    FROM events GROUP BY "case"
"""


def load(log: Log) -> Connection:
    connection = duckdb.connect()
    case, activity, time = (f'"{name}"' for name in (log.case_id, log.activity, log.timestamp))
    connection.execute(LOAD.format(path=log.path.replace("'", "''"), case=case, activity=activity, time=time))
    return connection


def load_csv(log: Log) -> Connection:
    with open(log.csv, newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    types = {name: "TIMESTAMP" if name == log.timestamp else "VARCHAR" for name in header}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    connection = duckdb.connect()
    case, activity, time = (f'"{name}"' for name in (log.case_id, log.activity, log.timestamp))
    path = log.csv.replace("'", "''")
    connection.execute(RAW.format(path=path, case=case, activity=activity, time=time, columns=columns))
    return connection


def names(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM activities ORDER BY code").fetchall()]


def ask(connection: Connection, sql: str) -> tuple[Connection, Rows]:
    return connection, connection.execute(sql).fetchall()


def by_edge(figures: str) -> str:
    return f"SELECT edge, {figures} FROM ({PAIRS}) GROUP BY edge"


def everything(connection: Connection) -> dict[str, Any]:
    edges = ask(connection, by_edge(f"{COUNT}, {MOMENTS}, {PERCENTILE}"))[1]
    connection.execute(TRACES_AND_DURATIONS)
    found = {
        "directly_follows": [row[:2] for row in edges],
        "performance": [(row[0], *row[2:8]) for row in edges],
        "percentiles": [(row[0], row[8]) for row in edges],
        "variants": connection.execute(VARIANTS.format("FROM traces")),
        "throughput": ask(connection, f"SELECT quantile_cont(duration, {RANKS}) FROM traces")[1],
    }
    return {name: (connection, part) for name, part in found.items()}


def variants(connection: Connection) -> tuple[Connection, Any]:
    return connection, connection.execute(VARIANTS.format(TRACES))


def _edge(texts: list[str], edge: int) -> str:
    return key(texts[edge // WIDTH], texts[edge % WIDTH])


def _seconds(value: Any) -> Figure:
    return None if value is None else number(value / 1e6)


def plain_counts(found: tuple[Connection, Rows]) -> Answer:
    texts = names(found[0])
    return {"directly_follows": {_edge(texts, edge): [n] for edge, n in found[1]}}


def plain_moments(found: tuple[Connection, Rows]) -> Answer:
    texts = names(found[0])
    return {"performance": {_edge(texts, edge): [_seconds(x) for x in row] for edge, *row in found[1]}}


def plain_percentiles(found: tuple[Connection, Rows]) -> Answer:
    texts = names(found[0])
    return {"percentiles": {_edge(texts, edge): [_seconds(x) for x in row] for edge, row in found[1]}}


def plain_variants(found: tuple[Connection, Any]) -> Answer:
    texts = names(found[0])
    rows = found[0].execute("FROM variants").fetchall()
    return {"variants": {key(*(texts[a] for a in trace)): [n] for trace, n in rows}}


def plain_throughput(found: tuple[Connection, Rows]) -> Answer:
    return {"throughput": {"all": [_seconds(x) for x in found[1][0][0]]}}


def plain_everything(found: dict[str, Any]) -> Answer:
    return {name: TELL[name](part)[name] for name, part in found.items()}


ASK: dict[str, Callable[[Connection], Any]] = {
    "directly_follows": lambda connection: ask(connection, by_edge(COUNT)),
    "performance": lambda connection: ask(connection, by_edge(MOMENTS)),
    "percentiles": lambda connection: ask(connection, by_edge(PERCENTILE)),
    "variants": variants,
    "throughput": lambda connection: ask(
        connection, f"SELECT quantile_cont(duration, {RANKS}) FROM ({DURATIONS})"
    ),
    "everything": everything,
    "everything_csv": everything,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "directly_follows": plain_counts,
    "performance": plain_moments,
    "percentiles": plain_percentiles,
    "variants": plain_variants,
    "throughput": plain_throughput,
    "everything": plain_everything,
    "everything_csv": plain_everything,
}
