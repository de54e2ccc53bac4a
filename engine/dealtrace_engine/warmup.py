"""Every kernel compiled ahead of its first use, for the types that logs have."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from dealtrace_engine.errors import OutputError
from dealtrace_engine.parallel import Progress, tick

Kernel = Callable[..., object]

CODES = (np.uint8, np.uint16, np.uint32)
"""What activity codes may be; a kernel's ``NDArray[Any]`` stands for them."""
READ_ONLY = {"activities", "case_offsets", "codes", "timestamps"}
"""Arguments that are columns; all other arrays are made by the caller, and can be written."""

NO_FOLDER = "no folder for compiled kernels can be written"
WHERE = "set NUMBA_CACHE_DIR to one that can"


@dataclass(frozen=True)
class Warmup:
    """What a warm-up did.

    Attributes
    ----------
    kernels : tuple of str
        The kernels, such as ``conditions.occurs``.
    compiled, loaded : int
        How many of their forms, one for each width of the activity codes, were compiled now, and how many
        the cache had.
    folder : pathlib.Path
        Where the cache is.
    seconds : float
    """

    kernels: tuple[str, ...]
    compiled: int
    loaded: int
    folder: Path
    seconds: float


def warm_up(progress: Progress | None = None) -> Warmup:
    """Compile every kernel into the cache, so that no later run waits for the compiler.

    Parameters
    ----------
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Warmup

    Raises
    ------
    OutputError
        There is no folder for the cache that can be written, or the compiler is turned off.
    Cancelled
        The progress callback returned False; what was compiled until then is kept.

    Examples
    --------
    >>> from dealtrace_engine.warmup import warm_up
    >>> done = warm_up()
    >>> "selection.mark_cases" in done.kernels, warm_up().compiled
    (True, 0)
    """
    from dealtrace_engine._jit import made_ready

    started = time.perf_counter()
    found = kernels()
    folder = _checked_folder(found)
    forms = [(kernel, arguments) for kernel in found.values() for arguments in forms_of(kernel)]
    compiled = 0
    for done, (kernel, arguments) in enumerate(forms, 1):
        if made_ready(kernel, arguments):
            compiled += 1
            if not _is_kept(kernel):
                raise OutputError(NO_FOLDER, hint=WHERE)
        tick(progress, done, len(forms))
    seconds = time.perf_counter() - started
    return Warmup(tuple(found), compiled, len(forms) - compiled, folder, seconds)


def kernels() -> dict[str, Kernel]:
    """Return every kernel by the name of its file and its own.

    Examples
    --------
    >>> sorted(kernels())[:2]
    ['conditions.any_marked', 'conditions.begins_with']
    """
    package = importlib.import_module("dealtrace_engine.kernels")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(inspect.unwrap(value)) and value.__module__ == module.__name__
    }


def forms_of(kernel: Kernel) -> Iterator[tuple[object, ...]]:
    """Yield arguments of every combination of types that a kernel is called with: empty arrays, and zeros.

    Raises
    ------
    TypeError
        An argument is annotated with something else than an array, int or bool.

    Examples
    --------
    >>> from dealtrace_engine.kernels.selection import gather_marked
    >>> [arguments[0].dtype.name for arguments in forms_of(gather_marked)]
    ['uint8', 'uint16', 'uint32']
    """
    hints = get_type_hints(kernel)
    hints.pop("return", None)
    seen: set[tuple[object, ...]] = set()
    for codes in CODES:
        arguments = tuple(_argument(name, hint, codes) for name, hint in hints.items())
        types = tuple(argument.dtype for argument in arguments if isinstance(argument, np.ndarray))
        if types not in seen:
            seen.add(types)
            yield arguments


def _argument(name: str, hint: Any, codes: type[np.generic]) -> object:
    if hint is int or hint is bool:
        return hint()
    parts = get_args(hint)
    if len(parts) != 2 or getattr(hint, "__origin__", None) is not np.ndarray:
        raise TypeError(f"{name} of a kernel is an array, int or bool, not {hint}")
    lengths, (scalar,) = get_args(parts[0]), get_args(parts[1])
    array = np.empty((0,) * _dimensions(lengths), dtype=codes if scalar is Any else scalar)
    array.flags.writeable = name not in READ_ONLY
    return array


def _dimensions(lengths: tuple[Any, ...]) -> int:
    """``NDArray`` says nothing of dimensions, and stands for one; any other shape is written out."""
    return 1 if ... in lengths else len(lengths)


def _checked_folder(found: dict[str, Kernel]) -> Path:
    """Return where code is kept, or where it only can be read."""
    from dealtrace_engine._jit import cache_of

    caches = [cache_of(kernel) for kernel in found.values()]
    path = next((cache.cache_path for cache in caches if cache is not None), "")
    if path == "":
        raise OutputError("nothing can be compiled while the compiler is off", hint="unset NUMBA_DISABLE_JIT")
    if path is None:
        raise OutputError(NO_FOLDER, hint=WHERE)
    return Path(path)


def _is_kept(kernel: Kernel) -> bool:
    from dealtrace_engine._jit import cache_of

    cache = cache_of(kernel)
    return cache is not None and cache.kept is not None
