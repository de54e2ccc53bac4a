from numpy import int64
from numpy.typing import NDArray

def exact_moments(values: NDArray[int64], offsets: NDArray[int64]) -> list[tuple[int, int]]: ...
