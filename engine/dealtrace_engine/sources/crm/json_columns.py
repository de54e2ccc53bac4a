"""Records of JSON, a line each, as frames of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_ext.json_fields import INLINE, Wanted, fields, views
from dealtrace_ext.json_records import records

if TYPE_CHECKING:
    import polars as pl


def record_lines(pieces: Iterable[bytes], depth: int, state: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the records in JSON text, some at a time, a line each.

    Parameters
    ----------
    pieces : iterable of bytes
        The text, cut anywhere.
    depth : int
        Brackets that are open around a record.
    state : int64, shape (4,)
        Zeros; what is open afterwards: brackets, a text, an escape, a record. More brackets closed than
        opened are below 0, and end it.
    """
    out, rest = np.empty(0, np.uint8), 0
    for piece in pieces:
        if len(out) < rest + 2 * len(piece):
            out = np.concatenate((out[:rest], np.empty(3 * len(piece), np.uint8)))
        written, whole = records(piece, depth, state, out[rest:])
        if state[0] < 0:
            return
        end, whole = rest + written, rest + whole if whole else 0
        if whole:
            yield out[:whole].tobytes()
        rest = end - whole
        out[:rest] = out[whole:end].copy()


class TextFrame(NamedTuple):
    """Columns of some records, and what was wrong with them.

    Attributes
    ----------
    frame : polars.DataFrame
        Texts without escapes; numbers, true, false, arrays and objects as they are written. Null where a
        record has nothing or null.
    broken : int
        Lines left out, as they are no record.
    recoded : int
        Lines that are not UTF-8 and were read as Windows-1252.
    """

    frame: pl.DataFrame
    broken: int
    recoded: int


class JsonColumns:
    """Reads some values of records.

    Parameters
    ----------
    paths : sequence of str
        The keys that lead to each value, with points between them if `nested`.
    nested : bool
    """

    def __init__(self, paths: Sequence[str], *, nested: bool = False) -> None:
        self.names = list(dict.fromkeys(paths))
        parts = [tuple(name.encode().split(b".")) if nested else (name.encode(),) for name in self.names]
        self._wanted = Wanted(parts)

    def read(self, lines: bytes) -> TextFrame:
        r"""Read records.

        Parameters
        ----------
        lines : bytes
            A record each.

        Examples
        --------
        >>> read = JsonColumns(["Id", "Owner.Name"], nested=True).read
        >>> read(b'{"Id": 1.50, "Owner": {"Name": "M\\u00fcller"}}').frame.rows()
        [('1.50', 'Müller')]
        """
        import polars as pl

        lines, recoded = _utf8(lines)
        text = np.frombuffer(bytearray(lines), np.uint8)
        count = lines.count(b"\n") + (not lines.endswith(b"\n"))
        found, broken = np.empty((len(self.names), count, 2), np.int64), np.zeros(count, np.uint8)
        count = fields(text, self._wanted, found, broken)
        columns = [_series(name, text, found[i, :count]) for i, name in enumerate(self.names)]
        frame, wrong = pl.DataFrame(columns), int(np.count_nonzero(broken))
        return TextFrame(frame.filter(pl.Series(broken[:count] == 0)) if wrong else frame, wrong, recoded)


def _series(name: str, text: NDArray[np.uint8], places: NDArray[np.int64]) -> pl.Series:
    import polars as pl

    lengths = places[:, 1]
    long = np.empty(int(lengths[lengths > INLINE].sum()), np.uint8)
    made, valid = np.empty(4 * len(places), np.int32), np.empty((len(places) + 7) // 8, np.uint8)
    nulls = views(text, places, long, made, valid)
    buffers: list[Any] = [pa.py_buffer(valid) if nulls else None, pa.py_buffer(made), pa.py_buffer(long)]
    return pl.Series(name, pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(places), buffers)))


def _utf8(lines: bytes) -> tuple[bytes, int]:
    """Return lines as UTF-8, and how many of them were not."""
    if lines.isascii():
        return lines, 0
    try:
        lines.decode()
    except UnicodeDecodeError:
        found = [_recoded(line) for line in lines.splitlines()]
        return b"\n".join([line for line, _ in found] + [b""]), sum(other for _, other in found)
    return lines, 0


def _recoded(line: bytes) -> tuple[bytes, bool]:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").encode(), True
    return line, False
