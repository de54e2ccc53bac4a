"""The only place with Numba flags, and the only one that knows of its cache."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

import numba
from numba.core import caching

DAMAGE = (EOFError, pickle.UnpicklingError)
Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a serial loop over numeric arrays, without the GIL, cached on disk.

    With ``NUMBA_DISABLE_JIT=1`` the function itself comes back, for coverage and debugging. Where no place
    on disk can be written (a read-only container), it is compiled in each process.
    """
    dispatcher = cast(Any, numba.njit(nogil=True, error_model="numpy")(function))
    if dispatcher is not function:
        dispatcher._cache = KernelCache(function)  # what njit(cache=True) does with Numba's own
    return cast(Function, dispatcher)


class KernelCache(caching.NullCache):  # type: ignore[misc]
    """Numba's cache, but what was compiled ahead is also read where it cannot be written.

    Numba passes by a folder that cannot be written, so that a read-only installation would compile in each
    process whatever was cached when it was made. Code that cannot be kept, or read, is no error.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self.kept, self.given = _cache(_Kept, function), _cache(_Given, function)

    @property
    def cache_path(self) -> str | None:
        """Where code is kept, or else where it is read."""
        return next((cache.cache_path for cache in (self.kept, self.given) if cache is not None), None)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return what is compiled for these types, or None."""
        for cache in (self.kept, self.given):
            with suppress(OSError, *DAMAGE):
                if cache is not None and (found := cache.load_overload(signature, target)) is not None:
                    return found
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what is compiled, where there is a place."""
        if self.kept is None:
            return
        with suppress(OSError):
            try:
                self.kept.save_overload(signature, compiled)
            except DAMAGE:
                self.kept.flush()
                self.kept.save_overload(signature, compiled)


class _UserWide(caching.UserWideCacheLocator):  # type: ignore[misc]
    def ensure_cache_path(self) -> None:
        """Without a home, as in a container, Numba would make a folder called ``~`` where it stands."""
        if not os.path.isabs(self.get_cache_path()):
            raise OSError("there is no home")
        super().ensure_cache_path()


class _Kept(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (caching.UserProvidedCacheLocator, caching.InTreeCacheLocator, _UserWide)


class _AsItIs:
    def ensure_cache_path(self) -> None:
        """Nothing is made: it is only read."""


class _Provided(_AsItIs, caching.UserProvidedCacheLocator):  # type: ignore[misc]
    pass


class _InTree(_AsItIs, caching.InTreeCacheLocator):  # type: ignore[misc]
    pass


class _Given(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Provided, _InTree)


def _cache(places: type[Any], function: Callable[..., object]) -> Any:
    kind = type("Cache", (caching.FunctionCache,), {"_impl_class": places})
    with suppress(RuntimeError):  # no locator available
        return kind(function)
    return None


def cache_of(function: Callable[..., object]) -> KernelCache | None:
    """Return the cache of a kernel; None if it is not compiled at all."""
    return getattr(function, "_cache", None)


def made_ready(function: Callable[..., object], arguments: Sequence[object]) -> bool:
    """Compile a kernel for arguments of these types, without calling it; say if no cache had that yet."""
    dispatcher = cast(Any, function)
    before = sum(dispatcher.stats.cache_misses.values())
    dispatcher.compile(tuple(map(numba.typeof, arguments)))
    return bool(sum(dispatcher.stats.cache_misses.values()) > before)
