"""Rows of CSV text, one character at a time."""

from __future__ import annotations


def rows(text, delimiter, quote):
    """Return (end, fields) of every row that ends, no fields for an empty line; and the open quote, or -1."""
    found, fields, field, field_begins = [], [], "", True
    opened, i = -1, 0
    while i < len(text):
        c = text[i]
        if opened >= 0:
            if c != quote:
                field += c
            elif text[i + 1 : i + 2] == quote:
                field += quote
                i += 1
            else:
                opened = -1
        elif c in "\r\n":
            i += text[i : i + 2] == "\r\n"
            blank = not fields and field == "" and field_begins
            found.append((i + 1, [] if blank else [*fields, field]))
            fields, field, field_begins = [], "", True
        elif c == delimiter:
            fields.append(field)
            field, field_begins = "", True
        else:
            if c == quote and field_begins:
                opened = i
            else:
                field += c
            field_begins = False
        i += 1
    return found, opened


def whole_rows(text, delimiter, quote, line_end):
    """Where the last row that ends in `line_end` ends, open quote, first NUL, if it is ASCII; lines."""
    found, opened = rows(text, delimiter, quote)
    end = max((end for end, _ in found if text[end - 1] == line_end), default=0)
    lines = sum(2 if text[end - 2 : end] == "\r\n" else 1 for end, _ in found)
    return end, opened, text.find("\0"), text.isascii(), lines


def count_rows(text, delimiter, quote, most=-1):
    """How many rows end, empty lines aside, and where the last of them does."""
    ends = [end for end, fields in rows(text, delimiter, quote)[0] if fields]
    ends = ends if most < 0 else ends[:most]
    return len(ends), ends[-1] if ends else 0


def row_end(text, stop, delimiter, quote):
    """Where the first row ends that a line feed ends at `stop` or behind; -1 where there is none."""
    found, _ = rows(text, delimiter, quote)
    return min((end for end, _ in found if text[end - 1] == "\n" and end >= stop), default=-1)
