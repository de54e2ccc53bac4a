from numpy import int64, uint8, uint64, void
from numpy.typing import NDArray

MISSING: int
GOOD: int
COMPLETED: int
REPAIRED: int
DAMAGED: int
OTHER: int
SCIENTIFIC: int

def salesforce_ids(
    column: object, out: NDArray[uint8], offsets: NDArray[int64], states: NDArray[uint8]
) -> None: ...
def guids(column: object, out: NDArray[uint8], offsets: NDArray[int64], states: NDArray[uint8]) -> None: ...
def guid_numbers(column: object, high: NDArray[uint64], low: NDArray[uint64]) -> bool: ...
def guid_texts(
    high: NDArray[uint64], low: NDArray[uint64], out: NDArray[uint8], views: NDArray[void] | None = None
) -> None: ...
def salesforce_numbers(column: object, high: NDArray[uint64], low: NDArray[uint64]) -> bool: ...
def salesforce_texts(
    high: NDArray[uint64], low: NDArray[uint64], out: NDArray[uint8], views: NDArray[void] | None = None
) -> None: ...
