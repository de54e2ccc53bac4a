"""Names that people typed: brought to one form before they are compared, never guessed at."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_DROPPED = "„“”»«「」『』\"'’‘`・·"
"""Quotation marks, apostrophes and the katakana middle dot: written or left out at will."""


def normal(name: str) -> str:
    """Return a name in the form in which names are compared.

    Compatibility forms and full-width signs become plain ones, case goes, runs of white space (no-break ones
    too) become one space, quotation marks and middle dots go.

    Examples
    --------
    >>> normal(" „Geschlossen\u00a0 und GEWONNEN“ "), normal("Ｗｏｎ")
    ('geschlossen und gewonnen', 'won')
    """
    plain = unicodedata.normalize("NFKC", name).lower()
    plain = plain.translate(dict.fromkeys(map(ord, _DROPPED)))
    return " ".join(plain.split())


def normal_column(column: pl.Expr) -> pl.Expr:
    """Return a column of names in the form of `normal`."""
    plain = column.str.normalize("NFKC").str.to_lowercase()
    plain = plain.str.replace_all(f"[{re.escape(_DROPPED)}]", "")
    return plain.str.replace_all(r"\s+", " ").str.strip_chars()


def pattern(name: str) -> str:
    """Return the regular expression of a name in its normal form; ``*`` in it stands for any text."""
    return ".*".join(re.escape(normal(part)) for part in name.split("*"))


def matching(value: str, names: Iterable[str]) -> str | None:
    """Return the first of the names that a value in its normal form has.

    Examples
    --------
    >>> matching("accepted by customer", ["denied", "Accepted*"])
    'Accepted*'
    """
    return next((name for name in names if re.fullmatch(pattern(name), value)), None)


def one_of(column: pl.Expr, names: Iterable[str]) -> pl.Expr:
    """Return whether a column has one of these names; ``*`` in a name stands for any text.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"status": ["ACCEPTED", "Accepted by customer", "Draft", None]})
    >>> frame.select(one_of(pl.col("status"), ["accepted*"])).to_series().to_list()
    [True, True, False, None]
    """
    import polars as pl

    patterns = [pattern(name) for name in names]
    if not patterns:
        return pl.lit(False) & column.is_not_null()
    return normal_column(column).str.contains(f"^(?:{'|'.join(patterns)})$")
