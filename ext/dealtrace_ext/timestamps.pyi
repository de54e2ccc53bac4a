from numpy import int16, int64, uint8, uint16
from numpy.typing import NDArray

from dealtrace_ext.columns import Text

OK: int
MISSING: int
UNPARSED: int
OUT_OF_RANGE: int
NAIVE: int
NOT_A_TIME: int
EARLIEST: int
LATEST: int

def parse(
    text: Text,
    order: str,
    separator: str,
    microseconds: NDArray[int64],
    nanoseconds: NDArray[uint16],
    offsets: NDArray[int16],
    status: NDArray[uint8],
    *,
    two_digit_years: bool = False,
) -> tuple[int, bool, int, int]: ...
def integers(text: Text, values: NDArray[int64], status: NDArray[uint8]) -> int: ...
