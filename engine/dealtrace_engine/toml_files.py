"""TOML files: read with the line of what is wrong; in which line a key is; values as TOML writes them."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dealtrace_engine.errors import ArgumentError, ParseError, first_line
from dealtrace_engine.output import PathLike

Path_ = tuple[str, ...]
_HEADER = re.compile(r"""\s*\[\[?(?P<name>(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\]"'])+)\]\]?\s*(?:#.*)?$""")
_KEY = re.compile(r"""\s*(?P<key>(?:[A-Za-z0-9_.\- ]|"(?:[^"\\]|\\.)*"|'[^']*')+?)\s*=""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class TomlFile(NamedTuple):
    """What was read.

    Attributes
    ----------
    content : dict
    text : str
    file : path or None
        None where the text was given.
    """

    content: dict[str, Any]
    text: str
    file: PathLike | None


def read_toml(source: PathLike, what: str) -> TomlFile:
    r"""Read a TOML file, or its text, which has more than one line.

    Parameters
    ----------
    source : path or str
    what : str
        What the file is, in the words of an error.

    Raises
    ------
    ParseError
        There is no such file, or it is no TOML; with the line.
    ArgumentError
        It is neither a path nor a text.

    Examples
    --------
    >>> read_toml('zone = "UTC"\n', "the calendar").content
    {'zone': 'UTC'}
    """
    if not isinstance(source, str | os.PathLike):
        raise ArgumentError(f"{what} is a path or a text, not {source!r}")
    is_text = isinstance(source, str) and "\n" in source
    file = None if is_text else source
    try:
        text = str(source) if is_text else Path(source).read_text("utf-8")
    except OSError as error:
        raise ParseError(f"{what} cannot be read ({error.strerror})", file=file) from error
    except UnicodeDecodeError as error:
        raise ParseError(f"{what} is not UTF-8", file=file, hint="save it as UTF-8") from error
    except ValueError as error:  # a path with a null character
        raise ParseError(f"{what} cannot be read ({error})", file=file) from error
    try:
        return TomlFile(tomllib.loads(text.removeprefix("\ufeff")), text, file)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        raise ParseError(f"{what} is not TOML: {first_line(error)}", file=file, line=line) from error
    except RecursionError as error:
        raise ParseError(f"{what} has too many tables inside of each other", file=file) from error


def key_lines(text: str) -> dict[Path_, int]:
    r"""Return the line, from 1, in which each table and each key of a TOML text begins.

    Examples
    --------
    >>> key_lines('a = 1\n[b."c.d"]\ne = 2')
    {('a',): 1, ('b', 'c.d'): 2, ('b', 'c.d', 'e'): 3}
    """
    lines: dict[Path_, int] = {}
    table: Path_ = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _path(header["name"])
            lines.setdefault(table, number)
        elif key:
            lines.setdefault((*table, *_path(key["key"])), number)
    return lines


def _path(dotted: str) -> Path_:
    """Return the parts of a key as TOML reads them; none where it is no key."""
    try:
        found: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(found, dict) and found:
        ((part, found),) = found.items()
        parts.append(part)
    return tuple(parts)


def written(value: str | bool | float | Sequence[str]) -> str:
    r"""Return a value as TOML writes it.

    Examples
    --------
    >>> written(["a", 'b "c"']), written(True), written(0.05)
    ('["a", "b \\"c\\""]', 'true', '0.05')
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return repr(float(value))
    return f"[{', '.join(written(part) for part in value)}]"


def written_key(key: str) -> str:
    """Return a key, in quotes where it needs them."""
    return key if _BARE.fullmatch(key) else written(key)


def entries(values: Mapping[str, str | bool | float | Sequence[str]]) -> Iterable[str]:
    """Yield the lines of a table."""
    for key, value in values.items():
        yield f"{written_key(key)} = {written(value)}"
