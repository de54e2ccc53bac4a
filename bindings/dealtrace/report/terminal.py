"""Text and tables for a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.table import Table
from rich.text import Text

WIDE = 10_000
"""Columns where the width does not matter."""
NAMES = 24
"""The least width that names are folded to, in columns."""
_HOLD = {0xA0: 0xE000, 0x202F: 0xE001}
_RELEASE = {held: space for space, held in _HOLD.items()}
_WIDE, _OPENS, _CLOSES = "\u3041-\u9fff", "「『（“", "、。」』）”，；：！？ー"
_UNIT = re.compile(f"[{_OPENS}]*(?:[{_WIDE}]|[^ {_WIDE}{_OPENS}{_CLOSES}]*)[{_CLOSES}]* *")
"""What stays in one line: a word, a figure, or a letter of those that are written without spaces."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line what happens when nobody reads any more."""
        raise BrokenPipeError


def console(whole: bool = False) -> Console:
    """Return the console that writes to stdout as it is now.

    Parameters
    ----------
    whole : bool
        Where stdout is no terminal, whether lines are as long as they are, instead of 80 columns.
    """
    width = WIDE if whole and not sys.stdout.isatty() else None
    return _Stdout(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


class Joined(Text):
    """Text whose lines end where its language lets them, and in no figure.

    They end at no no-break space, which rich takes for any other space; between letters of Japanese and
    Chinese, which have no spaces, but not before a sign that closes nor after one that opens.
    """

    def wrap(self, console: Console, width: int, *arguments: Any, **options: Any) -> Lines:
        """Return the lines; see `rich.text.Text.wrap`."""
        held = self.copy()
        held.plain = self.plain.translate(_HOLD)
        parts = held.divide(_line_ends(held.plain, width))
        lines = Lines(line for part in parts for line in part.wrap(console, width, *arguments, **options))
        for line in lines:
            line.plain = line.plain.translate(_RELEASE)
        return lines


def _line_ends(text: str, width: int) -> list[int]:
    """Return where lines of so many cells end.

    Examples
    --------
    >>> text = "金額は28,723,533です。"
    >>> [text[: _line_ends(text, width)[0]] for width in (9, 20)]
    ['金額は', '金額は28,723,533で']
    """
    ends, cells = [], 0
    for unit in _UNIT.finditer(text):
        if cells and cells + cell_len(unit[0].rstrip(" ")) > width:
            ends.append(unit.start())
            cells = 0
        cells += cell_len(unit[0])
    return ends


def safe(text: object) -> str:
    """Return text from a log so that it can steer no terminal."""
    return _CONTROL.sub("\ufffd", str(text))


def heading(text: str) -> Text:
    """Return the title of a section."""
    return Text(f"\n{text}", style="bold cyan")


def facts_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names and values side by side."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(safe(value)))
    return table


def figures_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], texts: int = 1, least: int | None = None
) -> Table:
    """Return a table whose first columns are text that may be cut, and the others figures.

    Parameters
    ----------
    columns : sequence of str
    rows : iterable of sequence of object
    texts : int
        How many columns are text.
    least : int, optional
        Text is folded instead, to no less than this width, or its own, and no figure is cut.
    """
    cut: dict[str, Any] = {} if least is not None else {"no_wrap": True, "overflow": "ellipsis"}
    cells = [[Text(safe(cell), **cut) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False)
    for number, name in enumerate(columns):
        widest = max(cell_len(name), *(row[number].cell_len for row in cells), 0)
        if number < texts:
            table.add_column(name, overflow="fold", min_width=None if least is None else min(least, widest))
        else:
            table.add_column(name, justify="right", no_wrap=True, min_width=None if least is None else widest)
    for row in cells:
        table.add_row(*row)
    return table
