from typing import Any

from numpy import int32, int64, uint8, uint16
from numpy.typing import NDArray

Codes = NDArray[Any]
"""uint8, uint16 or uint32."""

class Runner:
    def __init__(
        self,
        table: NDArray[int32],
        flags: NDArray[uint8],
        start: int,
        inside: int,
        settled: int,
    ) -> None: ...

def match_sequences(
    runner: Runner,
    codes: Codes,
    offsets: NDArray[int64],
    classes: NDArray[uint16],
    first: int,
    last: int,
    matched: NDArray[uint8],
) -> None: ...
def find_spans(
    backward: Runner,
    forward: Runner,
    codes: Codes,
    offsets: NDArray[int64],
    classes: NDArray[uint16],
    first: int,
    last: int,
    longest: bool,
    spans: NDArray[int64],
) -> None: ...
