class TokenRules:
    places: int
    transitions: int
    label_count: int
    def __init__(
        self,
        inputs: list[list[tuple[int, int]]],
        outputs: list[list[tuple[int, int]]],
        silent: list[list[int]],
        labels: list[int],
        initial: list[int],
        final: list[int],
    ) -> None: ...
