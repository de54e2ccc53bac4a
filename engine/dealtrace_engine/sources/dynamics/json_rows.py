"""Files of JSON as frames of text: arrays of records, pages of them, lines, or several of these in a row."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dealtrace_engine.errors import ParseError
from dealtrace_engine.parallel import closed_after, map_ahead
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.json_columns import JsonColumns, record_lines
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.files import InputFile

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
HEAD_BYTES = 1 << 18
PIECE_BYTES = 2 << 20
SAMPLED_RECORDS = 200
PAGES = ("value", "records", "AuditDetails")
"""Keys under which a page holds its records."""
AROUND_PAGES = ("AuditDetailCollection",)
_ENTITY_SET = re.compile(r"\$metadata#(\w+)")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class JsonFile:
    """A file of JSON and how its records lie in it.

    Attributes
    ----------
    file : InputFile
    depth : int
        Brackets that are open around a record.
    entity_set : str or None
        What its first page says that the records are.
    encoding : str
    """

    file: InputFile
    depth: int
    entity_set: str | None
    encoding: str


def json_file(file: InputFile) -> JsonFile:
    """Look at the head of a file.

    Raises
    ------
    ParseError
        It is no JSON, or an error message instead of data.
    """
    with opened(file) as stream:
        head = stream.read(HEAD_BYTES)
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    depth, keys = _layout(text, file)
    context = keys.get("@odata.context")
    found = _ENTITY_SET.search(context) if isinstance(context, str) else None
    return JsonFile(file, depth, found[1] if found else None, encoding)


def sample(source: JsonFile) -> list[dict[str, Any]]:
    """Return the first records of a file."""
    lines = next(_lines(source, HEAD_BYTES), b"").splitlines()[:SAMPLED_RECORDS]
    found = []
    for line in lines:
        try:
            found.append(json.loads(line.decode("utf-8", "replace")))
        except json.JSONDecodeError:
            continue
    return found


def frames(source: JsonFile, columns: Sequence[str], findings: list[Finding]) -> Iterator[pl.DataFrame]:
    """Read some keys of all records as text, piece by piece.

    Parameters
    ----------
    source : JsonFile
    columns : sequence of str
        Null in records that do not have them; an object or array is its JSON, a number as it is written.
    findings : list of Finding
        Records that are no JSON and bytes that are no UTF-8 are added.

    Raises
    ------
    ParseError
        The file ends in the middle of a record.
    """
    name, recoded, broken = source.file.path.name, 0, 0
    read = JsonColumns(columns).read
    with closed_after(map_ahead(read, _lines(source, PIECE_BYTES))) as pieces:
        for piece in pieces:
            recoded, broken = recoded + piece.recoded, broken + piece.broken
            yield piece.frame
    found: list[Finding] = []
    counted(found, f"{name}: records that are not UTF-8, read as Windows-1252", recoded)
    counted(found, f"{name}: records left out, no JSON", broken)
    noted(findings, found)


def _lines(source: JsonFile, size: int) -> Iterator[bytes]:
    """Yield the records of a file, a line each."""
    state = np.zeros(4, np.int64)
    with opened(source.file) as stream:
        yield from record_lines(_utf8(stream, source.encoding, size), source.depth, state)
    if state[0] < 0:
        raise ParseError("is no JSON: more brackets close than open", file=source.file.path)
    if state.any():
        raise ParseError("the JSON is cut off in the middle", file=source.file.path, hint="export it again")


def _utf8(stream: IO[bytes], encoding: str, size: int) -> Iterator[bytes]:
    if encoding == "utf-8":
        while piece := stream.read(size):
            yield piece
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while piece := stream.read(size):
        yield decoder.decode(piece).encode()


def _layout(text: str, file: InputFile) -> tuple[int, dict[str, object]]:
    """Return how deep the records are, and the keys of the page around them."""
    at, depth = _skip(text, 0), 0
    if text[at : at + 1] == "[":
        at, depth = _skip(text, at + 1), 1
    if text[at : at + 1] == "]":
        return depth, {}
    if text[at : at + 1] != "{":
        raise ParseError("is no JSON of records", file=file.path, line=1, value=text[:40])
    keys: dict[str, object] = {}
    deeper = _page(text, at, keys)
    if deeper is None and "error" in keys and len(keys) == 1:
        raise ParseError("is an error message of the Web API, not data", file=file.path, value=keys["error"])
    return depth + (deeper or 0), keys


def _page(text: str, at: int, keys: dict[str, object]) -> int | None:
    """Return how many brackets are around the records of a page that begins here, None where it is none."""
    decoder, at = json.JSONDecoder(), _skip(text, at + 1)
    while text[at : at + 1] == '"':
        try:
            key, at = decoder.raw_decode(text, at)
            at = _skip(text, at)
            at = _skip(text, at + 1)
            opens = text[at : at + 1]
            if key in PAGES and opens == "[":
                return 2
            if key in AROUND_PAGES and opens == "{":
                inner = _page(text, at, keys)
                return None if inner is None else inner + 1
            keys[key], at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return None
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at
    return None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n\ufeff":
        at += 1
    return at
