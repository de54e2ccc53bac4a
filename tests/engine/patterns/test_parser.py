"""What patterns mean, how they are written, and where an error is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.errors import ParseError
from dealtrace_engine.patterns.expression import (
    ANY,
    END,
    GAP,
    START,
    Chain,
    Choice,
    Repeat,
    Step,
    chain,
    choice,
    reversed_expression,
    size,
    steps,
    written,
)
from dealtrace_engine.patterns.lexer import quoted
from dealtrace_engine.patterns.parser import parse

A, B, C = (Step((name,)) for name in "ABC")
NAMED = st.builds(
    lambda names, negated: Step(tuple(sorted(names)), negated),
    st.sets(st.text(max_size=5) | st.sampled_from(["A", "->", '"', "\\n", "…"]), min_size=1, max_size=3),
    st.booleans(),
)
COUNTS = st.one_of(
    st.tuples(st.integers(0, 9), st.none()),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))),
)
EXPRESSIONS = st.recursive(
    st.one_of(NAMED, st.sampled_from([ANY, GAP, START, END])),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(chain),
        st.lists(inner, min_size=2, max_size=3).map(choice),
        st.builds(lambda part, counts: Repeat(part, *counts), inner, COUNTS),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_what_is_written_parses_back(expression):
    if size(expression) <= 2_000:
        assert parse(written(expression)) == expression
    assert reversed_expression(reversed_expression(expression)) == expression


@given(st.text(alphabet='AB ->.|()[]!^$*+?{}0,1"\\nä見…→', max_size=25))
def test_any_text_parses_back_or_is_an_error_with_a_position(text):
    message = None
    try:
        expression = parse(text)
    except ParseError as error:
        message = str(error)
    if message is None:
        assert parse(written(expression)) == expression
    else:
        assert 1 <= int(message.rpartition("at character ")[2].partition(":")[0]) <= len(text) + 1
        assert len(message.splitlines()) == 1


@given(st.text(max_size=8))
def test_any_name_can_be_written(name):
    assert parse(quoted(name)) == Step((name,))


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("A", A),
        ("  A\n->\tB ", Chain((A, B))),
        ("A→B", Chain((A, B))),
        ("A -> … -> B", Chain((A, GAP, B))),
        ("A|B|C", Choice((A, B, C))),
        ("A -> B | C", Choice((Chain((A, B)), C))),
        ("A -> (B | C)", Chain((A, Choice((B, C))))),
        ("((A))", A),
        ("A -> (B -> C)", Chain((A, B, C))),
        ("A | (B | C)", Choice((A, B, C))),
        ("A?", Repeat(A, 0, 1)),
        ("A *", Repeat(A, 0, None)),
        ("(A -> B)+", Repeat(Chain((A, B)), 1, None)),
        ("A{2}", Repeat(A, 2, 2)),
        ("A{ 2 , }", Repeat(A, 2, None)),
        ("A{0002,5}", Repeat(A, 2, 5)),
        ("(A?){2}", Repeat(Repeat(A, 0, 1), 2, 2)),
        (".", ANY),
        ("...", GAP),
        (".*", GAP),
        ("...+", Repeat(GAP, 1, None)),
        (".{3}", Repeat(ANY, 3, 3)),
        ("!A", Step(("A",), True)),
        ("! [B | A|B]", Step(("A", "B"), True)),
        ("[A]", A),
        ("^ A $", Chain((START, A, END))),
        ("^ -> A -> $", Chain((START, A, END))),
        ("^$", Chain((START, END))),
        ("(^ A | B) -> C", Chain((Choice((Chain((START, A)), B)), C))),
        ("Quote v1.2", Step(("Quote v1.2",))),
        ("Re-Open -> Win / Loss", Chain((Step(("Re-Open",)), Step(("Win / Loss",))))),
        ("Lead - New->B", Chain((Step(("Lead - New",)), B))),
        (
            "Étape_1 ->見積 送付-> 受注・確定",
            Chain((Step(("Étape_1",)), Step(("見積 送付",)), Step(("受注・確定",)))),
        ),
        ("合同（已签）", Step(("合同（已签）",))),
        ("हिन्दी", Step(("हिन्दी",))),
        (r'"say \"yes\" \\ \n\r\t"', Step(('say "yes" \\ \n\r\t',))),
        ('"A -> B"', Step(("A -> B",))),
        ('""', Step(("",))),
        ("2{2}", Repeat(Step(("2",)), 2, 2)),
    ],
)
def test_meaning(text, expression):
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("", 1, "expected a step, found the end of the pattern"),
        ("   ", 4, "expected a step, found the end of the pattern"),
        ("A ->", 5, "expected a step, found the end"),
        ("A -> -> B", 6, "expected a step, found '->'"),
        ("-> A", 1, "expected a step, found '->'"),
        ("A | | B", 5, r"expected a step, found '\|'"),
        ("()", 2, r"expected a step, found '\)'"),
        ("A -> (B | C", 6, r"'\(' is never closed"),
        ("A -> B)", 7, r"'\)' without its '\('"),
        ("(A [B])", 4, r"expected '->', '\|' or '\)', found '\['"),
        ('A "B"', 3, r"expected '->' or '\|', found the name 'B'"),
        ("A . B", 3, r"expected '->' or '\|', found '\.'"),
        ("A....B", 2, r"expected '->' or '\|', found '\.\.\.'"),
        ("A ]", 3, r"expected '->' or '\|', found '\]'"),
        ("A ^", 3, r"expected '->' or '\|', found '\^'"),
        ("A $ B", 5, r"expected '->' or '\|', found the name 'B'"),
        ("[A", 1, r"'\[' is never closed"),
        ("[]", 2, r"expected a name, found '\]'"),
        ("[A | .]", 6, r"expected a name, found '\.'"),
        ("[A -> B]", 4, r"expected '\|' or '\]', found '->'"),
        ("!(A | B)", 2, r"expected a name or '\[' after '!', found '\('; only a single step"),
        ("A -> !.", 7, "expected a name or '.' after '!'"),
        ("!!A", 2, "after '!', found '!'"),
        ("*A", 1, r"nothing that '\*' could repeat"),
        ("A -> {2}", 6, "nothing that a repetition could repeat"),
        ("A+?", 3, r"a repetition cannot be repeated; .*\(A\+\)\?"),
        ("A{2}{3}", 5, "a repetition cannot be repeated"),
        ("^* A", 2, "an anchor cannot be repeated"),
        ("A ${2}", 4, "an anchor cannot be repeated"),
        ("A{}", 2, r"a repetition is \{n\}"),
        ("A{,3}", 2, r"a repetition is \{n\}"),
        ("A{2", 2, r"a repetition is \{n\}"),
        ("A{-1}", 2, r"a repetition is \{n\}"),
        ("A{3,2}", 2, "3 to 2 repetitions are none"),
        ("A{1001}", 2, "at most 1,000 times"),
        ("A{1,99999999999}", 2, "at most 1,000 times"),
        ("A{" + "9" * 5_000 + "}", 2, "at most 1,000 times"),
        ("A -> #", 6, "'#' has no meaning here; a name with other signs needs quotes"),
        ("A - > B", 3, "'-' has no meaning here"),
        ("A}", 2, "'}' has no meaning here"),
        ("A, B", 2, "',' has no meaning here"),
        ("“A”", 1, "straight quotes"),
        ("A -> \x00", 6, r"'\\x00' has no meaning here"),
        ("A -> \ud800", 6, "has no meaning here"),
        ('A -> "B', 6, "the quotes are never closed"),
        ('A -> "B\\"', 6, "the quotes are never closed"),
        (r'"A\\ \x"', 6, r"there is no escape '\\\\x'"),
        ("(" * 51 + "A" + ")" * 51, 51, "nested at most 50 deep"),
        ("A" * 10_001, 10_001, "at most 10,000 characters"),
    ],
)
def test_errors_say_where(text, place, what):
    with pytest.raises(ParseError, match=f"at character {place}: .*{what}") as error:
        parse(text)
    assert len(str(error.value).splitlines()) == 1


def test_only_texts_are_patterns():
    with pytest.raises(ParseError, match="not of type int"):
        parse(3)


def test_the_size_counts_what_repetitions_write_out():
    assert size(parse("A -> (B | C{3}){2,5} -> (D | ^)*")) == 1 + 4 * 5 + 2
    assert [step.names for step in steps(parse("A -> (B | !C){9}"))] == [("A",), ("B",), ("C",)]


def test_every_example_in_the_documentation_is_a_pattern():
    folder = Path(__file__).resolve().parents[3] / "engine"
    section = (
        (folder / "README.md").read_text().partition("## Sequence patterns")[2].partition("## Glossary")[0]
    )
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    examples = [text.replace(r"\|", "|") for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(examples) > 15
    for example in examples:
        assert parse(example)
