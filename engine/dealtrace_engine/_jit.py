"""The only place with Numba flags, and the only one that knows of its cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a serial loop over numeric arrays, without the GIL, cached on disk.

    With ``NUMBA_DISABLE_JIT=1`` the function itself comes back, for coverage and debugging. Where no place
    on disk can be written (a read-only container), it is compiled in each process.
    """
    try:
        cached = numba.njit(cache=_home_is_known(), nogil=True, error_model="numpy")
        return cast(Function, cached(function))
    except RuntimeError:  # no locator available for the cache
        return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))


def _home_is_known() -> bool:
    """Without a home, as in a container, Numba makes a folder called ``~`` where it stands."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~")
    return bool(numba.config.CACHE_DIR) or os.path.isabs(home)


def cache_folder(function: Callable[..., object]) -> Path | None:
    """Return where what is compiled of a kernel is kept, or None if it is not."""
    stats = getattr(function, "stats", None)
    return Path(stats.cache_path) if stats is not None and stats.cache_path else None


def made_ready(function: Callable[..., object], arguments: Sequence[object]) -> bool:
    """Compile a kernel for arguments of these types, without calling it; say if no cache had that yet."""
    dispatcher = cast(Any, function)
    before = sum(dispatcher.stats.cache_misses.values())
    dispatcher.compile(tuple(map(numba.typeof, arguments)))
    return bool(sum(dispatcher.stats.cache_misses.values()) > before)
