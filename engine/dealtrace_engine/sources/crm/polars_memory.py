"""The memory that large tables leave behind goes back to the system soon."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from dealtrace_engine.buffers import recycle
from dealtrace_engine.parallel import thread_count

SETTING = "_RJEM_MALLOC_CONF"
"""Where the allocator of Polars looks for its options when it is loaded."""
OPTIONS = "narenas:1,dirty_decay_ms:{kept},muzzy_decay_ms:0"
"""One pool of freed pages for all threads, given back after a while; as Polars comes, it keeps them."""
KEPT_MS, KEPT_MS_OF_LARGE = 30, 500
"""To take pages anew costs a tenth of the time; kept for long, they add 20-60 MB to what is held at most."""
LARGE = 1 << 30
"""Bytes of CSV beside whose rows that is little. Other kinds of files have many more bytes a row."""
M_ARENA_MAX = -8
"""What `mallopt` calls the number of pools that the C library has for all threads.

As it comes, it has eight for each core, and keeps in each what the pieces that one thread read left between
what is still needed. One for each core is what threads that all work need.
"""
OWN_SETTINGS = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
"""Where a caller tells the C library what it wants."""
ARROW_SETTING = "ARROW_DEFAULT_MEMORY_POOL"
"""Where a caller tells Arrow which allocator it wants."""


def load_polars(export: Path | None = None) -> None:
    """Import Polars, unless that has been done; options that the caller has set for memory are kept.

    Parameters
    ----------
    export : Path, optional
        What is going to be read.

    Examples
    --------
    >>> load_polars()
    >>> "polars" in sys.modules
    True
    """
    _with_few_arenas()
    _with_system_memory()
    large = is_large(export)
    if large:
        recycle()
    told = "polars" in sys.modules or SETTING in os.environ
    if not told:
        os.environ[SETTING] = OPTIONS.format(kept=KEPT_MS_OF_LARGE if large else KEPT_MS)
    try:
        import polars  # noqa: F401
    finally:
        if not told:
            del os.environ[SETTING]


def is_large(export: Path | None) -> bool:
    """Return whether so much CSV is read that memory kept for later is little beside it.

    Examples
    --------
    >>> is_large(None)
    False
    """
    return export is not None and _csv_bytes(export) >= LARGE


def _csv_bytes(export: Path) -> int:
    """Return how many bytes the CSV files of an export have, as far as the system tells."""
    folders = os.walk(export) if export.is_dir() else [(str(export.parent), (), [export.name])]
    found = 0
    for folder, _, names in folders:
        for name in names:
            if name.lower().endswith(".csv"):
                with suppress(OSError):
                    found += os.stat(os.path.join(folder, name)).st_size
    return found


def give_back() -> None:
    """Give memory back that the C library holds for later; others that it runs under do that by themselves.

    Examples
    --------
    >>> give_back()
    """
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _with_few_arenas() -> None:
    """Let all threads share a pool of the C library for each core; it heeds that while it has fewer."""
    set_option = _of_c_library("mallopt")
    if set_option is not None and not any(name in os.environ for name in OWN_SETTINGS):
        set_option(M_ARENA_MAX, max(thread_count(), 2))


def _with_system_memory() -> None:
    """Let Arrow take its memory from the C library, which `give_back` knows: its own allocator keeps more."""
    if sys.platform == "linux" and ARROW_SETTING not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())


def _of_c_library(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
