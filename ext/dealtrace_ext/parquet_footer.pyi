from typing import Any

from numpy import uint8
from numpy.typing import NDArray

NEEDED: int
REFUSED: int
BOOL: int
BYTE: int
I32: int
I64: int
BINARY: int

def fields(data: NDArray[uint8], wanted: dict[int, Any]) -> dict[int, Any]: ...
