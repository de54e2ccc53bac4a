"""Rows of CSV text, one character at a time."""

from __future__ import annotations


def check_rows(text: str, delimiter: str, quote: str, fields: int) -> dict[str, object]:
    """What `dealtrace_ext.csv_check.RowCheck` reports of a text."""
    found = {"rows": 0, "odd": 0, "stray": 0, "lone": 0, "empty": 0, "open": False}
    at, width, in_row = 0, 0, False
    state = "begin"  # of a field; then plain, quoted, or closed behind a quote
    trailing = False
    while at < len(text):
        sign = text[at]
        at += 1
        if state == "quoted":
            if sign == quote:
                if text[at : at + 1] == quote:
                    at += 1
                else:
                    state = "closed"
            continue
        if sign == quote:
            in_row = True
            if state == "begin":
                state = "quoted"
            elif state == "closed" or state == "plain":
                found["stray"] += 1
                state = "plain"
            continue
        if sign == delimiter:
            found["stray"] += trailing
            width, state, in_row, trailing = width + 1, "begin", True, False
        elif sign in "\r\n":
            if sign == "\r":
                if text[at : at + 1] == "\n":
                    at += 1
                else:
                    found["lone"] += 1
            if in_row:
                found["stray"] += trailing
                found["rows"] += 1
                found["odd"] += width + 1 != fields
            else:
                found["empty"] += 1
            width, state, in_row, trailing = 0, "begin", False, False
        else:
            in_row = True
            if state == "closed":
                trailing = True
            state = "plain" if state != "closed" else "closed"
    found["open"] = state == "quoted"
    if in_row:
        found["stray"] += trailing
        found["rows"] += 1
        found["odd"] += width + 1 != fields
    return found
