"""Codes for texts."""

from __future__ import annotations

from collections.abc import Sequence


def encode(texts: Sequence[bytes | None]) -> tuple[list[int], list[bytes]]:
    """The code of each text by first appearance, -1 for None, and the distinct texts."""
    codes: dict[bytes, int] = {}
    return [-1 if text is None else codes.setdefault(text, len(codes)) for text in texts], list(codes)
