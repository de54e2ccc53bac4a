from collections.abc import Sequence

from numpy import int32, uint8
from numpy.typing import NDArray

NOT_PLAIN: int
UNFINISHED: int
MANY_TEXTS: int
PAD: int
DISTINCT: int

def split(
    text: bytes | bytearray | memoryview | NDArray[uint8],
    begin: int,
    stop: int,
    length: int,
    delimiter: int,
    quote: int,
    fields: int,
    wanted: list[tuple[int, bool]],
    buffers: Sequence[tuple[NDArray[int32], NDArray[uint8], NDArray[int32]]],
) -> tuple[int, int, bool, list[int]]: ...
