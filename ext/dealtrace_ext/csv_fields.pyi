from collections.abc import Sequence

from typing_extensions import Buffer

def split(
    text: Buffer,
    delimiter: int,
    quote: int,
    fields: int,
    wanted: list[int],
    buffers: Sequence[tuple[Buffer, Buffer, Buffer]],
) -> tuple[int, list[int], list[tuple[int, int, int]]]: ...
