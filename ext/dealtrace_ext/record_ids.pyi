from numpy import int64, uint8
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
