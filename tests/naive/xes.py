"""XES as a tree, read attribute by attribute, and dates by the standard library."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

KINDS = {
    "string": "string",
    "id": "string",
    "date": "date",
    "int": "int",
    "float": "float",
    "boolean": "boolean",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def date(text):
    """Nanoseconds since 1970 UTC."""
    head, fraction, zone = DATE.fullmatch(text).groups()
    moment = datetime.fromisoformat(head + (zone or "Z")) - EPOCH
    return moment // timedelta(seconds=1) * 10**9 + int((fraction or "").ljust(9, "0"))


READ = {
    "string": str,
    "date": date,
    "int": int,
    "float": float,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "text": str,
}


def name(element):
    return element.tag.rpartition("}")[2]


def attributes(element):
    """(key, kind, text) of the attributes right below a trace or an event."""
    found = {}
    for child in element:
        if name(child) in KINDS:
            kind = KINDS[name(child)]
            if child.get("key") == "time:timestamp" and kind == "string":
                kind = "date"
            found.pop(child.get("key"), None)
            found[child.get("key")] = kind, child.get("value")
    return found


def table(data):
    """Column name to values, one per event in file order; dates as nanoseconds since 1970."""
    rows = []
    for trace in ET.fromstring(data):
        if name(trace) == "trace":
            case = {"case:" + key: cell for key, cell in attributes(trace).items()}
            events = [child for child in trace if name(child) == "event"]
            rows += [(case, attributes(event)) for event in events] or [(case, None)]
    columns = {}
    for part in (0, 1):
        for row in rows:
            for key, (kind, _) in (row[part] or {}).items():
                columns.setdefault(key, set()).add(kind)
    kinds = {key: kinds.pop() if len(kinds) == 1 else "text" for key, kinds in columns.items()}
    cells = [case | event for case, event in rows if event is not None]
    return {
        key: [READ[kind](row[key][1]) if key in row else None for row in cells] for key, kind in kinds.items()
    }
