"""How ids are held while events are derived, and by their log: as the texts that they are, or as numbers.

Numbers of 128 bits take a third of the memory, and are compared and joined several times faster.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from zlib import crc32

import numpy as np

from dealtrace_engine.buffers import one_array
from dealtrace_engine.sources.crm import packed as forms
from dealtrace_engine.sources.crm.packed import ODD, arrow_texts, packed, unpacked
from dealtrace_ext.record_ids import salesforce_numbers

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SALESFORCE = re.compile("[0-9A-Za-z]{15}[A-Z0-5]{3}")


class Ids(Protocol):
    """How the ids of an export are held."""

    @property
    def kind(self) -> pl.DataType:
        """Type of the columns that hold ids."""

    def held(self, ids: pl.Series) -> pl.Series:
        """Return ids, in the one form of `values.canonical_ids` or held already, as they are held."""

    def texts(self, ids: pl.Series) -> pl.Series:
        """Return ids that are held as texts; any other column as it is."""

    def arrow(self, ids: pl.Series, threads: int | None = None) -> pa.Array:
        """Return ids that are held as Arrow's texts; any other column as Arrow has it."""


class TextIds:
    """Ids that are held as texts.

    Examples
    --------
    >>> import polars as pl
    >>> TextIds().held(pl.Series(["0064600000J5S5TAAV"])).to_list()
    ['0064600000J5S5TAAV']
    """

    @property
    def kind(self) -> pl.DataType:
        """Text."""
        import polars as pl

        return pl.String()

    def held(self, ids: pl.Series) -> pl.Series:
        """Return texts as they are; see `Ids`."""
        return ids

    def texts(self, ids: pl.Series) -> pl.Series:
        """Return texts as they are; see `Ids`."""
        return ids

    def arrow(self, ids: pl.Series, threads: int | None = None) -> pa.Array:
        """Return texts as Arrow's; see `Ids`."""
        return _as_arrow(ids)


def _as_arrow(column: pl.Series) -> pa.Array:
    return one_array(column.to_frame().to_arrow().column(0))


class PackedIds:
    """Ids that are held as numbers; those that are not of the form get numbers that are left over.

    Such a number begins with the text, so that ids are in about the same order; it is the same in every run
    unless two texts ask for the same one.
    """

    form: ClassVar[forms.Form]

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._adding = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_adding"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _adding=threading.Lock())

    @staticmethod
    def number(text: str) -> int:
        """Return the number of an id of this form, 0 of any other text."""
        raise NotImplementedError

    @property
    def kind(self) -> pl.DataType:
        """Numbers of 128 bits."""
        import polars as pl

        return pl.UInt128()

    def held(self, ids: pl.Series) -> pl.Series:
        """Return numbers; see `Ids`."""
        import polars as pl

        if ids.dtype != pl.String():
            return ids if ids.dtype == pl.UInt128() else ids.cast(pl.String).cast(pl.UInt128)
        found = packed(ids, self.form)
        if found.dtype == pl.UInt128():
            return found
        return self._replaced(
            ids, {text: self._number(text) for text in ids.unique().drop_nulls()}, self.kind
        )

    def texts(self, ids: pl.Series) -> pl.Series:
        """Return texts; see `Ids`."""
        import polars as pl

        if ids.dtype != pl.UInt128():
            return ids
        found, odd = unpacked(ids, self.form), (ids < ODD) if self._texts else None
        if odd is None or not odd.any():
            return found
        known = {number: self._texts[number] for number in ids.filter(odd).unique()}
        return found.zip_with(~odd.fill_null(False), self._replaced(ids, known, pl.String()))

    def arrow(self, ids: pl.Series, threads: int | None = None) -> pa.Array:
        """Return Arrow's texts; see `Ids`."""
        import polars as pl

        if ids.dtype != pl.UInt128() or (self._texts and (ids < ODD).any()):
            return _as_arrow(self.texts(ids))
        return arrow_texts(ids, self.form, threads)

    def _replaced(self, ids: pl.Series, by: dict[str, int] | dict[int, str], kind: pl.DataType) -> pl.Series:
        """Return what stands for each id; null for any other."""
        import polars as pl

        pairs = {"from": pl.Series(list(by), dtype=ids.dtype), "to": pl.Series(list(by.values()), dtype=kind)}
        rows = (
            ids.alias("from")
            .to_frame()
            .join(pl.DataFrame(pairs), on="from", how="left", maintain_order="left")
        )
        return rows["to"].alias(ids.name)

    def _number(self, text: str) -> int:
        if (number := self.number(text)) >= ODD:
            return number
        with self._adding:
            if text not in self._numbers:
                first = text.encode()
                number = int.from_bytes(first[:8].ljust(8, b"\0"), "big") << 32 | crc32(first[8:])
                while number in self._texts or number == 0:
                    number = (number + 1) % ODD
                self._texts[number] = text
                self._numbers[text] = number
            return self._numbers[text]


class GuidIds(PackedIds):
    """GUIDs that are held as the numbers that they write; see `PackedIds`.

    Examples
    --------
    >>> import polars as pl
    >>> ids = GuidIds()
    >>> held = ids.held(pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "q1", None]))
    >>> held.dtype, ids.texts(held).to_list()
    (UInt128, ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'q1', None])
    """

    form = forms.GUID

    @staticmethod
    def number(text: str) -> int:
        """Return what a GUID in lower case writes; see `PackedIds`."""
        return int(text.replace("-", ""), 16) if GUID.fullmatch(text) else 0


class SalesforceIds(PackedIds):
    """Ids of 18 characters that are held as numbers of their first 15; see `PackedIds`.

    Examples
    --------
    >>> import polars as pl
    >>> ids = SalesforceIds()
    >>> held = ids.held(pl.Series(["0064600000J5S5TAAV", "q1", None]))
    >>> held.dtype, ids.texts(held).to_list()
    (UInt128, ['0064600000J5S5TAAV', 'q1', None])
    """

    form = forms.SALESFORCE

    @staticmethod
    def number(text: str) -> int:
        """Return the first 15 characters as a number; see `PackedIds`."""
        import pyarrow as pa

        if not SALESFORCE.fullmatch(text):
            return 0
        high, low = np.empty(1, np.uint64), np.empty(1, np.uint64)
        good = salesforce_numbers(pa.array([text]), high, low)
        return int(high[0]) << 64 | int(low[0]) if good else 0


def held(ids: Ids, texts: pl.Expr) -> pl.Expr:
    """Return texts of ids as they are held."""
    return texts.map_batches(ids.held, return_dtype=ids.kind, is_elementwise=True)


def written(ids: Ids, held_ids: pl.Expr) -> pl.Expr:
    """Return ids that are held as texts."""
    import polars as pl

    return held_ids.map_batches(ids.texts, return_dtype=pl.String(), is_elementwise=True)


def with_texts(frame: pl.DataFrame, ids: Ids) -> pl.DataFrame:
    """Return a frame with its ids as texts."""
    return frame.with_columns(ids.texts(column) for column in frame)
