"""Data Loader: one CSV for each query, in capitals where asked for, in the machine's own character set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.salesforce_shapes.organization import with_names
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text

if TYPE_CHECKING:
    import polars as pl

FORM = TextForm("%Y-%m-%dT%H:%M:%S%.3fZ", "%Y-%m-%d")
CHARSETS = {"en": "utf-8", "de": "cp1252", "fr": "cp1252", "it": "cp1252", "ja": "cp932", "zh": "gbk"}
"""Of the machines of each language; with UTF-8 the file begins with its mark."""
RELATED = (("OwnerId", "User", "Owner.Name"), ("AccountId", "Account", "Account.Name"))
"""Id column, object that it points to, and the column of the query that names it."""


def write_data_loader(
    export: Export,
    *,
    all_caps: bool = True,
    encoding: str | None = None,
    separator: str = ",",
    file_name: str = "{}.csv",
) -> None:
    """Write a CSV for each object.

    Parameters
    ----------
    export : Export
    all_caps : bool
        Whether the header is in capitals (``sfdc.extraction.allCapsHeaders``).
    encoding : str, optional
        The character set of the machine; that of the language by default.
    separator : str
    file_name : str
        What the user calls the file; ``{}`` is the object.
    """
    charset = encoding or CHARSETS[export.language]
    utf8 = _is_utf8(charset)
    line_end = "\n" if utf8 else "\r\n"
    dialect = Dialect(separator, line_end, encoding="utf-8" if utf8 else charset, bom=utf8)
    for name in sorted(export.tables):
        frames = (_queried(export, rows, all_caps) for rows in export.slices(name))
        dialect.write_file(export.folder / file_name.format(name), frames)


def _queried(export: Export, rows: pl.DataFrame, all_caps: bool) -> pl.DataFrame:
    for column, of, into in RELATED:
        rows = with_names(rows, export.tables, column, of, into)
    text = as_text(rows, FORM).fill_null("")
    return text.rename(str.upper) if all_caps else text


def _is_utf8(charset: str) -> bool:
    import codecs

    try:
        return codecs.lookup(charset).name == "utf-8"
    except LookupError as error:
        raise ArgumentError(
            f"there is no character set {charset!r}", hint="such as cp1252 or cp932"
        ) from error
