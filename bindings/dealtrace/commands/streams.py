"""Stdout and stderr, whose readers may leave before the end, or which are not there at all."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator


def ready() -> None:
    """Make what is said fit any terminal, and let it fall into nothing where a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def while_read() -> Iterator[None]:
    """Write to stdout; once its reader, such as `head`, has had enough, the rest falls into nothing."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """Write a line to stderr, if anybody reads it."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
