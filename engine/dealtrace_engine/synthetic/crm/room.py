"""How much of a disk an organisation takes, so that one that does not fit is told before it is made."""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage

from dealtrace_engine.errors import OutputError

_EXPORTED = {
    "salesforce": {
        "data-export": 8_000, "data-export-zip": 1_300, "data-loader": 9_400, "bulk": 9_100,
        "rest-json": 24_500, "tree": 17_000, "replica": 8_600, "report": 900,
    },
    "dynamics": {
        "web-api": 67_000, "synapse-link": 22_000, "synapse-append": 23_700, "synapse-incremental": 24_200,
        "excel": 2_400, "replica": 8_900,
    },
}  # fmt: skip
"""Bytes of a deal in each shape, as organisations of 4,000 deals have them."""
_TRUTH = 450
_KEPT = {"salesforce": 1_200, "dynamics": 5_000}
"""Bytes of a deal in the tables that are kept beside the export while it is written."""


def room_of(system: str, shape: str, deals: int) -> int:
    """Return about how many bytes an organisation takes while it is made; its export is most of them."""
    return deals * (_EXPORTED[system][shape] + _TRUTH + _KEPT[system])


def check_room(system: str, shape: str, deals: int, folder: Path) -> None:
    """Refuse an organisation for which the disk of a folder has no room; the folder need not exist.

    Raises
    ------
    OutputError
        There is less than it would take.
    """
    wanted, disk = room_of(system, shape, deals), folder.absolute()
    while not disk.exists():
        disk = disk.parent
    free = disk_usage(disk)[2]
    if wanted > free:
        raise OutputError(
            f"{deals:,} deals as {shape} take about {wanted / 1e9:.1f} GB while they are made, "
            f"and there are {free / 1e9:.1f} GB of room for {folder}"
        )
