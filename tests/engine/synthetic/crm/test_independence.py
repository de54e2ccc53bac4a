"""The generator of exports and their readers know nothing of each other: each can prove the other wrong."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[4] / "engine/dealtrace_engine"
READERS = tuple(f"dealtrace_engine.sources.{name}" for name in ("crm", "salesforce", "dynamics"))
GENERATOR = ("dealtrace_engine.synthetic",)
SIDES = [
    *((path, READERS) for path in sorted((ENGINE / "synthetic").rglob("*.py"))),
    *(
        (path, GENERATOR)
        for name in READERS
        for path in sorted((ENGINE / "sources" / name.rpartition(".")[2]).rglob("*.py"))
    ),
]


@pytest.mark.parametrize(("path", "others"), SIDES, ids=lambda item: getattr(item, "stem", ""))
def test_neither_side_imports_the_other(path, others):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        assert not [name for name in names if name.startswith(others)]
