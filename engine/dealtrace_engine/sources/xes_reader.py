"""XES tags to rows: which attribute belongs to which trace or event, and what else a log holds."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping

from dealtrace_engine.errors import ParseError
from dealtrace_engine.parallel import Progress
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.xes_rows import BadCell, Rows, TraceRows
from dealtrace_engine.sources.xes_types import KINDS
from dealtrace_engine.sources.xml_stream import XmlStream

CHUNK_BYTES = 1 << 24
"""XML after which the cells are turned into arrays; bounds the memory they take."""

DEEPEST = 200
MOST_COLUMNS = 4096


class XesReader:
    """Reads one XES file; afterwards its attributes hold all there is to know.

    Parameters
    ----------
    file : InputFile
    case_as_text, event_as_text : frozenset of str
        Keys of traces and of events to read as text, whatever their tags.

    Attributes
    ----------
    xml : XmlStream
        The file as a stream of tags.
    traces, events : Rows
        The attributes of traces, repeated for their events, and those of events.
    trace_count, empty_traces, loose_events : int
        Traces, those without events, and events outside of any trace.
    nested, collections, missing_values : int
        Attributes inside of others, lists and containers, attributes without a value.
    unknown : Counter
        Tags without a meaning in XES, and how often they occur.
    log_keys, extensions, classifiers : list of str
        What the log says of itself.
    defaults : int
        Attributes in <global> elements.
    """

    def __init__(
        self,
        file: InputFile,
        case_as_text: frozenset[str] = frozenset(),
        event_as_text: frozenset[str] = frozenset(),
    ) -> None:
        self.xml = XmlStream(file, self._start, self._end)
        self.traces, self.events = TraceRows("traces", case_as_text), Rows("events", event_as_text)
        self.trace_count = self.empty_traces = self.loose_events = 0
        self.nested = self.collections = self.missing_values = self.defaults = 0
        self.unknown: Counter[str] = Counter()
        self.log_keys: list[str] = []
        self.extensions: list[str] = []
        self.classifiers: list[str] = []
        self._depth = 0
        self._attributes_at = 0  # depth of the attributes of the open trace or event; 0 outside of both
        self._open: Rows = self.traces
        self._row = self._trace_events = 0
        self._in_trace = self._in_global = False
        self._traces_due = self._events_due = False

    def read(self, progress: Progress | None = None) -> None:
        """Read the whole file.

        Raises
        ------
        ParseError
            The file is no gzip, no XML or no XES.
        BadCell
            A value is not what its tag says.
        """
        next_chunk = CHUNK_BYTES
        for fed in self.xml.blocks(progress):
            if len(self.traces.cells) + len(self.events.cells) > MOST_COLUMNS:
                raise self.xml.error(f"there are more than {MOST_COLUMNS:,} different attribute keys")
            if fed >= next_chunk:
                self._traces_due = self._events_due = True
                next_chunk = fed + CHUNK_BYTES
        self.events.finish_chunk()
        self.traces.finish_chunk()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        """Put an attribute of the open trace or event into its cell; runs for every tag, hence bare."""
        self._depth += 1
        here = self._depth == self._attributes_at
        if here and tag in KINDS and "key" in attributes and "value" in attributes:
            rows = self._open
            rows.stored += 1
            rows.cells[attributes["key"]][tag][self._row] = attributes["value"]
        else:
            self._start_other(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth == self._attributes_at - 2:
            self._close()

    def _start_other(self, tag: str, attributes: Mapping[str, str]) -> None:
        depth = self._depth
        if depth == 1:
            self._start_root(tag)
        elif depth > DEEPEST:
            raise self.xml.error(f"tags are nested more than {DEEPEST} deep")
        elif depth == 2 and tag == "trace":
            self._open_trace()
        elif tag == "event" and depth == (3 if self._in_trace else 2):
            self._open_event()
        elif not self._attributes_at:
            self._in_log(tag, attributes)
        elif depth > self._attributes_at:
            self.nested += 1
        else:
            self._odd(tag, attributes)

    def _start_root(self, tag: str) -> None:
        prefix, _, name = tag.rpartition(":")
        if name != "log":
            raise self.xml.error(f"the root element is <{tag[:60]}>, not <log>", "is this an XES file?")
        if prefix:
            self._strip(prefix + ":")

    def _strip(self, prefix: str) -> None:
        """Read the tags without the namespace prefix of the root."""
        self.xml.on_start(lambda tag, attributes: self._start(tag.removeprefix(prefix), attributes))

    def _open_trace(self) -> None:
        self._open, self._attributes_at, self._in_trace = self.traces, 3, True
        self._row, self._trace_events = self.traces.count, 0
        self.traces.count += 1
        self.trace_count += 1

    def _open_event(self) -> None:
        if not self._in_trace:
            self.loose_events += 1
            self.traces.count += 1  # a row of its own, without attributes
            self.traces.sizes.append(1)
        self._open, self._attributes_at = self.events, self._depth + 1
        self._row = self.events.count
        self.events.count += 1
        self._trace_events += 1

    def _close(self) -> None:
        """Close the open event or trace."""
        if self._open is self.events:
            if self._events_due:
                self.events.finish_chunk()
                self._events_due = False
            if self._in_trace:
                self._open, self._attributes_at, self._row = self.traces, 3, self.traces.count - 1
                return
        else:
            self.traces.sizes.append(self._trace_events)
            self.empty_traces += not self._trace_events
            self._in_trace = False
        self._attributes_at = 0
        if self._traces_due:
            self.traces.finish_chunk()
            self._traces_due = False

    def _in_log(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name") or attributes.get("key") or attributes.get("scope") or ""
        if self._depth > 2:
            self.defaults += self._in_global
            return
        self._in_global = tag == "global"
        if tag == "extension":
            self.extensions.append(name)
        elif tag == "classifier":
            self.classifiers.append(f"{name} = {attributes.get('keys', '')}")
        elif tag in KINDS or tag in ("list", "container"):
            self.log_keys.append(name)
        elif tag != "global":
            self.unknown[tag] += 1

    def _odd(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Count what stands where an attribute of a trace or event should, but is none with a value."""
        if tag in ("list", "container"):
            self.collections += 1
        elif tag not in KINDS:
            self.unknown[tag] += 1
        elif "key" not in attributes:
            raise self.xml.error(f"a <{tag}> has no key")
        else:
            self.missing_values += 1


class LineOf(dict[int, str]):
    """Cells that remember the line at which the value of one row was read."""

    def __init__(self, reader: XesReader, row: int) -> None:
        super().__init__()
        self.reader, self.row = reader, row
        self.line: int | None = None

    def __setitem__(self, row: int, value: str) -> None:
        if row == self.row:
            self.line = self.reader.xml.line
        super().__setitem__(row, value)


def line_of(file: InputFile, cell: BadCell) -> int | None:
    """Read the file again up to a bad cell, and return its line."""
    reader = XesReader(file)
    rows = reader.events if cell.scope == "events" else reader.traces
    watched = LineOf(reader, cell.row)
    rows.cells.add(cell.key, {cell.kind: watched})
    with contextlib.suppress(BadCell, ParseError):
        reader.read()
    return watched.line
