"""Parts of Parquet pages as the format describes them, written and read slowly."""

from __future__ import annotations

from collections.abc import Sequence


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    digits = []
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def bit_packed(values: Sequence[int], width: int) -> bytes:
    """A run of values, filled up to a multiple of eight, the lowest bits first."""
    padded = [*values, *[0] * (-len(values) % 8)]
    number = sum(value << i * width for i, value in enumerate(padded))
    return varint(len(padded) // 8 << 1 | 1) + number.to_bytes(len(padded) * width // 8, "little")


def repeated(value: int, times: int, width: int) -> bytes:
    """A run of one value."""
    return varint(times << 1) + value.to_bytes((width + 7) // 8, "little")


def texts(values: Sequence[bytes]) -> bytes:
    """A plain page: each text after its length."""
    return b"".join(len(value).to_bytes(4, "little") + value for value in values)


def positions(values: Sequence[bytes]) -> list[int]:
    """Where each text of a plain page starts."""
    starts, at = [], 0
    for value in values:
        starts.append(at + 4)
        at += 4 + len(value)
    return starts


def ends(values: Sequence[bytes]) -> list[int]:
    """Where each text ends when they follow each other without their lengths."""
    return [sum(map(len, values[: i + 1])) for i in range(len(values))]


def first_uses(indices: Sequence[int]) -> list[int]:
    """Indices in order of first appearance."""
    return list(dict.fromkeys(indices))


def take(values: Sequence[int], indices: Sequence[int]) -> list[int]:
    """The values at the indices."""
    return [values[index] for index in indices]
