"""Which date format a text column is written in: named, translated from strptime, or found by evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_ext import timestamps
from dealtrace_ext.columns import Text

SAMPLE = 10_000
"""Values that are tried in every layout; only day-month orders are weighed over more."""


@dataclass(frozen=True)
class Layout:
    """Order of a date's parts (``"ymd"``, ``"dmy"``, ``"mdy"``), their separator, and the year's digits."""

    order: str
    separator: str
    two_digit_years: bool = False

    @property
    def name(self) -> str:
        """The name by which it is given and reported, such as ``"d/m/Y"``."""
        if self == ISO:
            return "ISO 8601"
        letters = self.order if self.two_digit_years else self.order.replace("y", "Y")
        return self.separator.join(letters)


ISO = Layout("ymd", "-")
CANDIDATES = (
    ISO, Layout("ymd", "/"), Layout("ymd", "."), Layout("dmy", "."), Layout("dmy", "/"), Layout("mdy", "/"),
    Layout("dmy", "-"), Layout("mdy", "-"),
)  # fmt: skip
"""What detection tries. A point means day first; m.d.Y has to be asked for."""

_LAYOUTS = (Layout(*parts) for parts in product(("ymd", "dmy", "mdy"), "-/.", (False, True)))
_NAMED = {layout.name: layout for layout in _LAYOUTS} | {"ISO8601": ISO, "iso8601": ISO, "Y-m-d": ISO}

_PATTERN = re.compile(
    r"%(?P<a>[dmYy])(?P<s>[-/.])%(?P<b>[dmYy])(?P=s)%(?P<c>[dmYy])"
    r"(?:(?:T|,? )(?:%H:%M(?::%S(?:[.,]%f)?)?|%T|%R|%I:%M(?::%S(?:[.,]%f)?)? ?%p)(?: ?%z|Z)?)?"
)


def named_layout(name: str) -> Layout | None:
    """Return the layout of a name such as ``"d/m/Y"``, or of a strptime pattern in such an order.

    Examples
    --------
    >>> named_layout("%d.%m.%Y %H:%M").name
    'd.m.Y'
    >>> named_layout("%d %b %Y") is None
    True
    """
    if name in _NAMED:
        return _NAMED[name]
    match = _PATTERN.fullmatch(name)
    order = "".join(match.group("a", "b", "c")).lower() if match else ""
    if match is None or order not in ("ymd", "dmy", "mdy"):
        return None
    return Layout(order, match["s"], two_digit_years="y" in match.group("a", "b", "c"))


@dataclass
class Parsed:
    """Text read in one layout, value by value; see `dealtrace_ext.timestamps.parse`."""

    microseconds: NDArray[np.int64]
    nanoseconds: NDArray[np.uint16]
    offsets: NDArray[np.int16]
    status: NDArray[np.uint8]
    rejected: int
    has_nanoseconds: bool
    lowest: int
    highest: int

    @classmethod
    def of(
        cls, microseconds: NDArray[np.int64], offsets: NDArray[np.int16], status: NDArray[np.uint8]
    ) -> Parsed:
        """Sum up values without nanoseconds."""
        read = offsets[status == timestamps.OK]
        lowest, highest = (int(read.min()), int(read.max())) if len(read) else (0, timestamps.NAIVE)
        nothing = np.zeros(len(microseconds), np.uint16)
        return cls(microseconds, nothing, offsets, status, len(status) - len(read), False, lowest, highest)


def parse_text(values: pa.Array, layout: Layout) -> Parsed:
    """Read a text array, shape (n,), in a layout."""
    rows = len(values)
    microseconds, nanoseconds = np.empty(rows, np.int64), np.empty(rows, np.uint16)
    offsets, status = np.empty(rows, np.int16), np.empty(rows, np.uint8)
    summary = timestamps.parse(
        Text(values), layout.order, layout.separator, microseconds, nanoseconds, offsets, status,
        two_digit_years=layout.two_digit_years,
    )  # fmt: skip
    return Parsed(microseconds, nanoseconds, offsets, status, *summary)


@dataclass
class Evidence:
    """What the values of a column say about its format; add chunks until `settled`.

    Attributes
    ----------
    layout : Layout or None
        The layout that reads most of the sample.
    values : int
        Values seen that are not null.
    example : str or None
        The first of them.
    only : dict of Layout to str
        For the layout and its twin with day and month exchanged: the first value that only it reads.
    """

    layout: Layout | None = None
    values: int = 0
    example: str | None = None
    only: dict[Layout, str] = field(default_factory=dict)

    @property
    def twin(self) -> Layout | None:
        """The layout that reads the same text with day and month exchanged, if that is an open question."""
        if self.layout is None or self.layout.order == "ymd":
            return None
        other = Layout(self.layout.order[1::-1] + "y", self.layout.separator)
        return other if other in CANDIDATES else None

    @property
    def settled(self) -> bool:
        """Whether the layout is known."""
        return self.layout is not None and (self.twin is None or bool(self.only))

    def add(self, values: pa.Array) -> None:
        """Take a text array into account."""
        if self.example is None:
            present = values.drop_null()
            self.example = present[0].as_py() if len(present) else None
        self.values += len(values) - values.null_count
        if self.layout is None:
            self.layout = _best(values)
        if self.layout is not None and self.twin is not None:
            self._weigh(values, self.layout, self.twin)

    def add_until_settled(self, chunks: Iterable[pa.Array]) -> None:
        """Look at chunk after chunk for as long as the layout is open."""
        for values in chunks:
            if self.settled:
                return
            self.add(values)

    def _weigh(self, values: pa.Array, layout: Layout, twin: Layout) -> None:
        ours = parse_text(values, layout).status == timestamps.OK
        theirs = parse_text(values, twin).status == timestamps.OK
        for key, exclusive in ((layout, ours & ~theirs), (twin, theirs & ~ours)):
            if key not in self.only and exclusive.any():
                self.only[key] = values[int(exclusive.argmax())].as_py()
        if list(self.only) == [twin]:
            self.layout = twin


def _best(values: pa.Array) -> Layout | None:
    """Return the layout that reads most of the first values, or of all if it reads none of those."""
    for sample in (values[:SAMPLE], values):
        read = {layout: len(sample) - parse_text(sample, layout).rejected for layout in CANDIDATES}
        best = max(CANDIDATES, key=read.__getitem__)
        if read[best]:
            return best
    return None
