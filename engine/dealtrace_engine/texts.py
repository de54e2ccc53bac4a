"""A text column of the source as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import plain_type
from dealtrace_engine.buffers import empty, large_texts, view
from dealtrace_engine.errors import LogError, ParseError, SchemaError

EXACT_FLOATS = {16: 1 << 11, 32: 1 << 24, 64: 1 << 53}
"""By width in bits, the last of the whole numbers that a float tells apart."""


class TextCodes:
    """Codes for the texts of one column, in order of first appearance, over many batches.

    Parameters
    ----------
    column : str
        The column's name, for messages.
    """

    def __init__(self, column: str) -> None:
        from dealtrace_ext.intern import Interner

        self.column, self._interner = column, Interner()

    def __len__(self) -> int:
        return len(self._interner)

    def as_text(self, values: pa.Array, file: str) -> pa.Array:
        """Return `values` as utf8 or large_utf8, or as a dictionary of them; integers become their digits.

        Raises
        ------
        SchemaError
            The type has no plain text form.
        """
        kind = values.type
        if pa.types.is_dictionary(kind):
            self._check_indices(values, file)
            if _is_text(kind.value_type) and values.dictionary.null_count == 0:
                return values
            return self.as_text(values.dictionary, file).take(values.indices)
        if _is_text(kind):
            return values
        if pa.types.is_floating(kind):  # what pandas makes of integers with gaps
            values = _whole_numbers(values, self.column, file)
        try:
            return values.cast(pa.large_string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            raise SchemaError(
                f"{plain_type(kind)} cannot be read as text", file=file, column=self.column
            ) from error

    def _check_indices(self, values: pa.DictionaryArray, file: str) -> None:
        """Refuse indices without an entry, which pyarrow lets through from damaged files."""
        indices = view(values.indices.drop_null() if values.null_count else values.indices)
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(values.dictionary):
            raise ParseError("a text is not in its dictionary", file=file, column=self.column,
                             hint="export the data again")  # fmt: skip

    def rejected(self, values: pa.Array, role: str) -> list[tuple[str, NDArray[np.int64]]]:
        """Return the positions of nulls and of empty texts, by reason."""
        reasons = []
        if values.null_count:
            reasons.append((f"null {role}", _positions(values.is_null())))
        if _may_hold_empty(values):
            reasons.append((f"empty {role}", _positions(_is_empty(values))))
        return reasons

    def encode(self, values: pa.Array, picks: NDArray[np.uint32] | None = None) -> NDArray[np.int32]:
        """Return the code of each text (or of those at `picks`), -1 for null.

        New texts get the next codes, in order.
        """
        codes = empty(len(values) if picks is None else len(picks), np.int32)
        if _is_dictionary(values):
            values = values.dictionary_decode()
        try:
            self._interner.encode(values, codes, picks)
        except OverflowError as error:
            raise LogError(str(error), column=self.column, hint="split the log") from error
        except ValueError as error:
            raise ParseError(str(error), column=self.column, hint="export the data again") from error
        return codes

    def coded(self, values: pa.Array) -> tuple[NDArray[Any], NDArray[np.int32] | None]:
        """Return the codes of texts; of a dictionary its indices, and the code of each entry."""
        if not _is_dictionary(values) or values.null_count:
            return self.encode(values), None
        indices = view(values.indices)
        if indices.dtype != np.uint8:
            indices = indices.astype(np.int32, copy=False)
        return indices, self._entry_codes(values.dictionary, indices)

    def narrow(self, values: pa.Array) -> tuple[NDArray[Any], NDArray[np.int32] | None]:
        """Return codes in as few bytes as they need, as `coded` does; nulls get an arbitrary code."""
        codes, code_of = self.coded(values)
        size = len(self) if code_of is None else len(code_of)
        width = np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.uint32
        if values.null_count:
            codes[codes < 0] = 0
        return codes.astype(width, copy=False), code_of

    def _entry_codes(self, dictionary: pa.Array, indices: NDArray[Any]) -> NDArray[np.int32]:
        """Encode each text of a dictionary that occurs, once, in order of first appearance; else -1."""
        from dealtrace_ext.pages import first_uses

        size = len(dictionary)
        code_of, used = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.uint32)
        used = used[: first_uses(indices if indices.dtype == np.uint8 else indices.view(np.uint32), used)]
        code_of[used] = self.encode(dictionary, used)
        return code_of

    def texts(self, file: str) -> pa.LargeStringArray:
        """Hand over the distinct texts in the order of their codes; none are left here.

        Raises
        ------
        ParseError
            A text is not valid UTF-8.
        """
        count, is_ascii = len(self), self._interner.is_ascii
        texts = pa.LargeStringArray.from_buffers(count, *map(pa.py_buffer, self._interner.take_texts()))
        if is_ascii:
            return texts
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ParseError("a text is not valid UTF-8", file=file, column=self.column,
                             value=_first_invalid(texts)) from error  # fmt: skip
        return texts

    def sorted_by_text(self, file: str) -> tuple[pa.LargeStringArray, NDArray[np.int64]]:
        """Hand over the distinct texts sorted by their bytes, and the rank of each code."""
        texts = self.texts(file).to_pylist()
        order = sorted(
            range(len(texts)), key=texts.__getitem__
        )  # code points are in the order of their bytes
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[order] = np.arange(len(order))
        return large_texts([texts[code] for code in order]), ranks


def _is_dictionary(values: pa.Array) -> bool:
    return bool(pa.types.is_dictionary(values.type))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_empty(values: pa.Array) -> pa.BooleanArray:
    import pyarrow.compute as pc  # late: its import costs as much as a million rows

    return pc.equal(values.dictionary_decode() if _is_dictionary(values) else values, "").fill_null(False)


def _positions(mask: pa.BooleanArray) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    return view(pc.indices_nonzero(mask)).astype(np.int64)


def _may_hold_empty(values: pa.Array) -> bool:
    """Whether a text without bytes may be among them; nulls have none either."""
    texts = values.dictionary if _is_dictionary(values) else values
    if len(texts) == 0:
        return False
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.frombuffer(texts.buffers()[1], dtype=width)[texts.offset : texts.offset + len(texts) + 1]
    return bool((offsets[1:] == offsets[:-1]).any())


def _whole_numbers(values: pa.Array, column: str, file: str) -> pa.Array:
    """Return floats as integers; NaN is what Polars and numpy write for a gap."""
    import pyarrow.compute as pc

    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    what, exact = "fractional numbers are no identifiers", EXACT_FLOATS[values.type.bit_width]
    try:
        numbers = values.cast(pa.float64()).cast(pa.int64())
        if not pc.any(pc.greater(pc.abs(numbers), exact)).as_py():
            return numbers
        what = f"numbers beyond {exact:,} have lost digits as {values.type} and are no identifiers"
    except pa.ArrowInvalid:
        pass
    raise SchemaError(what, file=file, column=column, hint="give the column as text")


def _first_invalid(texts: pa.LargeStringArray) -> bytes | None:
    for value in texts.cast(pa.large_binary()):
        try:
            value.as_py().decode()
        except UnicodeDecodeError:
            return bytes(value.as_py())
    return None
