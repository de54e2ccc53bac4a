"""Workbooks that people export: the first sheet as a table, or in one line why a file is no workbook."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError, first_line
from dealtrace_engine.sources.crm.values import dense, different
from dealtrace_engine.sources.files import InputFile

if TYPE_CHECKING:
    import polars as pl

PACKED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How workbooks begin: packed ones (.xlsx), and compound files (.xls, and packed ones with a password)."""
_PASSWORD = "EncryptedPackage".encode("utf-16-le")
_LAST_DAY = 2_958_465
"""31 December 9999, the last one that spreadsheets know."""


def sheet(
    file: InputFile, *, rows: int | None = None, header: bool = True, skip: int | None = None,
    as_text: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Return the first sheet of a workbook, with the types that its cells have.

    Parameters
    ----------
    file : InputFile
    rows : int, optional
        No more than these; all by default.
    header : bool
        Whether the first row names the columns.
    skip : int, optional
        Rows before the first one; those that are empty by default.
    as_text : bool
        Every cell as text.

    Raises
    ------
    ParseError
        It is no workbook, is cut off or has a password, or the package that reads workbooks is not there.
    """
    try:
        import fastexcel
    except ImportError as error:
        hint = "pip install 'dealtrace[excel]'"
        raise ParseError("is a workbook, which needs a package", file=file.path, hint=hint) from error
    try:
        with _without_remarks():
            found: pl.DataFrame = fastexcel.read_excel(file.path).load_sheet(
                0, header_row=0 if header else None, skip_rows=skip, n_rows=rows,
                schema_sample_rows=None, dtypes="string" if as_text else None,
            ).to_polars()  # fmt: skip
    except (fastexcel.FastExcelError, OSError, ValueError) as error:
        what, advice = _why_none(file, first_line(error))
        raise ParseError(f"is no workbook ({what})", file=file.path, hint=advice) from error
    return found


def apart_from_sheet(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the same rows in memory of their own, texts that repeat once.

    One column that is as it came keeps all of the sheet in memory, and what the package took in advance.

    Examples
    --------
    >>> import polars as pl
    >>> apart_from_sheet(pl.DataFrame({"name": ["a", None], "amount": [1.5, 2.0]})).rows()
    [('a', 1.5), (None, 2.0)]
    """
    import polars as pl

    every = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)

    def own(values: pl.Series) -> pl.Series:
        if values.dtype != pl.String():
            return values.gather(every)
        texts, spots = different(values) or (values, every)
        return dense(texts).gather(spots)  # gathered also where none repeat: `dense` shares what marks nulls

    return rows.with_columns(map(own, rows.get_columns()))


def begins_as_workbook(file: InputFile) -> bool:
    """Whether the first bytes of a file are those of a workbook, whatever it is called."""
    with file.open() as stream:
        return stream.read(len(COMPOUND)).startswith((PACKED, COMPOUND))


def is_web_page(file: InputFile) -> bool:
    """Whether a file is HTML or XML, whatever it is called: what many systems write as .xls."""
    with file.open() as stream:
        data = stream.read(512)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8-sig", "replace")
    return text.lstrip().startswith("<")


def from_serials(days: pl.Series) -> pl.Series:
    """Return spreadsheet days since 30 December 1899 as instants, to the second; what is no day as null.

    Examples
    --------
    >>> import polars as pl
    >>> from_serials(pl.Series([45322.5868055556, -1.0])).dt.to_string().to_list()
    ['2024-01-31 14:05:00.000000', None]
    """
    import polars as pl

    in_range = days.is_between(0, _LAST_DAY + 1, closed="left")
    seconds = (days.cast(pl.Float64).set(~in_range, None) * 86_400).round().cast(pl.Int64)
    since = pl.datetime(1899, 12, 30) + pl.duration(seconds="seconds")
    return pl.DataFrame({"seconds": seconds}).select(since.alias(days.name)).to_series()


def _why_none(file: InputFile, said: str) -> tuple[str, str | None]:
    """Return what is wrong with a file that cannot be read as a workbook, and what to do."""
    with file.open() as stream:
        data = stream.read()
    again = "export or copy it again"
    if data.startswith(COMPOUND) and (_PASSWORD in data or "assword" in said):
        return "it has a password", "save it without one"
    if data.startswith(PACKED):
        return (said, None) if b"PK\x05\x06" in data[-66_000:] else ("it is cut off", again)
    if data.startswith(COMPOUND):
        return said, again
    if is_web_page(file):
        return "it is a web page, HTML or XML, under the name of one", "open it and save it as .xlsx or CSV"
    return said, None


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep the package from writing about columns without values."""
    logger = logging.getLogger("fastexcel")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
