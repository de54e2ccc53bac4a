"""The only place with Numba flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a serial loop over numeric arrays, without the GIL, cached on disk.

    With ``NUMBA_DISABLE_JIT=1`` the function itself comes back, for coverage and debugging. Where no place
    on disk can be written (a read-only container), it is compiled in each process.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # no locator available for the cache
        return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))
