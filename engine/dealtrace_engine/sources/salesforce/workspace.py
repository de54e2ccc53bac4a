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
        import polars as pl

        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="dealtrace-"))
        self._count += 1
        path = self._folder / f"{self._count}.arrow"
        try:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror or error}", file=path,
                hint="TMPDIR says where temporary files go",
            ) from error  # fmt: skip
        return pl.scan_ipc(path)
