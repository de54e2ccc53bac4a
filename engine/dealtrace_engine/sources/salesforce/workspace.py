"""Where text that had to be converted is kept until the tables are read, and from where it is removed."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.errors import OutputError

if TYPE_CHECKING:
    import polars as pl

ELSEWHERE = "TMPDIR says where temporary files go"


class Workspace:
    """A temporary folder, made when it is first needed and removed when the frames' owner goes.

    Examples
    --------
    >>> import pyarrow as pa
    >>> with Workspace() as space:
    ...     frame = space.kept(iter([pa.record_batch({"Id": ["1"]})]), pa.schema([("Id", pa.string())]))
    ...     frame.collect().rows()
    [('1',)]
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = 0

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder now."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def live_as_long_as(self, owner: object) -> None:
        """Remove the folder when `owner` is collected, or at exit."""
        if self._folder is not None:
            weakref.finalize(owner, shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None

    def kept(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pl.LazyFrame:
        """Write batches of text to a file of the folder, and return it as a lazy frame.

        Raises
        ------
        OutputError
            The disk is full.
        """
        sink = self.sink(schema)
        try:
            for batch in batches:
                sink.write(batch)
        finally:
            sink.close()
        return sink.frame()

    def sink(self, schema: pa.Schema) -> Sink:
        """Begin a file of the folder.

        Raises
        ------
        OutputError
            There is no place for temporary files.
        """
        try:
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="dealtrace-"))
        except OSError as error:
            raise OutputError(f"no temporary folder can be made: {error.strerror or error}",
                              hint=ELSEWHERE) from error  # fmt: skip
        self._count += 1
        return Sink(self._folder / f"{self._count}.arrow", schema)


class Sink:
    """A file of the workspace that is written batch by batch.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch.

        Raises
        ------
        OutputError
            The disk is full.
        """
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror or error}", file=self.path,
                hint=ELSEWHERE,
            ) from error  # fmt: skip

    def close(self) -> None:
        """End the file."""
        self._writer.close()
        self._file.close()

    def frame(self) -> pl.LazyFrame:
        """Return the closed file as a lazy frame."""
        import polars as pl

        return pl.scan_ipc(self.path)
