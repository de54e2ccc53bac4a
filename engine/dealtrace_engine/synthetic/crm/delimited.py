"""Tables of text as delimited files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

Quoting = Literal["always", "necessary", "non_numeric"]
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes
    ----------
    separator, line_end : str
    quoting : {"always", "necessary", "non_numeric"}
        Which values are quoted; with always, null is a pair of quotes.
    encoding : str
        What it lacks becomes a question mark, as Java writes it.
    bom : bool
        Whether the file begins with the mark of UTF-8.
    """

    separator: str = ","
    line_end: str = "\n"
    quoting: Quoting = "always"
    encoding: str = "utf-8"
    bom: bool = False

    def encoded(self, frame: pl.DataFrame, header: bool) -> bytes:
        """Return rows, with or without the line of names, as bytes of the file."""
        buffer = BytesIO()
        frame.write_csv(
            buffer, include_header=header, separator=self.separator, line_terminator=self.line_end,
            quote_style=self.quoting,
        )  # fmt: skip
        data = buffer.getvalue()
        if self.encoding == "utf-8":
            return data
        return data.decode().encode(self.encoding, errors="replace")

    def write(self, file: IO[bytes], frames: Iterable[pl.DataFrame], header: bool = True) -> None:
        """Write frames of the same columns as one file."""
        if self.bom:
            file.write(BOM)
        for place, frame in enumerate(frames):
            file.write(self.encoded(frame, header and place == 0))

    def write_file(self, path: Path, frames: Iterable[pl.DataFrame], header: bool = True) -> None:
        """Write frames of the same columns to a path."""
        with path.open("xb") as file:
            self.write(file, frames, header)
