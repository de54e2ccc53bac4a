"""Steps of a command: how far each is, on a terminal, and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from dealtrace_engine.parallel import Progress


class Steps:
    """Times the steps of a command and draws a bar for each on stderr.

    Parameters
    ----------
    visible : bool
        Whether to draw; it is only drawn on a terminal.

    Attributes
    ----------
    seconds : dict of str to float
        Step to the time it took.
    """

    def __init__(self, visible: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self._visible = visible and sys.stderr.isatty()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self._visible:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = self._stack.enter_context(
                Progress(
                    TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                    console=Console(stderr=True), transient=True,
                )
            )  # fmt: skip
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def step(self, name: str) -> Iterator[Progress | None]:
        """Time a step, and give the callback that moves its bar, or None where there is none."""
        started = time.perf_counter()
        if self._visible:
            task = self._bars.add_task(name, total=None)

            def move(done: int, of: int) -> None:
                self._bars.update(task, completed=done, total=of)

            yield move
            self._bars.remove_task(task)
        else:
            yield None
        self.seconds[name] = time.perf_counter() - started
