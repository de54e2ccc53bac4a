"""The weekly Data Export: a CSV for each object, as ZIP parts or unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.salesforce_shapes.headers import missing_id, ordered_columns
from dealtrace_engine.synthetic.crm.salesforce_shapes.organization import organization_id
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import polars as pl

PART_BYTES = 512 << 20
INSTANT, DAY = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"
BIG_OBJECTS = frozenset({"FieldHistoryArchive"})
"""Objects that the weekly export leaves out."""
_DIALECT = Dialect()


def write_data_export(
    export: Export, *, part_bytes: int = PART_BYTES, dates_at_midnight: bool = True, encoding: str = "utf-8"
) -> None:
    """Write the unpacked export, ``Opportunity.csv`` and so on; a folder for each part if there are several.

    Parameters
    ----------
    export : Export
    part_bytes : int
        A part that has reached this size is closed.
    dates_at_midnight : bool
        Whether dates are written as real exports do, ``2013-09-16 00:00:00``, or without the time.
    encoding : str
    """
    with _Parts(export, part_bytes, packed=False) as parts:
        _write(export, parts, _form(dates_at_midnight), Dialect(encoding=encoding))
    if parts.number == 1:
        (part,) = export.folder.iterdir()
        for file in sorted(part.iterdir()):
            file.rename(export.folder / file.name)
        part.rmdir()


def write_data_export_zip(
    export: Export, *, part_bytes: int = PART_BYTES, dates_at_midnight: bool = False, encoding: str = "utf-8"
) -> None:
    """Write the export as it is downloaded: ``WE_<organisation>_<n>.ZIP``.

    Parameters
    ----------
    export : Export
    part_bytes : int
        A part that has reached this size is closed; an object goes on in the next.
    dates_at_midnight : bool
        Whether dates are written as ``2013-09-16 00:00:00``, or without the time.
    encoding : str
    """
    with _Parts(export, part_bytes, packed=True) as parts:
        _write(export, parts, _form(dates_at_midnight), Dialect(encoding=encoding))


def _form(dates_at_midnight: bool) -> TextForm:
    return TextForm(INSTANT, f"{DAY} 00:00:00" if dates_at_midnight else DAY, "1", "0", custom_point=True)


def _write(export: Export, parts: _Parts, form: TextForm, dialect: Dialect) -> None:
    for name in sorted(export.tables):
        for rows in export.slices(name):
            frame = exported_rows(name, rows, form)
            header = parts.open(f"{name}.csv")
            parts.write(dialect.encoded(frame, header))


def exported_rows(name: str, rows: pl.DataFrame, form: TextForm) -> pl.DataFrame:
    """Return the text of rows of an object, in the columns of the export."""
    import polars as pl

    text = as_text(rows, form)
    if name == "OpportunityHistory" and "CreatedDate" in text.columns:
        text = text.with_columns(CreatedDateForInsert=pl.col("CreatedDate"))
    return text.select(
        (pl.col(column) if column in text.columns else pl.lit(None, pl.String))
        .fill_null(missing_id(name, column))
        .alias(column)
        for column in ordered_columns(name, text.columns)
    )


class _Parts(AbstractContextManager["_Parts"]):
    """Files that go on in the next part, with their header again, when a part is full."""

    def __init__(self, export: Export, part_bytes: int, packed: bool) -> None:
        self._folder, self._limit, self._packed = export.folder, part_bytes, packed
        self._organization = organization_id(export.tables)
        self._date = export.exported.timetuple()[:6]
        self._names: Iterator[int] = iter(range(1, 1 << 30))
        self._whole, self._entry = ExitStack(), ExitStack()
        self._zip: ZipFile | None = None
        self._file: IO[bytes] | None = None
        self._name: str | None = None
        self._bytes = self.number = 0

    def open(self, name: str) -> bool:
        """Make a file the one that is written; whether it begins here and wants its header."""
        full = self._size() >= self._limit
        if self.number == 0 or full:
            self._next_part()
        elif name == self._name:
            return False
        self._entry.close()
        self._name = name
        self._file = self._entry.enter_context(self._opened(name))
        return True

    def write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._bytes += len(data)

    def _size(self) -> int:
        return self._zip.fp.tell() if self._zip is not None and self._zip.fp is not None else self._bytes

    def _next_part(self) -> None:
        self._entry.close()
        self._whole.close()
        self.number, self._bytes = next(self._names), 0
        self._part = self._folder / f"WE_{self._organization}_{self.number}"
        if self._packed:
            path = self._part.with_suffix(".ZIP")
            self._zip = self._whole.enter_context(ZipFile(path, "x", ZIP_DEFLATED, compresslevel=2))
        else:
            self._part.mkdir()

    def _opened(self, name: str) -> AbstractContextManager[IO[bytes]]:
        if self._zip is None:
            return Path(self._part, name).open("xb")
        entry = ZipInfo(name, self._date)
        entry.compress_type = ZIP_DEFLATED
        entry._compresslevel = 2  # type: ignore[attr-defined]  # what ZipFile itself sets on its entries
        return self._zip.open(entry, "w", force_zip64=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entry.close()
        self._whole.close()
