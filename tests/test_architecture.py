"""The rules of the layout: who imports whom, what a kernel file is, and how large things get."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "dealtrace": ROOT / "bindings/dealtrace",
    "dealtrace_engine": ROOT / "engine/dealtrace_engine",
    "dealtrace_ext": ROOT / "ext/dealtrace_ext",
}
MAY_IMPORT = {
    "dealtrace": {"dealtrace", "dealtrace_engine"},
    "dealtrace_engine": {"dealtrace_engine", "dealtrace_ext"},
    "dealtrace_ext": {"dealtrace_ext"},
}
KERNELS = sorted(
    p for p in (PACKAGES["dealtrace_engine"] / "kernels").glob("*.py") if p.name != "__init__.py"
)
SOURCES = sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))
ENGINE = sorted(PACKAGES["dealtrace_engine"].rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TOP_LEVEL = {
    ".ci", ".gitignore", "LICENSE", "README.md", "benchmarks", "bindings", "engine", "ext", "pyproject.toml",
    "setup.py", "tests",
}  # fmt: skip
FOLDERS = {
    "lead_to_cash": 3, "analyses": 2, "sources": 2, "synthetic": 2, "models": 2, "kernels": 0,
}  # fmt: skip
"""The layer of each folder of the engine; modules beside them are `MIDDLE` unless they are in `BOTTOM`."""
BOTTOM = {"schema", "errors", "_jit"}
MIDDLE = 1
SYSTEMS = ("salesforce", "dynamics")
READING = tuple(f"dealtrace_engine.sources.{name}" for name in ("crm", *SYSTEMS))
MAKING = "dealtrace_engine.synthetic.crm"


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported module of a file, and whether it is imported for type checkers only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [(node.module or "", id(node) in typing_only)]
            found += [(f"{node.module}.{alias.name}", id(node) in typing_only) for alias in node.names]
    return found


def names(path: Path) -> set[str]:
    return {name.partition(".")[0] for name, _ in imports(path)}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_imports_point_from_bindings_to_engine_to_ext(path):
    (package,) = (name for name, folder in PACKAGES.items() if path.is_relative_to(folder))
    wrong = (names(path) & set(PACKAGES)) - MAY_IMPORT[package]
    assert not wrong, f"{short(path)} imports {wrong}"
    assert not names(path) & {"engine", "ext", "bindings", "tests", "benchmarks", "naive", "logs"}


def layer(module: str) -> int:
    """0 at the bottom: a module may import only modules of its own layer or below."""
    parts = module.split(".")
    if len(parts) < 2 or parts[1] in BOTTOM:
        return 0
    return FOLDERS.get(parts[1], MIDDLE)


@pytest.mark.parametrize("path", ENGINE, ids=short)
def test_layers_inside_the_engine(path):
    own = layer(".".join(path.relative_to(PACKAGES["dealtrace_engine"].parent).with_suffix("").parts))
    above = [
        name
        for name, typing_only in imports(path)
        if name.startswith("dealtrace_engine") and not typing_only and layer(name) > own
    ]
    allowed = {"store": "dealtrace_engine.sources.files", "log": "dealtrace_engine.store"}
    above = [name for name in above if not name.startswith(allowed.get(path.stem, "-"))]
    assert not above, f"{short(path)} imports {above}"


@pytest.mark.parametrize("path", ENGINE, ids=short)
def test_the_readers_of_a_crm_and_what_they_share(path):
    """What both CRMs share knows neither; one CRM does not know the other; what makes exports reads none."""
    parts = path.relative_to(PACKAGES["dealtrace_engine"]).parts
    imported = {name for name, _ in imports(path)}
    home = f"dealtrace_engine.{'.'.join(parts[:2])}"
    if home.startswith(READING):
        others = [name for name in READING if name not in (home, READING[0])]
        assert not [name for name in imported if name.startswith((*others, MAKING))], short(path)
    elif home.startswith(MAKING):
        assert not [name for name in imported if name.startswith(READING)], short(path)
    else:
        assert not [name for name in imported if name.startswith(READING[1:])], short(path)


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_polars_is_imported_where_it_is_used_only(path):
    """Importing a module of ours must not load it; only functions do."""
    top = ast.parse(path.read_text()).body
    named = [
        alias.name
        for node in top
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    ]
    assert not [name for name in named if name.partition(".")[0] in ("polars", "pandas", "scipy")]


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_a_kernel_file_is_self_contained(path):
    """Numba's cache hashes one file only: a helper elsewhere would leave old results behind."""
    allowed = {"__future__", "typing", "numpy", "numpy.typing", "dealtrace_engine._jit"}
    modules = {
        node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
    }
    plain = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for name in (a.name for a in node.names)
    }
    assert modules | plain <= allowed, f"{short(path)} imports {(modules | plain) - allowed}"


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_a_kernel_raises_nothing_and_every_function_is_one(path):
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Raise | ast.Assert | ast.Try)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert [ast.unparse(decorator) for decorator in node.decorator_list] == ["kernel"], node.name


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_every_kernel_has_a_plain_twin_of_the_same_names(path):
    twin = ROOT / "tests/naive" / path.name
    assert twin.exists(), f"{short(path)} has no twin in tests/naive"
    public, twins = (
        {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
        for file in (path, twin)
    )
    assert {name for name in public if not name.startswith("_")} <= twins
    text = "".join(test.read_text() for test in TESTS)
    assert f"dealtrace_engine.kernels.{path.stem} import" in text


def test_every_compiled_module_has_a_stub_and_nothing_else_has():
    stems = {kind: {p.stem for p in PACKAGES["dealtrace_ext"].glob(f"*.{kind}")} for kind in ("pyx", "pyi")}
    assert stems["pyx"] == stems["pyi"]


@pytest.mark.parametrize("path", ENGINE, ids=short)
def test_numba_is_named_in_one_file_only(path):
    if path.name != "_jit.py":
        assert "numba" not in names(path)


@pytest.mark.parametrize("path", ENGINE, ids=short)
def test_the_engine_prints_nothing_and_opens_no_socket(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("print", "input")
    ]
    network = {"socket", "urllib", "requests", "http", "httpx", "aiohttp", "ftplib", "smtplib", "asyncio"}
    assert not names(path) & network


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_no_star_imports_and_no_broad_excepts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names))
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None)
        broad = isinstance(node, ast.ExceptHandler) and ast.unparse(node.type) in (
            "Exception",
            "BaseException",
        )
        if broad and path.name != "cli.py":  # where every error becomes one line
            assert isinstance(node.body[-1], ast.Raise), f"{short(path)}:{node.lineno} swallows {node.type}"


@pytest.mark.parametrize(
    "path", [*SOURCES, *TESTS, *sorted(PACKAGES["dealtrace_ext"].glob("*.pyx"))], ids=short
)
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400 or (path.suffix == ".pyx" and len(text.splitlines()) <= 500)
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                docstring = node.body[0] if ast.get_docstring(node) else None
                lines = node.end_lineno - node.lineno + 1
                lines -= docstring.end_lineno - docstring.lineno + 1 if docstring else 0
                assert lines <= 60, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_no_vague_names(path):
    assert not set(path.stem.split("_")) & {"utils", "util", "helpers", "helper", "manager", "misc", "base"}


def test_the_top_level_of_the_repository():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.partition("/")[0] for line in tracked.splitlines()} <= TOP_LEVEL


def test_importing_the_public_package_loads_nothing_heavy():
    heavy = {"numba", "polars", "pandas", "scipy", "pyarrow"}
    assert loaded("dealtrace", heavy) == "[]"


@pytest.mark.parametrize("system", SYSTEMS)
def test_importing_the_reader_of_a_crm_loads_no_polars_and_no_other_crm(system):
    module = f"dealtrace_engine.sources.{system}.system"
    (other,) = (name for name in SYSTEMS if name != system)
    assert loaded(module, {"polars", "pandas", "scipy", f"dealtrace_engine.sources.{other}"}) == "[]"


def loaded(module: str, names: set[str]) -> str:
    """Which of these modules are loaded once a module is imported."""
    code = f"import sys, {module}; print(sorted({names} & set(sys.modules)))"
    paths = ":".join(str(folder.parent) for folder in PACKAGES.values())
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    return found.stdout.strip()


def test_names_for_columns_are_not_shared():
    sys.path[:0] = [str(PACKAGES["dealtrace_engine"].parent)]
    from dealtrace_engine.schema import COLUMNS, _folded

    usual = [_folded(name) for column in COLUMNS for name in {column.role, *column.names}]
    assert len(usual) == len(set(usual))
