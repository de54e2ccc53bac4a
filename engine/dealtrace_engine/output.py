"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dealtrace_engine.errors import OutputError

PathLike = str | os.PathLike[str]


@contextmanager
def written_whole(path: PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and rename it to `path` if nothing went wrong.

    Whatever stops the writing, a full disk or Ctrl-C too, nothing is left behind and an older file stays.

    Raises
    ------
    OutputError
        The folder or the disk does not take the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(pathlib.Path(folder, "a.txt")) as path:
    ...         _ = path.write_text("whole")
    ...     pathlib.Path(folder, "a.txt").read_text()
    'whole'
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        temporary.open("xb").close()
        yield temporary
        temporary.replace(target)
        temporary = None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", file=target) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
