"""Logs from Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import pyarrow as pa

from dealtrace_engine.errors import DealtraceError, ParseError, SchemaError, first_line
from dealtrace_engine.parallel import ahead, closed_after, map_ahead, thread_count
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.files import InputFile, PathLike, input_files
from dealtrace_engine.sources.options import ROWS_PER_BATCH
from dealtrace_engine.sources.parquet_footer import footer_of
from dealtrace_engine.sources.parquet_groups import Layout, ReaderLayout, RowGroups, opened

DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)
"""What pyarrow raises over a broken file."""


@dataclass(frozen=True)
class ParquetSource:
    """One or more Parquet files with the same columns.

    Attributes
    ----------
    files : tuple of InputFile
    names : tuple of str
    rows : int
    threads : int or None
        How many decode; all CPUs by default.
    """

    files: tuple[InputFile, ...]
    names: tuple[str, ...]
    rows: int
    threads: int | None = None
    notes: ClassVar[tuple[str, ...]] = ()
    findings: ClassVar[tuple[Finding, ...]] = ()
    zones: ClassVar[None] = None

    @classmethod
    def of(cls, paths: PathLike | Sequence[PathLike], threads: int | None = None) -> ParquetSource:
        """Look at the files of `paths`.

        Raises
        ------
        ParseError
            A file is not Parquet or is cut short.
        SchemaError
            A file lacks a column of the first one.
        """
        files = tuple(input_files(paths, (".parquet", ".pq")))
        names: tuple[str, ...] = ()
        rows = 0
        for file in files:
            found, more = _names_and_rows(file)
            rows += more
            if not names:
                names = found
            for missing in (name for name in names if name not in found):
                raise SchemaError(
                    f"there is no column {missing!r}, which {files[0].path} has", file=file.path
                )
        return cls(files, names, rows, threads)

    @property
    def label(self) -> str:
        """The path, and how many more there are."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0].path}{more}"

    def batches(self, names: Sequence[str], repeated: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield columns in batches; texts may come as dictionaries, those in `repeated` always do.

        Row groups are decoded from their pages, side by side, where that is understood, else by pyarrow.
        """
        for file in self.files:
            file.check()
            yield from self._file_batches(file, list(names), repeated)
            file.check()

    def _file_batches(
        self, file: InputFile, names: list[str], repeated: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        with ExitStack() as stack, _readable(file):

            @cache
            def reader() -> Any:
                return stack.enter_context(_parquet(file))

            layout: Layout | None = footer_of(file)
            if layout is None or any(layout.column(name).type is None for name in names):
                layout = ReaderLayout(file, reader())
            groups, count = RowGroups(file, layout, names, repeated), layout.num_row_groups
            with closed_after(map_ahead(groups.read, range(count), threads=self.threads)) as made:
                for group, found in enumerate(made):
                    if found is not None:
                        yield from found
                        continue
                    with closed_after(_by_pyarrow(file, reader(), group, names, repeated)) as read:
                        yield from ahead(read) if thread_count(self.threads) > 1 else read

    def row_number(self, position: int) -> int:
        """Return the row, from 1, over all files."""
        return position + 1

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns, all rows."""
        tables = []
        for file in self.files:
            file.check()
            with _parquet(file) as reader, _readable(file):
                tables.append(reader.read(list(names)).select(list(names)))
            file.check()
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowTypeError as error:
            raise SchemaError(
                f"the files differ in type ({first_line(error)})", file=self.label, column=names[0],
                hint="write the column with one type in all files",
            ) from error  # fmt: skip

    def describe(self) -> list[dict[str, object]]:
        """Return path, size and hash of each file."""
        return [file.describe() for file in self.files]


class _readable:
    """Turns what pyarrow says of a broken file into one clear line."""

    def __init__(self, file: InputFile) -> None:
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(
            error, pa.ArrowException | OSError | ValueError | KeyError | OverflowError
        ) and not isinstance(error, DealtraceError):
            self.file.check()
            raise ParseError(
                f"the Parquet file is damaged or cut short ({first_line(error)})", file=self.file.path,
                hint="export it again",
            ) from error  # fmt: skip


def _parquet(file: InputFile, dictionary: Sequence[str] = (), metadata: Any = None) -> Any:
    import pyarrow.parquet as pq

    with _readable(file):
        return pq.ParquetFile(
            file.path, metadata=metadata, read_dictionary=list(dictionary), coerce_int96_timestamp_unit="us"
        )


def _names_and_rows(file: InputFile) -> tuple[tuple[str, ...], int]:
    footer = footer_of(file)
    if footer is not None:
        return footer.names, footer.num_rows
    with _parquet(file) as reader:
        return tuple(reader.schema_arrow.names), reader.metadata.num_rows


def _by_pyarrow(
    file: InputFile, reader: Any, group: int, names: Sequence[str], repeated: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    opened(reader, group, names)
    texts = [name for name in repeated if _may_be_dictionary(reader, group, name)]
    with _parquet(file, texts, reader.metadata) as again:
        yield from again.iter_batches(ROWS_PER_BATCH, row_groups=[group], columns=list(names))


def _may_be_dictionary(reader: Any, group: int, name: str) -> bool:
    """Whether pyarrow can read a column as a dictionary: text that is not written as differences."""
    index = reader.schema_arrow.names.index(name)
    if not _is_text(reader.schema_arrow.field(index).type):
        return False
    metadata = reader.metadata
    if metadata.num_columns != len(reader.schema_arrow.names):
        return True
    return not any("DELTA" in encoding for encoding in metadata.row_group(group).column(index).encodings)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
