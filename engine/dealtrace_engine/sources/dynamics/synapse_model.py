"""The `model.json` of Azure Synapse Link: which tables there are, their columns in order, and their files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from dealtrace_engine.errors import ParseError

MODEL = "model.json"
MODELS_OF_TABLES = "Microsoft.Athena.TrickleFeedService"
"""Folder with a model for each table; used where there is no common one."""
SNAPSHOT = "snapshot"
LOOKED_AT = 200
_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")


@dataclass(frozen=True)
class Entity:
    """A table of a model.

    Attributes
    ----------
    name : str
    attributes : tuple of str
        Its columns, in the order of the fields.
    locations : tuple of str
        Where its files are, or were, on the storage account.
    model : Path
        The file that says so.
    """

    name: str
    attributes: tuple[str, ...]
    locations: tuple[str, ...]
    model: Path


def models(folder: Path) -> list[Path]:
    """Return the models of a folder: the common one, else one for each table."""
    common = folder / MODEL
    if common.is_file():
        return [common]
    return sorted((folder / MODELS_OF_TABLES).glob(f"*-{MODEL}"))


def entities(folder: Path) -> list[Entity]:
    """Return the tables that the models of a folder describe.

    Raises
    ------
    ParseError
        There is no model, or it is no JSON of this form.
    """
    files = models(folder)
    if not files:
        raise ParseError(f"there is no {MODEL}, without which the columns have no names", file=folder)
    return [entity for file in files for entity in _entities(file)]


def _entities(file: Path) -> list[Entity]:
    try:
        model = json.loads(file.read_text("utf-8-sig"))
        return [_entity(entity, file) for entity in model["entities"]]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ParseError(f"cannot be read ({error})", file=file) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ParseError("is no model of tables: entities with names and attributes", file=file) from error


def _entity(entity: Mapping[str, Any], file: Path) -> Entity:
    return Entity(
        str(entity["name"]),
        tuple(str(attribute["name"]) for attribute in entity["attributes"]),
        tuple(str(partition["location"]) for partition in entity.get("partitions") or ()),
        file,
    )


def files_of(entity: Entity, folder: Path) -> list[Path]:
    """Return the files of a table: live ones, else those of its snapshot; none where it was not copied.

    Parameters
    ----------
    entity : Entity
    folder : Path
        Of the export.

    Raises
    ------
    ParseError
        Some files that the model names are there and some are not.
    """
    named = {location: _found(location, folder) for location in entity.locations}
    inside = next((f for f in folder.iterdir() if f.is_dir() and f.name.lower() == entity.name.lower()), None)
    live = sorted(inside.glob("*.csv")) if inside is not None else []
    there = sorted({file for file in named.values() if file is not None} - set(live))
    if live:
        there = live + [file for file in there if not _of_snapshot(file)]
    elif not there and inside is not None:
        there = sorted(inside.rglob("*.csv"))
    missing = [location for location, file in named.items() if file is None]
    if live:
        missing = [location for location in missing if not _of_snapshot(PurePosixPath(location))]
    if missing and there:
        what = f"{len(missing)} of the {len(named)} files that it names of {entity.name} are not there"
        raise ParseError(what, file=entity.model, value=_local(missing[0]), hint="copy the export again")
    return [file for file in there if file.stat().st_size]


def check_fit(entity: Entity, file: Path) -> None:
    """Look at the first rows of a file.

    Raises
    ------
    ParseError
        They have more fields than the model has columns, or no ids where it says that the ids are.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        try:
            rows = list(islice(csv.reader(stream), LOOKED_AT))
        except csv.Error as error:
            raise ParseError(f"is no CSV text ({error})", file=file) from error
    widest = max((len(row) for row in rows), default=0)
    if widest > len(entity.attributes):
        raise misfit(
            entity, file, f"a row has {widest} fields, but there are {len(entity.attributes)} columns"
        )
    place = next((i for i, name in enumerate(entity.attributes) if name.lower() == "id"), None)
    if place is None or not rows:
        return
    ids = [row[place] if place < len(row) else "" for row in rows]
    odd = [value for value in ids if not _GUID.fullmatch(value.strip())]
    if 2 * len(odd) > len(ids):
        what = f"the column {entity.attributes[place]!r} holds no ids, but {odd[0][:60]!r}"
        raise misfit(entity, file, what)


def misfit(entity: Entity, file: Path, what: str) -> ParseError:
    """Return the error that a file is not as the model says."""
    return ParseError(f"does not fit {entity.model.name}: {what}", file=file,
                      hint="is it of another export, or the delimiter no comma?")  # fmt: skip


def _found(location: str, folder: Path) -> Path | None:
    """Return the file that a place on the storage account is here: the longest end of its path counts."""
    parts = PurePosixPath(_local(location)).parts
    for first in range(len(parts)):
        file = folder.joinpath(*(part for part in parts[first:] if part not in ("/", "..")))
        if file.is_file():
            return file
    return None


def _local(location: str) -> str:
    """Return the path of an address, with the characters that are escaped in one."""
    path = re.sub(r"^\w+://[^/]*|[?#].*$", "", location).encode()
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]), path).decode(
        "utf-8", "replace"
    )


def _of_snapshot(file: PurePosixPath | Path) -> bool:
    return SNAPSHOT in (part.lower() for part in file.parts)
