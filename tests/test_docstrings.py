"""Every example runs, and every numpydoc Parameters section names the parameters there are."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "dealtrace": ROOT / "bindings",
    "dealtrace_engine": ROOT / "engine",
    "dealtrace_ext": ROOT / "ext",
}


def modules() -> list[str]:
    found = []
    for package, folder in FOLDERS.items():
        for path in sorted((folder / package).rglob("*.py*")):
            if path.suffix in (".py", ".pyx") and path.stem != "__main__":
                found.append(
                    ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
                )
    return found


MODULES = modules()


class Finder(doctest.DocTestFinder):
    """Finds the docstrings of compiled functions too, which `inspect` does not take for functions."""

    def _from_module(self, module: object, object: object) -> bool:
        return getattr(object, "__module__", None) == module.__name__ or super()._from_module(module, object)

    def _find(self, tests, obj, name, module, source_lines, globs, seen) -> None:
        super()._find(tests, obj, name, module, source_lines, globs, seen)
        if inspect.ismodule(obj):
            for key, value in vars(obj).items():
                if type(value).__name__ == "cython_function_or_method" and value.__module__ == obj.__name__:
                    super()._find(tests, value, f"{name}.{key}", module, source_lines, globs, seen)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test in Finder().find(module, name):
            out: list[str] = []
            runner.run(test, out=out.append)
            assert not out, "".join(out)


def test_examples_of_compiled_functions_are_found():
    module = importlib.import_module("dealtrace_ext.moments")
    assert any(test.examples for test in Finder().find(module) if "exact_moments" in test.name)


def documented(docstring: str, section: str = "Parameters") -> list[str] | None:
    """Names in a numpydoc section; None where there is no such section."""
    match = re.search(
        rf"^{section}\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", inspect.cleandoc(docstring), re.S | re.M
    )
    if match is None:
        return None
    lines = [line for line in match[1].splitlines() if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for line in lines for name in line.partition(" : ")[0].split(",")]


def public_functions(name: str) -> list[tuple[str, object, str]]:
    """Qualified name, what is called, and the docstring of all public functions, methods and classes."""
    module = importlib.import_module(name)
    found = []
    for key, item in vars(module).items():
        if (
            key.startswith("_")
            or getattr(item, "__module__", None) != name
            or not getattr(item, "__doc__", None)
        ):
            continue
        found.append((f"{name}.{key}", item, item.__doc__))
        if inspect.isclass(item):
            for method, function in vars(item).items():
                function = getattr(function, "__func__", function)
                if not method.startswith("_") and callable(function) and function.__doc__:
                    found.append((f"{name}.{key}.{method}", function, function.__doc__))
    return found


@pytest.mark.parametrize("name", MODULES)
def test_documented_parameters_are_the_parameters(name):
    for where, item, docstring in public_functions(name):
        names = documented(docstring)
        if names is None or (inspect.isclass(item) and name.startswith("dealtrace_ext")):
            continue
        try:
            parameters = [p for p in inspect.signature(item).parameters if p not in ("self", "cls")]
        except (TypeError, ValueError):
            continue
        assert names == [p for p in parameters if p in names], f"{where}: {names} for {parameters}"
        assert set(parameters) <= set(names), f"{where} does not say what {set(parameters) - set(names)} is"


@pytest.mark.parametrize("name", MODULES)
def test_public_things_have_a_docstring(name):
    module = importlib.import_module(name)
    for key, item in vars(module).items():
        own = getattr(item, "__module__", None) == name
        if own and not key.startswith("_") and (inspect.isclass(item) or callable(item)):
            assert inspect.getdoc(item), f"{name}.{key}"
