"""Rows of tables as JSON, column by column: a text for each row, and many rows as bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_CONTROL = r"[\x00-\x1f]"
_SPECIAL = r'[\x00-\x1f"\\]'
_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t",
}  # fmt: skip


def json_objects(
    rows: pl.DataFrame, *, gap: str = "", omitted: Collection[str] = (), raw: Collection[str] = ()
) -> pl.Series:
    """Return each row as a JSON object.

    Parameters
    ----------
    rows : DataFrame
        Texts, numbers and truth values.
    gap : str
        What follows a comma or colon.
    omitted : collection of str
        Columns that are left out where they are null; not the first.
    raw : collection of str
        Columns whose texts are JSON already.

    Examples
    --------
    >>> import polars as pl
    >>> rows = pl.DataFrame({"a": [1, None], "b": ["x", None]})
    >>> json_objects(rows, gap=" ", omitted=["b"]).to_list()
    ['{"a": 1, "b": "x"}', '{"a": null}']
    """
    import polars as pl

    texts = [name for name, kind in rows.schema.items() if kind == pl.String and name not in raw]
    special = _where(rows, texts, _SPECIAL)
    control = _where(rows, special, _CONTROL)
    pieces: list[pl.Expr | str] = ["{"]
    for place, name in enumerate(rows.columns):
        value, mark = pl.col(name), '"' if name in texts else ""
        if name in special:
            value = _escaped(value, name in control)
        key = f'{f",{gap}" if place else ""}"{name}":{gap}'
        without = "" if name in omitted else f"{key}null"
        shown = (f"{key}{mark}", value.cast(pl.String), mark)
        nulls = rows[name].null_count()
        if nulls == 0:
            pieces += shown
        elif nulls == rows.height:
            pieces.append(without)
        else:
            pieces.append(_together(shown).fill_null(without))
    return rows.select(_together([*pieces, "}"]).alias("json")).to_series()


def _together(pieces: Iterable[pl.Expr | str]) -> pl.Expr:
    """Return expressions and constant texts as one text, null if one of them is."""
    import polars as pl

    together: list[pl.Expr] = []
    constant = ""
    for piece in pieces:
        if isinstance(piece, str):
            constant += piece
        else:
            together += [pl.lit(constant), piece]
            constant = ""
    return pl.concat_str(*together, pl.lit(constant))


def joined(texts: pl.Series, between: str) -> bytes | memoryview:
    """Return texts, none of them empty or null, one after the other.

    Examples
    --------
    >>> import polars as pl
    >>> bytes(joined(pl.Series(['{"a":1}', '{"a":2}']), ", "))
    b'{"a":1}, {"a":2}'
    """
    buffer = BytesIO()
    texts.to_frame().write_csv(
        buffer, include_header=False, separator="\0", quote_style="never", line_terminator=between
    )
    return buffer.getbuffer()[: -len(between)] if len(texts) else b""


def json_records(rows: pl.DataFrame) -> bytes:
    """Return rows as a JSON array of objects, nulls included.

    Examples
    --------
    >>> import polars as pl
    >>> json_records(pl.DataFrame({"a": [1, None], "b": ["x", "y"]}))
    b'[{"a":1,"b":"x"},{"a":null,"b":"y"}]'
    """
    if rows.is_empty():
        return b"[]"
    buffer = BytesIO()
    rows.write_json(buffer)
    return buffer.getvalue()


def _where(rows: pl.DataFrame, names: Collection[str], pattern: str) -> list[str]:
    """Return those of the columns in which some text matches."""
    import polars as pl

    if not names:
        return []
    found = rows.select(pl.col(names).str.contains(pattern).any())
    return [name for name in found.columns if found[name][0]]


def _escaped(value: pl.Expr, control: bool) -> pl.Expr:
    value = value.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return value.str.replace_many(_ESCAPES) if control else value
