"""Files and folders that appear under their name only when they are complete."""

from __future__ import annotations

import os
import shutil
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
        temporary = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.part")
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


@contextmanager
def folder_written_whole(path: PathLike) -> Iterator[Path]:
    """Give a temporary folder beside `path` to write to, and rename it to `path` if nothing went wrong.

    Whatever stops the writing, a full disk or Ctrl-C too, nothing is left behind.

    Raises
    ------
    OutputError
        There is a file at `path` or a folder that is not empty, or the disk does not take the files.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp(), "made")
    >>> with folder_written_whole(target) as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    >>> [file.name for file in target.iterdir()]
    ['a.txt']
    """
    target = Path(path).resolve()
    unfinished: Path | None = None
    try:
        _check_free(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.part")
        unfinished.mkdir()
        yield unfinished
        _check_free(target)
        if target.is_dir():
            target.rmdir()
        unfinished.rename(target)
        unfinished = None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", file=path) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)


def _check_free(target: Path) -> None:
    elsewhere = "choose another one with -o"
    if target.is_dir():
        if any(target.iterdir()):
            raise OutputError("the folder is not empty", file=target, hint=elsewhere)
    elif target.exists() or target.is_symlink():
        raise OutputError("is a file, not a folder", file=target, hint=elsewhere)
