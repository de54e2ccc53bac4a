"""What all results have in common: Arrow tables that go out as frames, JSON and PyCapsules."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from dealtrace_engine.log import EventLog


Made = TypeVar("Made")


class Later(Generic[Made]):
    """Something that is made when it is first asked for, once, whichever thread asks; pickled, it is made.

    Examples
    --------
    >>> answer = Later(lambda: 6 * 7)
    >>> answer(), answer()
    (42, 42)
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make: Callable[[], Made] | None = make
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        """Return it."""
        with self._lock:
            if self._make is not None:
                self._made = self._make()
                self._make = None  # what it was made from may be large
            return self._made

    def __reduce__(self) -> tuple[object, ...]:
        return made, (self(),)


def made(value: Made) -> Later[Made]:
    """Return what is there already as something to ask for."""
    return Later(lambda: value)


class LogReference:
    """The log a result came from; pickled, only its fingerprint is left."""

    def __init__(self, log: EventLog | None, fingerprint: str = "") -> None:
        self._log, self._fingerprint = log, fingerprint

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the log."""
        return self._fingerprint if self._log is None else self._log.fingerprint

    def __reduce__(self) -> tuple[object, ...]:
        return LogReference, (None, self.fingerprint)


class Result:
    """A frozen answer; its main table speaks Arrow.

    Subclasses are frozen dataclasses with a field `_log`, a class attribute `definition` (name and version of
    what was computed), their main table in `_table` and what goes to JSON in `_content`.
    """

    definition: ClassVar[str]
    _log: LogReference

    @property
    def _table(self) -> pa.Table:
        raise AttributeError("a result names its main table")

    def _content(self) -> dict[str, Any]:
        return {"table": self._table}

    def to_arrow(self) -> pa.Table:
        """Return the main table."""
        return self._table

    def tables(self) -> dict[str, pa.Table]:
        """Return the other tables that are in its JSON, by their names there; with all rows."""
        found: dict[str, pa.Table] = {}
        for name, told in self._content().items():
            whole = getattr(self, name, None)  # JSON may have less of it
            table = whole if isinstance(whole, pa.Table) else told
            if isinstance(table, pa.Table) and table is not self._table:
                found[name] = table
        return found

    def to_polars(self) -> pl.DataFrame:
        """Return the main table as a Polars frame."""
        import polars as pl

        return pl.DataFrame(self._table)

    def to_pandas(self) -> pd.DataFrame:
        """Return the main table as a pandas frame."""
        return cast("pd.DataFrame", self._table.to_pandas())

    def to_json(self, *, indent: int | None = None) -> str:
        """Return all of it as JSON text; what is not a number becomes null."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values: tables as lists of rows."""
        content = {"definition": self.definition, "log_fingerprint": self.log_fingerprint, **self._content()}
        return {name: plain(value) for name, value in content.items()}

    @property
    def log_fingerprint(self) -> str:
        """Fingerprint of the log that the result was computed from."""
        return self._log.fingerprint

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def plain(value: Any) -> Any:
    """Return tables as lists of rows, NaN as None, and days and times as ISO text."""
    if isinstance(value, pa.Table):
        return [plain(row) for row in value.to_pylist()]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date):  # datetimes are dates
        return value.isoformat()
    return value if isinstance(value, str | int | float) or value is None else str(value)
