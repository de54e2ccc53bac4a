"""Rows of CSV files, streamed as text or read as typed columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.parallel import map_ahead
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.csv_blocks import BLOCK_BYTES, Block, blocks
from dealtrace_engine.sources.csv_dialect import Dialect, sniff
from dealtrace_engine.sources.csv_parsed import Parsed, parse
from dealtrace_engine.sources.csv_stretches import STRETCH_BYTES, Stretches
from dealtrace_engine.sources.csv_types import typed
from dealtrace_engine.sources.files import InputFile, PathLike, input_files

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


class CsvSource:
    """One or more CSV files with the same header.

    Parameters
    ----------
    files : sequence of (InputFile, Dialect)
        The files and how each is written.
    threads : int, optional
        Threads that parse; all CPUs by default.
    block_bytes : int, optional
        Bytes that are read at a time.

    Attributes
    ----------
    names : tuple of str
        The columns.
    notes : list of str
        How the files are written.
    findings : list of Finding
        Rows with a wrong number of fields, which are skipped. Complete when `batches` has ended or `read` has
        returned.
    """

    zones: ClassVar[None] = None

    def __init__(
        self,
        files: Sequence[tuple[InputFile, Dialect]],
        *,
        threads: int | None = None,
        block_bytes: int | None = None,
    ) -> None:
        self.files = tuple(files)
        self.names = self.files[0][1].names
        self.threads, self.block_bytes = threads, block_bytes
        self.notes = list(dict.fromkeys(note for _, dialect in self.files for note in dialect.notes))
        self.findings: list[Finding] = []
        self._skipped: list[int] = []
        for file, dialect in self.files[1:]:
            if dialect.names != self.names:
                raise SchemaError(
                    _other_header(dialect.names, self.names, self.files[0][0]), file=file.path, line=1
                )

    @classmethod
    def of(
        cls,
        paths: PathLike | Sequence[PathLike],
        *,
        delimiter: str | None = None,
        quote: str | None = None,
        encoding: str | None = None,
        names: Sequence[str] | None = None,
        threads: int | None = None,
        block_bytes: int | None = None,
    ) -> CsvSource:
        """Look at the files of `paths`: a file, a list of files, or a folder of them.

        Parameters
        ----------
        paths : path or sequence of paths
            A folder means its files that end in one of `SUFFIXES`.
        delimiter, quote, encoding, names : optional
            See `sniff`; found out for each file where not given.
        threads, block_bytes : int, optional
            See the class.

        Raises
        ------
        ParseError
            A file is missing, empty, packed wrongly or not text.
        SchemaError
            A file has another header than the first one, or two columns of one name.
        """
        dialects = [
            (file, sniff(file, delimiter=delimiter, quote=quote, encoding=encoding, names=names))
            for file in input_files(paths, SUFFIXES)
        ]
        return cls(dialects, threads=threads, block_bytes=block_bytes)

    @property
    def label(self) -> str:
        """The path, and how many more there are."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0][0].path}{more}"

    def batches(self, names: Sequence[str], repeated: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield columns as text, all rows in source order; an empty field without quotes is null.

        Parameters
        ----------
        names : sequence of str
            The columns.
        repeated : sequence of str
            Those that may come as dictionaries.

        Raises
        ------
        SchemaError
            There is no such column.
        ParseError
            There are no rows; bytes are not text in the encoding of a column that is read, or NUL; a quote
            is never closed; a gzip file is cut short.
        LogError
            A file is gone or has changed.
        """
        for name in names:
            if name not in self.names:
                raise SchemaError(
                    f"there is no column {name!r}", file=self.label, hint=nearest(self.names, name)
                )
        finding = Finding("wrong number of fields")
        skipped = self._skipped = []
        rows = 0
        for file, dialect in self.files:
            for block, parsed in self._parsed(file, dialect, names, repeated):
                if parsed.problem is not None and block is not None:
                    row = rows + block.row_of(parsed.problem.at, dialect)
                    raise ParseError(parsed.problem.what, file=file.path, row=row, hint=parsed.problem.hint)
                numbers = [rows + number for number, _ in parsed.skipped]
                skipped += numbers
                finding.add(len(numbers), numbers, parsed.skipped[0][1] if numbers else None)
                rows += parsed.rows
                if parsed.batch is not None and parsed.batch.num_rows:
                    yield parsed.batch
        if rows == 0:
            raise ParseError("there are no rows, only a header", file=self.label)
        self.findings = [finding] if finding.count else []

    def row_number(self, position: int) -> int:
        """Return which row of the files (from 1) the row at `position` (from 0) of the batches so far is."""
        places = range(len(self._skipped))
        before = bisect_right(places, position, key=lambda place: self._skipped[place] - place - 1)
        return position + before + 1

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns, all rows in source order; see `typed` for their types.

        Parameters
        ----------
        names : sequence of str
            The columns.

        Raises
        ------
        SchemaError, ParseError, LogError
            As `batches`.
        """
        table = pa.Table.from_batches(self.batches(names), pa.schema([(name, pa.string()) for name in names]))
        return pa.table([typed(column) for column in table.columns], names=list(names))

    def describe(self) -> list[dict[str, object]]:
        """Return path, size and hash of each file."""
        return [file.describe() for file, _ in self.files]

    def _parsed(
        self, file: InputFile, dialect: Dialect, names: Sequence[str], coded: Sequence[str]
    ) -> Iterator[tuple[Block | None, Parsed]]:
        """Parse a file on a few threads; the results come in order."""
        file.check()
        stretches = Stretches(file, dialect, names, coded, self.block_bytes or STRETCH_BYTES)
        yield from stretches.read(self.threads)

        def parsed(block: Block) -> tuple[Block, Parsed]:
            return block, parse(block, dialect, names)

        if stretches.rest is not None:
            rest = blocks(file, dialect, self.block_bytes or BLOCK_BYTES, stretches.rest)
            yield from map_ahead(parsed, rest, threads=self.threads)
        file.check()


def _other_header(names: Sequence[str], first: Sequence[str], file: InputFile) -> str:
    missing = [name for name in first if name not in names]
    added = [name for name in names if name not in first]
    parts = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
    parts += [f"has {', '.join(map(repr, added))} besides"] if added else []
    return f"another header than {file.path}: {' and '.join(parts) or 'the columns stand in another order'}"
