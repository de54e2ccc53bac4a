"""Dates, numbers and truth values as reports write them in the locale of who ran them, in the API's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.mapping import DATES

if TYPE_CHECKING:
    import polars as pl

DATE = (
    r"^\s*(\d{1,4})\s*[./年-]\s*(\d{1,2})\s*[./月-]\s*(\d{1,4})日?\.?"
    r"(?:[ ,T\u00a0\u202f]+(上午|下午|午前|午後)?\s*(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?"
    r"[ \u00a0\u202f]*([AaPp]\.?[Mm]\.?)?)?\s*$"
)
DAY_FIRST = ("de", "fr", "it")
"""Languages whose locales write the day before the month."""
TRUE = ("1", "true", "✓", "✔", "yes", "wahr", "ja", "vrai", "oui", "vero", "sì", "si", "はい", "是", "真")
FALSE = ("0", "false", "no", "falsch", "nein", "faux", "non", "falso", "いいえ", "否", "假")


def date_order(
    columns: Sequence[pl.Series], languages: Sequence[str], file: object, given: str = ""
) -> tuple[str, str]:
    """Return in which order the dates of a report are written, and how that is known.

    Parameters
    ----------
    columns : sequence of Series
        All columns of dates: one person's report has one order.
    languages : sequence of str
        Those of the header, the likeliest first.
    file : object
        For the error.
    given : {"", "d/m/Y", "m/d/Y", "Y/m/d"}
        Taken where it is given.

    Raises
    ------
    ParseError
        The dates fit both orders, or some fit only the one and some only the other.
    """
    import polars as pl

    if given:
        return given, "given"
    text = pl.concat([column.drop_nulls().rename("date") for column in columns]) if columns else None
    if text is None or text.is_empty():
        return DATES[2], "there are no dates"
    parts = text.to_frame().select(
        pl.col("date").str.extract(DATE, i).cast(pl.Int32).alias(str(i)) for i in (1, 2)
    )
    day_or_month = (parts["1"] <= 31).fill_null(False)
    if not day_or_month.any():
        return DATES[2], "the year stands first"
    text, parts = text.filter(day_or_month), parts.filter(day_or_month)
    points = bool(text.str.contains(r"^\s*\d{1,2}\.\s*\d").any())
    first, second = parts["1"], parts["2"]
    day_first = text.filter(first > 12)
    month_first = text.filter((second > 12) & (first <= 12))
    if len(day_first) and len(month_first):
        raise ParseError(
            f"the dates {day_first[0]!r} and {month_first[0]!r} cannot both be right: the one has the day "
            "first, the other the month", file=file, hint="do not put reports of two people in one file",
        )  # fmt: skip
    if len(day_first) or len(month_first):
        return (DATES[0], f"as {day_first[0]!r}") if len(day_first) else (DATES[1], f"as {month_first[0]!r}")
    if points or (languages and all(language in DAY_FIRST for language in languages)):
        return DATES[0], "points" if points else f"labels in {languages[0]}"
    raise ParseError(
        f"whether dates such as {text[0]!r} have the day or the month first, no date of the report tells",
        file=file, value=text[0],
        hint='write dates = "d/m/Y" or "m/d/Y" under [time] in a mapping file',
    )  # fmt: skip


def iso(column: str, order: str) -> pl.Expr:
    """Return dates of a report in the form of the API, with the time where there is one.

    What has the year in front needs no order; what is no date stays as it is, to be counted by who reads it.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"at": ["31.01.2024 14:05", "1.2.2024", "", "soon"]})
    >>> frame.select(iso("at", "d/m/Y")).to_series().to_list()
    ['2024-01-31 14:05', '2024-02-01', '', 'soon']
    """
    import polars as pl

    text = pl.col(column)
    part = [text.str.extract(DATE, i) for i in range(9)]
    year_first = part[1].str.len_chars() == 4  # as date cells among text are written
    year, month, day = (
        pl.when(year_first).then(part[1 + place]).otherwise(part[1 + order.index(letter) // 2])
        for place, letter in enumerate("Ymd")
    )
    year = pl.when(year.str.len_chars() <= 2).then(pl.lit("20") + year.str.zfill(2)).otherwise(year)
    date = pl.concat_str([year, month.str.zfill(2), day.str.zfill(2)], separator="-")
    afternoon = part[4].is_in(["下午", "午後"]) | part[8].str.to_lowercase().str.starts_with("p")
    clocked = part[4].is_not_null() | part[8].is_not_null()
    hour = part[5].cast(pl.Int32)
    hour = (
        pl.when(clocked)
        .then(hour % 12 + pl.when(afternoon.fill_null(False)).then(12).otherwise(0))
        .otherwise(hour)
    )
    clock = pl.concat_str([hour.cast(pl.String).str.zfill(2), part[6]], separator=":")
    clock = pl.when(part[7].is_not_null()).then(clock + ":" + part[7]).otherwise(clock)
    whole = pl.when(part[5].is_not_null()).then(date + " " + clock).otherwise(date)
    return pl.when(date.is_not_null()).then(whole).otherwise(text).alias(column)


def has_decimal_comma(columns: Sequence[pl.Series], file: object) -> bool:
    """Return whether the numbers of a report have a comma before their decimals.

    Raises
    ------
    ParseError
        Some have a comma there and some a point.
    """
    import polars as pl

    if not columns:
        return False
    text = pl.concat([column.drop_nulls().rename("number") for column in columns])
    comma = text.filter(text.str.contains(r",\d{1,2}\D*$") | text.str.contains(r"\.\d{3},"))
    point = text.filter(text.str.contains(r"\.\d{1,2}\D*$") | text.str.contains(r",\d{3}\."))
    if len(comma) and len(point):
        raise ParseError(f"the numbers {comma[0]!r} and {point[0]!r} are written in two locales", file=file,
                         hint="do not put reports of two people in one file")  # fmt: skip
    return bool(len(comma))


def number(column: str, decimal_comma: bool) -> pl.Expr:
    """Return numbers of a report in the form of the API: no signs of thousands, currencies or percent.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"amount": ["EUR 1.234,50", "(7,00)", "20%", "-", ""]})
    >>> frame.select(number("amount", True)).to_series().to_list()
    ['1234.50', '-7.00', '20', '', '']
    """
    import polars as pl

    text = pl.col(column)
    negative = text.str.contains(r"^\s*(?:\D*\(|[^\d(]*[-−]\s*\d)")
    plain = text.str.replace_all(r"[^\d.,]", "")
    plain = (
        plain.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        if decimal_comma
        else (plain.str.replace_all(",", "", literal=True))
    )
    if not decimal_comma:
        plain = (
            pl.when(plain.str.contains(r"^\d{1,3}(?:\.\d{3})+$"))
            .then(plain.str.replace_all(".", "", literal=True))
            .otherwise(plain)
        )
    return pl.when(negative & (plain != "")).then(pl.lit("-") + plain).otherwise(plain).alias(column)


def currency(column: str) -> pl.Expr:
    """Return the currency that is written beside an amount, such as EUR, or null."""
    import polars as pl

    return pl.col(column).str.extract(r"(?:^|[\s\d])([A-Z]{3})(?:[\s\d-]|$)", 1)


def truth(column: str) -> pl.Expr:
    """Return truth values of a report as true, false, or as they are where they are neither."""
    import polars as pl

    text = pl.col(column).str.to_lowercase().str.strip_chars()
    return (
        pl.when(text.is_in(TRUE)).then(pl.lit("true")).when(text.is_in(FALSE)).then(pl.lit("false"))
        .otherwise(pl.col(column)).alias(column)
    )  # fmt: skip
