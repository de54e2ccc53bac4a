"""Structs in the compact protocol of Thrift, written and read slowly.

A value is (type, content): content is a bool, an int, bytes, (element type, contents) of a list, or a dict of
the values of a struct by their numbers.
"""

from __future__ import annotations

from typing import Any

from naive.pages import varint

TRUE, FALSE, BYTE, I32, I64, BINARY, LIST, STRUCT = 1, 2, 3, 5, 6, 8, 9, 12
Value = tuple[int, Any]


def written(kind: int, content: Any) -> bytes:
    """The bytes of a value."""
    if kind in (TRUE, FALSE):
        return b""
    if kind == BYTE:
        return bytes([content])
    if kind in (I32, I64):
        return varint(content << 1 if content >= 0 else (-content << 1) - 1)
    if kind == BINARY:
        return varint(len(content)) + content
    if kind == LIST:
        inner, contents = content
        size = len(contents)
        head = bytes([size << 4 | inner]) if size < 15 else bytes([0xF0 | inner]) + varint(size)
        return head + b"".join(written(inner, one) for one in contents)
    return struct(content)


def struct(values: dict[int, Value]) -> bytes:
    """The bytes of a struct, its fields in the order of the dict."""
    data, last = b"", 0
    for number, (kind, content) in values.items():
        short = 0 < number - last < 16
        data += bytes([(number - last) << 4 | kind]) if short else bytes([kind]) + written(I32, number)
        data += written(kind, content)
        last = number
    return data + b"\0"


class Reader:
    """Reads what `struct` writes, and any other bytes as far as they go."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self.data) - self.at:
            raise ValueError("the bytes end")
        self.at += size
        return self.data[self.at - size : self.at]

    def natural(self) -> int:
        """A number of at most ten bytes."""
        value = 0
        for i in range(10):
            byte = self.take(1)[0]
            value |= (byte & 127) << 7 * i
            if byte < 128:
                return value & 2**64 - 1
        raise ValueError("the number does not end")

    def integer(self) -> int:
        """A number with a sign."""
        value = self.natural()
        return value >> 1 if value % 2 == 0 else -(value >> 1) - 1

    def value(self, kind: int) -> Value:
        """A value of a type."""
        if kind in (TRUE, FALSE):
            return kind, kind == TRUE
        if kind == BYTE:
            return kind, self.take(1)[0]
        if kind == 7:
            return kind, self.take(8)
        if kind in (4, I32, I64):
            return kind, self.integer()
        if kind == BINARY:
            return kind, self.take(self.natural())
        if kind in (LIST, 10):
            return kind, self.elements()
        if kind == STRUCT:
            return kind, self.fields()
        raise ValueError(f"type {kind}")

    def elements(self) -> tuple[int, list[Any]]:
        """A list: the type of its elements, and these."""
        head = self.take(1)[0]
        size, inner = head >> 4, head & 15
        size = self.natural() if size == 15 else size
        if inner > STRUCT:
            raise ValueError(f"type {inner}")
        if size > len(self.data) - self.at:
            raise ValueError("too many")
        wide = BYTE if inner in (TRUE, FALSE) else inner
        return inner, [self.value(wide)[1] for _ in range(size)]

    def fields(self) -> list[tuple[int, Value]]:
        """All fields of a struct, with their numbers."""
        found, number = [], 0
        while head := self.take(1)[0]:
            number = number + (head >> 4) if head >> 4 else self.integer()
            if not 0 <= number < 2**15:
                raise ValueError(f"field {number}")
            found.append((number, self.value(head & 15)))
        return found


def wanted_of(found: list[tuple[int, Value]], wanted: dict[int, Any]) -> dict[int, Any]:
    """Of all fields those that are wanted."""
    made: dict[int, Any] = {}
    for number, value in found:
        if number in wanted:
            if number in made:
                raise ValueError("twice")
            made[number] = _wanted(value, wanted[number])
        elif _depth(*value) > 8:
            raise ValueError("too deep")
    if not made.keys() >= set(wanted.get(0, ())):
        raise ValueError("a field is missing")
    return made


def _depth(kind: int, content: Any) -> int:
    """How many structs and lists are around the innermost value."""
    inside = [value for _, value in content] if kind == STRUCT else []
    if kind in (LIST, 10):
        inside = [(content[0], one) for one in content[1]]
    return max((1 + _depth(*value) for value in inside), default=0)


def _wanted(value: Value, what: Any) -> Any:
    kind, content = value
    if isinstance(what, dict) and kind == STRUCT:
        return wanted_of(content, what)
    if isinstance(what, list) and kind == LIST and (not content[1] or content[0] > FALSE):
        return [_wanted((content[0], one), what[0]) for one in content[1]]
    if what != (TRUE if kind == FALSE else kind) or isinstance(what, dict | list):
        raise ValueError("another type")
    if kind == I32 and not -(2**31) <= content < 2**31:
        raise ValueError("too large")
    return content


def fields(data: bytes, wanted: dict[int, Any]) -> dict[int, Any]:
    """Fields of the struct that the bytes hold."""
    reader = Reader(data)
    found = reader.fields()
    if reader.at != len(data):
        raise ValueError("more follows")
    return wanted_of(found, wanted)


def tree(kind: int, content: Any) -> Any:
    """Content as `written` takes it, of content as `Reader` returns it."""
    if kind == STRUCT:
        return {number: (inner, tree(inner, value)) for number, (inner, value) in content}
    if kind == LIST:
        return content[0], [tree(content[0], value) for value in content[1]]
    return content
