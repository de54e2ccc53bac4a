"""The ZIP parts of the weekly Data Export, read member by member without unpacking them to disk."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.charsets import PIECE, ByteStream

PART = re.compile(r"WE_(\w{15,18})_\d+\.zip", re.IGNORECASE)
"""How the parts of a Data Export are named: with the id of the organisation."""
MOST_FOLD, LARGE = 250, 1 << 30
"""A part that claims to unpack to so many times its size, and more than so many bytes, is no export."""
_AGAIN = "download it again"


@dataclass(frozen=True)
class ZipMember(InputFile):
    """A CSV file inside a ZIP.

    Attributes
    ----------
    member : str
        Its name there; nothing is ever written to it.
    packed_size : int
        Bytes of the ZIP.
    """

    member: str = ""
    packed_size: int = 0

    def open(self) -> IO[bytes]:
        """Open it for reading, unpacked on the way."""
        return cast(IO[bytes], io.BufferedReader(ByteStream(self._data()), PIECE))

    def check(self) -> None:
        """Raise `LogError` if the ZIP is no longer the one that was looked at."""
        InputFile(self.path, self.packed_size, self.modified_ns, self.inode).check()

    def _data(self) -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                while data := stream.read(PIECE):
                    yield data
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ParseError(f"{self.member} in it is damaged ({error})", file=self.path,
                             hint=_AGAIN) from error  # fmt: skip
        except (RuntimeError, NotImplementedError) as error:
            raise ParseError(f"{self.member} in it cannot be unpacked ({error})", file=self.path) from error


def members(path: Path) -> list[ZipMember]:
    """Return the CSV files in a ZIP, by name.

    Raises
    ------
    ParseError
        It is cut off, damaged, or unpacks to more than an export can.
    """
    file = InputFile.at(path)
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if _is_table(info.filename)]
    except zipfile.BadZipFile as error:
        raise ParseError(
            f"is no whole ZIP file ({error}); it is cut off or damaged", file=path, hint=_AGAIN
        ) from error
    except OSError as error:
        raise ParseError(f"cannot be read: {error.strerror or error}", file=path) from error
    unpacked, packed = sum(i.file_size for i in found), sum(i.compress_size for i in found)
    if unpacked > LARGE and unpacked > MOST_FOLD * packed:
        raise ParseError(f"would unpack to {unpacked:,} bytes, {unpacked // max(packed, 1)} times its size; "
                         "no export does", file=path)  # fmt: skip
    found.sort(key=lambda info: info.filename)
    return [
        ZipMember(path, info.file_size, file.modified_ns, file.inode, info.filename, file.size)
        for info in found
        if info.file_size
    ]


def _is_table(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
    return name.lower().endswith(".csv") and not hidden
