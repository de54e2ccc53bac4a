"""The Cython extensions; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SHARED = "dealtrace_ext._views"
"""Made by Cython: what all modules need of typed memoryviews, which would else be compiled once for each."""
FLAGS = ["-O3", "-g0", "-fno-strict-aliasing"]

setup(
    ext_modules=cythonize(
        [
            Extension(f"dealtrace_ext.{path.stem}", [str(path)], extra_compile_args=FLAGS)
            for path in sorted(Path("ext/dealtrace_ext").glob("*.pyx"))
        ]
        + [Extension(SHARED, ["ext/dealtrace_ext/_views.c"], extra_compile_args=FLAGS)],
        shared_utility_qualified_name=SHARED,
        include_path=["ext"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    ),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
