"""Input files: named plainly when unreadable, noticed when they change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dealtrace_engine.errors import LogError, ParseError

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class InputFile:
    """A file as it was when it was first looked at.

    Attributes
    ----------
    path : pathlib.Path
    size : int
        Bytes.
    modified_ns, inode : int
        What the file system says of it.
    """

    path: Path
    size: int
    modified_ns: int
    inode: int

    @classmethod
    def at(cls, path: PathLike) -> InputFile:
        """Look at `path`.

        Raises
        ------
        ParseError
            It is missing, a folder, not permitted, or empty.
        """
        file = Path(path)
        try:
            if not file.is_file():
                what = "is a folder, not a file" if file.is_dir() else "there is no such file"
                raise ParseError(what, file=file)
            with file.open("rb"):
                pass
            status = file.stat()
        except OSError as error:
            raise ParseError(f"cannot be opened: {error.strerror}", file=file) from error
        if status.st_size == 0:
            raise ParseError("the file is empty", file=file)
        return cls(file, status.st_size, status.st_mtime_ns, status.st_ino)

    def open(self) -> IO[bytes]:
        """Open it for reading; the stream can be peeked into."""
        return self.path.open("rb")

    def check(self) -> None:
        """Raise `LogError` if the file is gone or no longer the one that was looked at."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise LogError(
                "the file is gone since it was read", file=self.path, hint="read it again"
            ) from error
        if (status.st_size, status.st_mtime_ns, status.st_ino) != (self.size, self.modified_ns, self.inode):
            raise LogError("the file has changed since it was read", file=self.path, hint="read it again")

    def sha256(self) -> str:
        """Return the hash of the file's bytes, as hexadecimal text."""
        self.check()
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def describe(self) -> dict[str, object]:
        """Return path, size and hash, for a manifest."""
        return {"path": str(self.path), "bytes": self.size, "sha256": self.sha256()}


def input_files(paths: PathLike | Sequence[PathLike], suffixes: Iterable[str]) -> list[InputFile]:
    """Look at a file, a folder's files that end in one of `suffixes` (sorted by name), or a list of both.

    Raises
    ------
    ParseError
        Nothing is there, or a folder holds no such file.
    """
    files: list[InputFile] = []
    endings = tuple(suffixes)
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        folder = Path(path)
        if not os.path.isdir(folder):  # unlike Path.is_dir, never raises; InputFile says what is wrong
            files.append(InputFile.at(path))
            continue
        inside = sorted(f for f in folder.rglob("*") if f.name.lower().endswith(endings) and f.is_file())
        if not inside:
            raise ParseError(f"the folder holds no file that ends in {' or '.join(endings)}", file=folder)
        files += map(InputFile.at, inside)
    if not files:
        raise ParseError("no input file was named")
    return files
