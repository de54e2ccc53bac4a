"""Text and tables for a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line what happens when nobody reads any more."""
        raise BrokenPipeError


def console() -> Console:
    """Return the console that writes to stdout as it is now; 80 columns wide where that is no terminal."""
    return _Stdout(file=sys.stdout, highlight=False, markup=False, emoji=False)


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


def figures_table(columns: Sequence[str], rows: Iterable[Sequence[object]], texts: int = 1) -> Table:
    """Return a table whose first `texts` columns are text that may be cut, and the others figures."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False)
    for number, name in enumerate(columns):
        if number < texts:
            table.add_column(name)
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(safe(cell), no_wrap=True, overflow="ellipsis") for cell in row))
    return table
