"""Every compiled module has the public names, parameters and docstrings that its .pyi promises.

Run as a program it prints what differs and ends with 1 if anything does; `test_stubs.py` runs the same check.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "ext/dealtrace_ext"

Names = dict[str, ast.stmt]
SPECIAL = {"__init__", "__len__", "__iter__", "__next__", "__getitem__", "__contains__", "__call__"}


def stub_names(body: list[ast.stmt]) -> Names:
    """Definitions and annotated names of a stub, by name; not what it imports, nor type aliases."""
    names: Names = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def public(value: object) -> set[str]:
    """Names defined in a module or class, without private ones and what Cython adds."""
    own = vars(value)
    module = getattr(value, "__name__", "") if inspect.ismodule(value) else None
    return {
        name
        for name, item in own.items()
        if (not name.startswith("_") or (module is None and name in SPECIAL))
        and not inspect.ismodule(item)
        and (module is None or getattr(item, "__module__", module) == module)
    }


def parameters(arguments: ast.arguments) -> list[tuple[str, bool]]:
    """Name, and whether there is a default, of each parameter in a stub."""
    plain = [*arguments.posonlyargs, *arguments.args]
    first = len(plain) - len(arguments.defaults)
    found = [(argument.arg, at >= first) for at, argument in enumerate(plain)]
    return found + [
        (a.arg, d is not None) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]


def signature(function: object) -> list[tuple[str, bool]] | None:
    """The same of a compiled function; None where Cython keeps none, as of ``__cinit__``."""
    try:
        found = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return [
        (p.name, p.default is not p.empty) for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def differences(where: str, value: object, body: list[ast.stmt]) -> list[str]:
    """What differs between a module or class and its stub."""
    promised = stub_names(body)
    found = public(value)
    missing = {name for name in set(promised) - found if not hasattr(value, name)}
    problems = [f"{where}.{name} is in the stub only" for name in sorted(missing)]
    problems += [
        f"{where}.{name} is not in the stub" for name in sorted(found - set(promised) - {"__init__"})
    ]
    for name, node in promised.items():
        item = getattr(value, name, None)
        if isinstance(node, ast.ClassDef):
            problems += differences(f"{where}.{name}", item, node.body)
        elif isinstance(node, ast.FunctionDef) and item is not None and not name.startswith("__"):
            compiled, stub = signature(item), parameters(node.args)
            if compiled is not None and compiled != stub:
                problems.append(f"{where}.{name}: compiled {compiled}, stub {stub}")
            if not inspect.getdoc(item):
                problems.append(f"{where}.{name} has no docstring")
        elif isinstance(node, ast.AnnAssign) and item is not None:
            problems += constant_problems(f"{where}.{name}", item, ast.unparse(node.annotation))
    return problems


def constant_problems(where: str, value: object, annotation: str) -> list[str]:
    """Whether a constant has the plain type that its stub says."""
    plain = {"int": int, "float": float, "str": str, "bytes": bytes, "bool": bool}
    wanted = annotation.removeprefix("Final[").removesuffix("]")
    if wanted not in plain or inspect.isdatadescriptor(value) or isinstance(value, plain[wanted]):
        return []
    return [f"{where} is {type(value).__name__}, the stub says {annotation}"]


def all_differences() -> list[str]:
    """What differs, over all compiled modules."""
    problems = []
    for path in sorted(FOLDER.glob("*.pyx")):
        stub = path.with_suffix(".pyi")
        if not stub.exists():
            problems.append(f"{path.name} has no .pyi")
            continue
        module = importlib.import_module(f"dealtrace_ext.{path.stem}")
        problems += differences(path.stem, module, ast.parse(stub.read_text()).body)
    return problems


if __name__ == "__main__":
    for folder in ("ext", "engine", "bindings"):
        sys.path.insert(0, str(ROOT / folder))
    found = all_differences()
    print("\n".join(found) or "the stubs say what the compiled modules do")  # noqa: T201
    sys.exit(bool(found))
