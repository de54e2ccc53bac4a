"""A folder of results that appears under its name only when it is complete."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dealtrace_engine.errors import OutputError

MANIFEST = "manifest.json"
MADE_BY = "dealtrace"


@contextmanager
def result_folder(path: str | os.PathLike[str], inputs: Sequence[str] = ()) -> Iterator[Path]:
    """Give a temporary folder beside `path` to write to, and rename it to `path` if nothing went wrong.

    Whatever stops the writing, a full disk or Ctrl-C too, nothing is left behind and an older folder stays.
    An older folder is replaced only if every file in it is one that dealtrace wrote.

    Parameters
    ----------
    path : path-like
    inputs : sequence of str
        Files that are read, which must not lie inside of `path`.

    Raises
    ------
    OutputError
        Something else is at `path`, or the disk does not take the files.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "out"
    >>> with result_folder(target) as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    >>> [file.name for file in target.iterdir()]
    ['a.txt']
    """
    try:
        target = Path(path).resolve()
        _check_replaceable(target, inputs)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        unfinished.mkdir()
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", file=path) from error
    try:
        yield unfinished
        _check_replaceable(target, inputs)
        _take_the_place(unfinished, target)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"cannot be written: {error.strerror or error}", file=path) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _check_replaceable(target: Path, inputs: Sequence[str]) -> None:
    if any(
        target == inside or target in inside.parents for inside in (Path(name).resolve() for name in inputs)
    ):
        raise OutputError(
            "an input lies in the output folder", file=target, hint="choose another one with -o"
        )
    if target == Path.cwd() or target in Path.cwd().parents:
        raise OutputError(
            "is the current folder or one above it", file=target, hint="choose another one with -o"
        )
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir():
        raise OutputError("is a file, not a folder", file=target, hint="choose another one with -o")
    foreign = _foreign(target)
    if foreign:
        raise OutputError(
            f"the folder holds what is not a result of dealtrace ({foreign[0]!r})", file=target,
            hint="choose another one with -o, or empty it",
        )  # fmt: skip


def _foreign(folder: Path) -> list[str]:
    """Return what is in a folder besides the files of its manifest."""
    names = sorted(entry.name for entry in folder.iterdir())
    if MANIFEST not in names:
        return names
    return [name for name in names if name not in _written(folder / MANIFEST)] or [
        name for name in names if not (folder / name).is_file()
    ]


def _written(manifest: Path) -> set[str]:
    try:
        content: Any = json.loads(manifest.read_text("utf-8"))
        if content["made_by"] == MADE_BY:
            return {MANIFEST, *(file["name"] for file in content["files"])}
    except (ValueError, KeyError, TypeError):
        pass
    return set()


def _take_the_place(unfinished: Path, target: Path) -> None:
    """Rename a folder to `target`; an older one is put aside first, and back if that fails."""
    if not target.exists():
        unfinished.rename(target)
        return
    aside = unfinished.with_suffix(".old")
    target.rename(aside)
    try:
        unfinished.rename(target)
    except BaseException:
        with suppress(OSError):
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
