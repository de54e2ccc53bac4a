"""Where a log's other columns are read from when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa


class Source(Protocol):
    """The rows that a log was made from, in their order.

    Attributes
    ----------
    label : str
        What to call it in messages, such as a path.
    names : tuple of str
        Its columns.
    """

    @property
    def label(self) -> str:
        """What to call it in messages, such as a path."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns, all rows in source order; raise `LogError` if the source has changed."""

    def describe(self) -> list[dict[str, object]]:
        """Return the inputs with their fingerprints, for a manifest."""
