"""A workbook of one sheet, perhaps with one that is hidden, written row by row (ECMA-376, SpreadsheetML)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    import polars as pl

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DAY_STYLE, _DAY_FORMAT = 1, 164
_UNIX_EPOCH_SERIAL, _DAY_US = 25_569, 86_400_000_000
"""Day 0 of spreadsheets is 1899-12-30."""
_INLINE, _INLINE_END = '" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
_NOT_IN_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True)
class Workbook:
    """What a workbook is like besides its rows.

    Attributes
    ----------
    sheet : str
        Name of the sheet that is shown.
    header : sequence of str
        Of its columns.
    hidden_columns : int
        So many of the first are hidden.
    hidden_sheet : str
        There is none where it has no name.
    hidden_rows : sequence of sequence of str
        What the hidden sheet holds.
    day_format : str
        How days and instants are shown.
    created : datetime
    footer : sequence of str
        Lines below the rows, in the first column.
    """

    sheet: str
    header: Sequence[str]
    hidden_columns: int
    hidden_sheet: str
    hidden_rows: Sequence[Sequence[str]]
    day_format: str
    created: datetime
    footer: Sequence[str] = ()

    def write(self, path: Path, frames: Iterable[pl.DataFrame]) -> None:
        """Write the workbook with rows that come some at a time; instants are those on the user's clock."""
        with ZipFile(path, "x", ZIP_DEFLATED, compresslevel=2) as packed:
            for name, text in self._small_parts():
                packed.writestr(self._entry(name), _HEAD + text)
            with packed.open(self._entry("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as file:
                file.write(
                    f"{_HEAD}<worksheet xmlns={quoteattr(_MAIN)}>{self._columns()}<sheetData>".encode()
                )
                file.write(_text_row(1, self.header).encode())
                first = 2
                for frame in frames:
                    file.write("".join(_rows(frame, first)).encode())
                    first += frame.height
                below = (_text_row(number, [line]) for number, line in enumerate(self.footer, first))
                file.write("".join(below).encode())
                file.write(b"</sheetData></worksheet>")

    def _entry(self, name: str) -> ZipInfo:
        entry = ZipInfo(name, self.created.timetuple()[:6])
        entry.compress_type = ZIP_DEFLATED
        return entry

    def _columns(self) -> str:
        hidden = f'<col min="1" max="{self.hidden_columns}" width="0" hidden="1" customWidth="1"/>'
        shown = f'<col min="{self.hidden_columns + 1}" max="{len(self.header)}" width="20" customWidth="1"/>'
        return f"<cols>{hidden if self.hidden_columns else ''}{shown}</cols>"

    def _small_parts(self) -> list[tuple[str, str]]:
        """Return the name and content of every part but the rows."""
        sheets = f'<sheet name={quoteattr(self.sheet)} sheetId="1" r:id="rId1"/>'
        parts = ["worksheets/sheet1", "styles"]
        written = []
        if self.hidden_sheet:
            name = quoteattr(self.hidden_sheet)
            sheets += f'<sheet name={name} sheetId="2" state="veryHidden" r:id="rId2"/>'
            parts.insert(1, "worksheets/sheet2")
            rows = "".join(_text_row(number, row) for number, row in enumerate(self.hidden_rows, 1))
            sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
            written.append(("xl/worksheets/sheet2.xml", sheet))
        return [
            ("[Content_Types].xml", _content_types(parts)),
            ("_rels/.rels", _relationships([("officeDocument", "xl/workbook.xml")])),
            (
                "xl/workbook.xml",
                f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            ),
            (
                "xl/_rels/workbook.xml.rels",
                _relationships([(_kind(part), f"{part}.xml") for part in parts]),
            ),
            ("xl/styles.xml", _styles(self.day_format)),
            *written,
        ]


def _kind(part: str) -> str:
    return "worksheet" if part.startswith("worksheets") else part


def _content_types(parts: Sequence[str]) -> str:
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in (("workbook", "sheet.main"), *((part, _kind(part)) for part in parts))
    )
    rels = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    )
    return f'<Types xmlns="{_PACKAGE}/content-types">{rels}{overrides}</Types>'


def _relationships(targets: Sequence[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'


def _styles(day_format: str) -> str:
    return (
        f'<styleSheet xmlns="{_MAIN}">'
        f'<numFmts count="1"><numFmt numFmtId="{_DAY_FORMAT}" formatCode={quoteattr(day_format)}/></numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        f'<xf numFmtId="{_DAY_FORMAT}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        "</cellXfs>"
        "</styleSheet>"
    )


def column_letters(number: int) -> str:
    """Return the letters of a column, the first being 0.

    Examples
    --------
    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(701), column_letters(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _text_row(number: int, texts: Sequence[str]) -> str:
    cells = "".join(
        f'<c r="{column_letters(place)}{number}{_INLINE}{escape(text)}{_INLINE_END}'
        for place, text in enumerate(texts)
    )
    return f'<row r="{number}">{cells}</row>'


def _rows(frame: pl.DataFrame, first: int) -> list[str]:
    """Return the rows of a frame as XML, the first of them being row `first` of the sheet."""
    import polars as pl

    numbered = frame.with_row_index("@row", first)
    cells = [
        _cell(name, kind, column_letters(place)) for place, (name, kind) in enumerate(frame.schema.items())
    ]
    row = pl.concat_str(pl.lit('<row r="'), pl.col("@row"), pl.lit('">'), *cells, pl.lit("</row>"))
    return numbered.select(row.alias("row"))["row"].to_list()


def _cell(name: str, kind: pl.DataType, letters: str) -> pl.Expr:
    """Return the expression of a column's cells; a null has none."""
    import polars as pl

    value, end, more = pl.col(name), "</v></c>", '"><v>'
    if isinstance(kind, pl.Datetime):
        value = value.dt.timestamp("us") / _DAY_US + _UNIX_EPOCH_SERIAL
        more = f'" s="{_DAY_STYLE}"><v>'
    elif kind == pl.Boolean:
        value, more = value.cast(pl.Int8), '" t="b"><v>'
    elif kind == pl.String:
        value = value.str.replace_all(_NOT_IN_XML, "").str.replace_many(
            ["&", "<", ">"], ["&amp;", "&lt;", "&gt;"]
        )
        more, end = _INLINE, _INLINE_END
    cell = pl.concat_str(pl.lit(f'<c r="{letters}'), pl.col("@row"), pl.lit(more), value, pl.lit(end))
    return cell.fill_null("")
