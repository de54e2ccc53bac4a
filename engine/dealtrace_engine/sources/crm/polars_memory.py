"""The memory that large tables leave behind goes back to the system soon."""

from __future__ import annotations

import ctypes
import os
import sys

SETTING = "_RJEM_MALLOC_CONF"
"""Where the allocator of Polars looks for its options when it is loaded."""
SOON = "narenas:1,dirty_decay_ms:30,muzzy_decay_ms:0"
"""One pool of freed pages for all threads, given back after 30 ms; as Polars comes, it keeps them."""


def load_polars() -> None:
    """Import Polars, unless that has been done; options that the caller has set for it are kept.

    Examples
    --------
    >>> load_polars()
    >>> "polars" in sys.modules
    True
    """
    told = "polars" in sys.modules or SETTING in os.environ
    if not told:
        os.environ[SETTING] = SOON
    try:
        import polars  # noqa: F401
    finally:
        if not told:
            del os.environ[SETTING]


def give_back() -> None:
    """Give memory back that the C library holds for later; others that it runs under do that by themselves.

    Examples
    --------
    >>> give_back()
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
