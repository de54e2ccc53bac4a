"""Bulk API 2.0: the chunks of a query's result, each with the header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from typing import IO, TYPE_CHECKING, cast

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

FORM = TextForm("%Y-%m-%dT%H:%M:%S%.3fZ", "%Y-%m-%d")
DELIMITERS = {"comma": ",", "backquote": "`", "caret": "^", "pipe": "|", "semicolon": ";", "tab": "\t"}
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
NOT_QUERIED = frozenset({"ContractStatus", "OrderStatus", "TaskStatus", "TaskPriority", "CaseStatus"})
"""Objects that the Bulk API does not query."""
CHUNK_ROWS = 250_000
_NUL_EVERY = 997
_NUL_COLUMNS = ("Description", "Subject", "Company", "Name")


def write_bulk(
    export: Export,
    *,
    delimiter: str = "comma",
    line_end: str = "lf",
    chunk_rows: int = CHUNK_ROWS,
    compressed: bool = False,
) -> None:
    """Write the chunks of every object, ``Opportunity-0001.csv`` and so on.

    Some texts hold a NUL byte, as real results do.

    Parameters
    ----------
    export : Export
    delimiter : {"comma", "backquote", "caret", "pipe", "semicolon", "tab"}
    line_end : {"lf", "crlf"}
    chunk_rows : int
        Rows of a chunk (``maxRecords``); the last has fewer.
    compressed : bool
        Whether the chunks are kept as they come over the wire, ``.csv.gz``.
    """
    dialect = Dialect(_of(DELIMITERS, delimiter), _of(LINE_ENDS, line_end))
    suffix = "csv.gz" if compressed else "csv"
    for name in sorted(export.tables):
        for number, rows in enumerate(export.slices(name, chunk_rows), 1):
            with _opened(export.folder / f"{name}-{number:04}.{suffix}", compressed) as file:
                parts = (rows.slice(first, 50_000) for first in range(0, max(rows.height, 1), 50_000))
                dialect.write(file, (_with_nul(as_text(part, FORM)).fill_null("") for part in parts))


def _of(choices: dict[str, str], name: str) -> str:
    if name not in choices:
        raise ArgumentError(f"the Bulk API does not write {name!r}", hint=f"choose from {', '.join(choices)}")
    return choices[name]


def _with_nul(text: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    column = next((column for column in _NUL_COLUMNS if column in text.columns), None)
    if column is None:
        return text
    some = pl.int_range(pl.len()) % _NUL_EVERY == _NUL_EVERY // 7
    return text.with_columns(
        pl.when(some).then(pl.col(column) + "\0").otherwise(pl.col(column)).alias(column)
    )


@contextmanager
def _opened(path: Path, compressed: bool) -> Iterator[IO[bytes]]:
    with path.open("xb") as file:
        if not compressed:
            yield file
            return
        # no time and no name in it, so that the same rows give the same bytes
        with GzipFile("", "wb", 6, file, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
