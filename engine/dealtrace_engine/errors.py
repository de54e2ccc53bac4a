"""Every error that a user can cause, in one tree.

::

    DealtraceError
    ├── SchemaError      a column is missing, ambiguous, duplicated or of the wrong type
    ├── ParseError       a file or a value that cannot be read
    ├── LogError         a log that is empty, too large, changed on disk, or lacks what is asked of it
    ├── MappingError     a mapping of an organisation's own names that does not fit
    ├── ModelError       a process model that is not well formed
    ├── OutputError      a result that cannot be written
    ├── ArgumentError    an argument out of its range; a ValueError too
    └── Cancelled        a progress callback asked to stop
"""

from __future__ import annotations


class DealtraceError(Exception):
    """What is wrong, where, and what to do, in one line.

    Parameters
    ----------
    what : str
        What is wrong.
    file, row, line, column, value : optional
        Where: the file, the data row (1 is the first row after the header), the line of a text file,
        the column and the value found there.
    hint : str, optional
        What to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        file: object = None,
        row: int | None = None,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.hint = what, hint
        self.file = None if file is None else str(file)
        self.row, self.line, self.column, self.value = row, line, column, value
        super().__init__(self._message())

    def _message(self) -> str:
        where = [
            f"{name} {value}" if name else str(value)
            for name, value in (
                ("", self.file),
                ("row", self.row),
                ("line", self.line),
                ("column", None if self.column is None else repr(self.column)),
                ("value", None if self.value is None else _shortened(self.value)),
            )
            if value is not None
        ]
        message = f"{', '.join(where)}: {self.what}" if where else self.what
        return " ".join((f"{message}; {self.hint}" if self.hint else message).splitlines())

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.__dict__)


def _rebuilt(kind: type[DealtraceError], state: dict[str, object]) -> DealtraceError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (error._message(),)
    return error


def _shortened(value: object, longest: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def first_line(error: BaseException) -> str:
    """Return what another library's error says, in one short line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


class SchemaError(DealtraceError):
    """A column is missing, ambiguous, duplicated or of the wrong type."""


class ParseError(DealtraceError):
    """A file or a value cannot be read."""


class LogError(DealtraceError):
    """A log is empty, too large, changed on disk, or lacks what is asked of it."""


class MappingError(DealtraceError):
    """A mapping of an organisation's own names has what is not known, or does not fit the export."""


class ModelError(DealtraceError):
    """A process model is not well formed."""


class OutputError(DealtraceError):
    """A result cannot be written."""


class ArgumentError(DealtraceError, ValueError):
    """An argument is out of its range, such as no thread at all."""


class Cancelled(DealtraceError):
    """A progress callback returned False."""
