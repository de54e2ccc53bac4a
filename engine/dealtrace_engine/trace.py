"""One case, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, repr=False)
class Trace:
    """The events of one case in order.

    Attributes
    ----------
    case_id : str
    table : pyarrow.Table
        activity, timestamp (UTC) and the event attributes that were read.
    attributes : dict of str to object
        The case attributes that were read.
    """

    case_id: str
    table: pa.Table
    attributes: dict[str, Any]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        lines = [f"case {self.case_id}, {len(self)} events"]
        lines += [f"  {name}: {value}" for name, value in self.attributes.items()]
        previous = None
        for activity, time in zip(
            *(self.table[n].to_pylist() for n in ("activity", "timestamp")), strict=True
        ):
            waited = "" if previous is None else f"  +{_readable(time - previous)}"
            lines.append(f"  {time:%Y-%m-%d %H:%M:%S}  {activity}{waited}")
            previous = time
        return "\n".join(lines)


def _readable(duration: timedelta) -> str:
    hours, seconds = divmod(duration.seconds, 3600)
    days = f"{duration.days} d " if duration.days else ""
    return f"{days}{hours:02}:{seconds // 60:02}:{seconds % 60:02}"
