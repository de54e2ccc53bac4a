"""How much memory this process may still take, and an error before it takes more."""

from __future__ import annotations

from pathlib import Path

from dealtrace_engine.errors import LogError

RESERVE = 1 << 26
"""Bytes left to everything else."""
UNLIMITED = 1 << 60
"""What cgroups of version 1 write where there is no limit is a number beyond this."""


def require_memory(needed: int, what: str, *, file: object = None, available: int | None = None) -> None:
    """Raise if `needed` bytes are more than can be had without swapping.

    Parameters
    ----------
    needed : int
        Bytes to be taken from now on.
    what : str
        What needs them, for the message.
    file : optional
        The source, for the message.
    available : int, optional
        Bytes there are; by default as `available_memory` says, without which nothing is checked.

    Raises
    ------
    LogError
        There is too little.

    Examples
    --------
    >>> require_memory(10**9, "10 rows", available=2 * 10**9)
    """
    if needed <= RESERVE:
        return
    available = available_memory() if available is None else available
    if available is not None and needed > available - RESERVE:
        raise LogError(
            f"{what} need about {needed / 1e9:,.1f} GB of memory and {available / 1e9:,.1f} GB are available",
            file=file, hint="split the log by case or by time, or give it more memory",
        )  # fmt: skip


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that can be had without swapping, or None where the system does not say.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are (Linux).
    """
    found = [_meminfo(root / "proc/meminfo"), *_cgroups(root)]
    return min((bytes_left for bytes_left in found if bytes_left is not None), default=None)


def _meminfo(path: Path) -> int | None:
    for line in _text(path).splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable" and rest.split()[:1] and rest.split()[0].isdecimal():
            return int(rest.split()[0]) * 1024
    return None


def _cgroups(root: Path) -> list[int | None]:
    """Return what is left in each control group that this process is in, from its own to the outermost."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers == "":
            left += _left(root / "sys/fs/cgroup", group, "memory.max", "memory.current", "file")
        elif "memory" in controllers.split(","):
            left += _left(
                root / "sys/fs/cgroup/memory",
                group,
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_cache",
            )
    return left


def _left(top: Path, group: str, limit: str, usage: str, cache: str) -> list[int | None]:
    """Return the limit of a group and of each above it, less what is used and is no file cache."""
    parts = [part for part in group.split("/") if part not in ("", "..")]
    folders = [top.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
    return [_left_in(folder, limit, usage, cache) for folder in folders]


def _left_in(folder: Path, limit: str, usage: str, cache: str) -> int | None:
    most, used = _text(folder / limit).strip(), _text(folder / usage).strip()
    if not (most.isdecimal() and used.isdecimal()) or int(most) >= UNLIMITED:
        return None
    counts = dict(
        line.split(maxsplit=1) for line in _text(folder / "memory.stat").splitlines() if " " in line
    )
    cached = counts.get(cache, "0").strip()
    return max(int(most) - int(used) + (int(cached) if cached.isdecimal() else 0), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
