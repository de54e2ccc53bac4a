from typing import Any

from numpy.typing import NDArray

from dealtrace_ext.token_rules import TokenRules

class TokenGame(TokenRules):
    states: int
    emptied: int
    max_states: int
    def __init__(
        self,
        inputs: list[list[tuple[int, int]]],
        outputs: list[list[tuple[int, int]]],
        silent: list[list[int]],
        labels: list[int],
        initial: list[int],
        final: list[int],
        max_states: int,
    ) -> None: ...
    def run(
        self,
        codes: NDArray[Any],
        offsets: NDArray[Any],
        label_of: NDArray[Any],
        first: int,
        last: int,
        missing: NDArray[Any],
        consumed: NDArray[Any],
        produced: NDArray[Any],
        remaining: NDArray[Any],
        fit: NDArray[Any],
    ) -> None: ...
    def tally(
        self,
        codes: NDArray[Any],
        offsets: NDArray[Any],
        label_of: NDArray[Any],
        weights: NDArray[Any],
    ) -> tuple[list[int], list[int], list[int], list[int]]: ...
