from numpy import int64, uint8
from numpy.typing import NDArray

def records(
    text: bytes | memoryview, depth: int, state: NDArray[int64], out: NDArray[uint8]
) -> tuple[int, int]: ...
