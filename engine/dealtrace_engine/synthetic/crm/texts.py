"""Values of typed columns as the text of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class TextForm:
    """How the values of each type are written.

    Attributes
    ----------
    instant, day : str
        Formats of instants and of calendar days, as `strftime` takes them.
    true, false : str
        The two booleans.
    zone : str
        Whose clock instants are written in.
    decimal : str
        The decimal sign.
    custom_point : bool
        Whether numbers in custom columns keep their ``.0``.
    """

    instant: str
    day: str
    true: str = "true"
    false: str = "false"
    zone: str = "UTC"
    decimal: str = "."
    custom_point: bool = False

    def column(self, name: str, kind: pl.DataType) -> pl.Expr:
        """Return the expression that writes a column of this type as text; null stays null."""
        import polars as pl

        column = pl.col(name)
        if isinstance(kind, pl.Datetime):
            return column.dt.convert_time_zone(self.zone).dt.to_string(self.instant).alias(name)
        if kind == pl.Date:
            return column.dt.to_string(self.day).alias(name)
        if kind == pl.Boolean:
            return pl.when(column).then(pl.lit(self.true)).when(~column).then(pl.lit(self.false)).alias(name)
        if kind.is_float():
            return self._number(name)
        return column.cast(pl.String)

    def _number(self, name: str) -> pl.Expr:
        import polars as pl

        text = pl.col(name).cast(pl.String)
        if not (self.custom_point and name.endswith("__c")):
            text = text.str.strip_suffix(".0")
        return text if self.decimal == "." else text.str.replace(".", self.decimal, literal=True)


def as_text(frame: pl.DataFrame, form: TextForm) -> pl.DataFrame:
    """Return the same table with text only.

    Examples
    --------
    >>> import datetime, polars as pl
    >>> day = datetime.date(2024, 1, 31)
    >>> frame = pl.DataFrame({"Amount": [15000.0], "IsWon": [True], "CloseDate": [day]})
    >>> as_text(frame, TextForm("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "1", "0")).rows()
    [('15000', '1', '2024-01-31')]
    """
    return frame.select(form.column(name, kind) for name, kind in frame.schema.items())
