"""Errors are one line, say where and what to do, and survive pickling."""

from __future__ import annotations

import pickle

import pytest

from dealtrace_engine import errors
from dealtrace_engine.errors import DealtraceError, ParseError, first_line

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DealtraceError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_survive_pickling(kind):
    error = kind("is odd", file="a b.csv", row=3, line=4, column="x", value="v\n", hint="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
    assert str(error) == r"a b.csv, row 3, line 4, column 'x', value 'v\n': is odd; mend it"


def test_the_tree_in_the_docstring_is_the_tree():
    assert all(kind.__name__ in errors.__doc__ for kind in KINDS)
    assert all(kind.__mro__[1] is DealtraceError for kind in KINDS if kind is not DealtraceError)


def test_one_line_whatever_is_in_it():
    assert "\n" not in str(ParseError("one\ntwo\r\nthree", file="a\nb", hint="x\ny"))
    assert "two  blanks" in str(ParseError("what", file="two  blanks"))  # a path as it is
    assert len(str(ParseError("what", value="x" * 10_000))) < 200


def test_first_line():
    assert first_line(ValueError("\none\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
