"""Small exports made by hand."""

from __future__ import annotations

from pathlib import Path

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.read import read_raw

OPPORTUNITY = "0064600000J5S5TAAV"
OTHER = "0064600000J5S5UAAV"
ACCOUNT = "0014600001TvgfZAAR"
USER = "00546000001l1cJAAQ"
HEADER = ("Id", "StageName", "Amount", "IsClosed", "CreatedDate")
ROWS = (
    (OPPORTUNITY, "Qualification", "15000", "0", "2023-01-05 17:07:21"),
    (OTHER, "Closed Won", "", "1", "2023-02-05 17:07:21"),
)


def quoted(*rows: tuple[str, ...], delimiter: str = ",", end: str = "\n") -> str:
    """Every value in quotes."""
    doubled = ([value.replace('"', '""') for value in row] for row in rows)
    return "".join(delimiter.join(f'"{value}"' for value in row) + end for row in doubled)


def written(folder: Path, **files: str | bytes) -> Path:
    """Write ``name=text`` as ``name.csv``."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def read(path: Path, shape: str = "data-export", **mapping: object) -> RawExport:
    return read_raw(path, shape, CrmMapping(**mapping))


def rows(raw: RawExport, name: str, *columns: str) -> list[tuple[object, ...]]:
    """Text as it was read."""
    return raw.frames[name].select(columns).collect().rows()


def typed(raw: RawExport, name: str, *columns: str) -> list[tuple[object, ...]]:
    return CrmTables(raw, CATALOG).table(name).select(columns).collect().rows()
