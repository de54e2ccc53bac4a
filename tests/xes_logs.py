"""XES logs as text: small ones by hand, and any log in any of the ways that XML allows to write it."""

import gzip
import random
from xml.sax.saxutils import quoteattr

import pyarrow as pa
from hypothesis import strategies as st

from naive import xes as naive

US, NS = pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")
HEAD = '<log>\n<trace><string key="concept:name" value="c"/>\n<event>\n'
TAIL = "\n</event></trace></log>"


def one(attributes):
    return HEAD + attributes + TAIL


def values(table):
    """Column name to values; dates as nanoseconds since 1970."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            scale = 1000 if column.type == US else 1
            integers = column.cast(pa.int64()).to_pylist()
            columns[name] = [value if value is None else value * scale for value in integers]
        else:
            columns[name] = column.to_pylist()
    return columns


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
    lambda c: c >= " " or c in "\t\n\r"
)
strings = st.text(characters, max_size=8) | st.sampled_from(
    ["a<b", "&amp;", "]]>", "\r\n", "'\"", "<!--", "", "null"]
)
dates = st.builds(
    "{}{}{}".format,
    st.datetimes(
        min_value=naive.datetime(1700, 1, 1), max_value=naive.datetime(2250, 1, 1)
    ).map(lambda moment: moment.isoformat()[:19]),
    st.sampled_from(["", ".0", ".123", ".123456", ".100000000"]) | st.just(".000000001"),
    st.sampled_from(["", "Z", "+02:00", "-11:30"]),
)  # fmt: skip
cells = st.one_of(
    st.tuples(st.just("string"), strings),
    st.tuples(st.just("id"), strings),
    st.tuples(st.just("date"), dates),
    st.tuples(st.just("int"), st.integers(-(2**63), 2**63 - 1).map(str)),
    st.tuples(st.just("float"), st.floats(allow_nan=False).map(repr)),
    st.tuples(st.just("boolean"), st.sampled_from(["true", "false"])),
)
keys = st.sampled_from(["concept:name", "time:timestamp", "a b", "é", "", "<&>"])


def with_a_date(cells):
    tag = cells.get("time:timestamp", ("int", ""))[0]
    return cells | {"time:timestamp": (tag, "2020-01-01T00:00:00")} if tag in ("string", "id") else cells


attributes = st.dictionaries(keys, cells, max_size=4).map(with_a_date)
plain = st.dictionaries(st.just("n"), st.tuples(st.just("int"), st.integers(0, 9).map(str)))
traces = st.lists(st.tuples(attributes | plain, st.lists(attributes | plain, max_size=4)), max_size=5)


class Writer:
    """Writes a log as XES text, with the freedoms that XML leaves chosen at random."""

    def __init__(self, choose, prefix):
        self.choose, self.prefix = choose, prefix

    def value(self, text):
        quoted = quoteattr(text, {"\n": "&#10;", "\r": "&#xD;", "\t": "&#9;"})
        if text and self.choose.random() < 0.2:
            first = f"&#{ord(text[0])};"
            quoted = quoteattr("\0" + text[1:], {"\n": "&#10;", "\r": "&#xd;", "\t": "&#9;"}).replace(
                "\0", first
            )
        return quoted

    def between(self):
        return self.choose.choice(
            ["", "\n", "  ", "\t", "<!-- <event> &nothing; -->", "<![CDATA[<event/>]]>", "<?pi a?>"]
        )

    def tag(self, name, attributes, content=None):
        pairs = [f"{key}{self.choose.choice(['=', ' = '])}{self.value(text)}" for key, text in attributes]
        self.choose.shuffle(pairs)
        start = f"<{self.prefix}{name} {' '.join(pairs)}"
        if content is None and self.choose.random() < 0.5:
            return start + "/>" + self.between()
        return f"{start}>{self.between()}{content or ''}</{self.prefix}{name} >{self.between()}"

    def cells(self, cells):
        parts = []
        for key, (tag, text) in cells.items():
            nested = self.choose.choice([None, None, self.tag("int", [("key", "n"), ("value", "1")])])
            parts.append(self.tag(tag, [("key", key), ("value", text)], nested))
        return "".join(parts)

    def log(self, traces):
        body = "".join(
            self.tag(
                "trace", [], self.cells(case) + "".join(self.tag("event", [], self.cells(e)) for e in events)
            )
            for case, events in traces
        )
        space = "xmlns" + (":x" if self.prefix else "")
        return f'<{self.prefix}log {space}="http://www.xes-standard.org/">{self.between()}{body}</{self.prefix}log>'


def written(traces, seed):
    choose = random.Random(seed)
    text = Writer(choose, choose.choice(["", "", "x:"])).log(traces)
    encoding = choose.choice(["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
    if encoding == "iso-8859-1" and max(map(ord, text)) > 255:
        encoding = "utf-8"
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n{text}'
    return (text.replace("\n", "\r\n") if choose.random() < 0.3 else text).encode(encoding)


def gzipped_events(count=5000):
    numbers = random.Random(1)
    events = "".join(
        f'<event><int key="k" value="{numbers.randrange(1 << 60)}"/></event>\n' for _ in range(count)
    )
    return gzip.compress(f"<log><trace>\n{events}</trace></log>".encode())
