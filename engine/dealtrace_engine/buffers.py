"""Arrow arrays as numpy arrays and back, sharing memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def view(values: pa.Array) -> NDArray[Any]:
    """View a numeric or temporal array without nulls as numpy (temporal ones as integers).

    `pyarrow.Array.to_numpy` imports pandas on first use, which costs more than most analyses.

    Examples
    --------
    >>> view(pa.array([1, 2, 3]).slice(1)).tolist()
    [2, 3]
    """
    kind = values.type
    temporal = pa.types.is_temporal(kind)
    width = np.dtype(f"i{kind.bit_width // 8}" if temporal else kind.to_pandas_dtype())
    buffer = values.buffers()[1]
    if len(values) == 0 or buffer is None:
        return np.empty(0, dtype=width)
    return np.frombuffer(buffer, dtype=width)[values.offset : values.offset + len(values)]


def one_array(values: pa.ChunkedArray) -> pa.Array:
    """Return the values of a chunked array as one array."""
    if values.num_chunks == 1:
        return values.chunk(0)
    if values.num_chunks == 0:
        return pa.array([], type=values.type)
    combined = values.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
