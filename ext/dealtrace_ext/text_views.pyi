from numpy import int32, uint8
from numpy.typing import NDArray

INLINE: int

def text_views(column: object, start: int, out: NDArray[uint8], views: NDArray[int32]) -> int: ...
