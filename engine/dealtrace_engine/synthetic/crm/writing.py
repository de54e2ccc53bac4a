"""A whole organisation on disk: its export, the truth behind it, and what was planted in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.output import folder_written_whole
from dealtrace_engine.parallel import Progress
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.synthetic.crm.export import shape_named

if TYPE_CHECKING:
    from dealtrace_engine.synthetic.crm.truth_file import Shown

SYSTEMS = {"salesforce": "data-export", "dynamics": "web-api"}
"""Each system, and the shape that is written if none is asked for."""
EXPORT, TRUTH, PLANTED = "export", "truth.parquet", "planted.json"


@dataclass(frozen=True)
class Organisation:
    """An organisation that was written.

    Attributes
    ----------
    folder : Path
        Holds `EXPORT`, a folder to be analysed, and beside it `TRUTH` and `PLANTED`.
    system, shape : str
    deals, seed : int
    tables : dict of str to int
        Rows of each table.
    files, size : int
        Of the export; bytes.
    events : dict of str to dict
        Activity to how many "events" there were and how many are "derivable" from the export.
    planted : dict
        What `PLANTED` holds.
    zone : str or None
        Time zone in which the export shows instants; None for UTC.
    """

    folder: Path
    system: str
    shape: str
    deals: int
    seed: int
    tables: Mapping[str, int]
    files: int
    size: int
    events: Mapping[str, Mapping[str, int]]
    planted: Mapping[str, Any]
    zone: str | None
