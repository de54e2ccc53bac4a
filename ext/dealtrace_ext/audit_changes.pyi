from collections.abc import Sequence

from numpy import int64, uint8
from numpy.typing import NDArray

from dealtrace_ext.columns import Views

def find_changes(
    texts: Views, names: Sequence[bytes], found: NDArray[int64], other: NDArray[uint8]
) -> int: ...
def copy_values(
    texts: Views, found: NDArray[int64], column: int, offsets: NDArray[int64], out: NDArray[uint8]
) -> int: ...
