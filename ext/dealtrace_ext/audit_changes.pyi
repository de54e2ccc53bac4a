from collections.abc import Sequence

from numpy import int64, uint8
from numpy.typing import NDArray

from dealtrace_ext.columns import Text

def find_changes(
    texts: Text, names: Sequence[bytes], found: NDArray[int64], other: NDArray[uint8]
) -> int: ...
def copy_values(
    texts: Text, found: NDArray[int64], column: int, offsets: NDArray[int64], out: NDArray[uint8]
) -> int: ...
