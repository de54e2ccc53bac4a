"""Filters as expressions: conditions on cases and choices of events, composed with ``&``, ``|`` and ``~``.

An expression stands for a set of events; a condition on cases for all events of the cases where it holds. So
every composition has a meaning, and the laws of sets hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.parallel import blocks, map_blocks

if TYPE_CHECKING:
    from dealtrace_engine.log import EventLog

LONGEST = 300
"""Characters of a filter that are shown in a report."""
Level = Literal["case", "event"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Expression(ABC):
    """A filter; made with the functions of `where`.

    Subclasses are frozen dataclasses whose fields go to JSON as they are, with an `op`, which is also the
    name of their function in `where`.
    """

    op: ClassVar[str]

    @property
    def infix(self) -> bool:
        """Whether it is written with an operator, so that it needs brackets inside of another."""
        return False

    @property
    def level(self) -> Level:
        """Whether it is a condition on cases or chooses events."""
        return "case"

    @abstractmethod
    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return what passes, of the cases or of the events: shape (cases,) or (events,), as `level` says."""

    def select(self, log: EventLog, threads: int | None = None) -> EventLog:
        """Return the log of what passes; see `EventLog.filter`."""
        from dealtrace_engine.selection import select_cases, select_events

        chosen = select_cases if self.level == "case" else select_events
        return chosen(log, self.mask(log, threads), _shortened(repr(self)), threads)

    def __and__(self, other: Expression) -> And:
        return And((self, other)) if isinstance(other, Expression) else NotImplemented

    def __or__(self, other: Expression) -> Or:
        return Or((self, other)) if isinstance(other, Expression) else NotImplemented

    def __invert__(self) -> Expression:
        return Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a filter is neither true nor false; compose filters with & | ~, not with and, or, not"
        )

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the expression as JSON text; see `json_form`."""
        from dealtrace_engine.filters.json_form import to_json

        return to_json(self, indent=indent)

    @staticmethod
    def from_json(content: str | bytes) -> Expression:
        """Return the expression that JSON text stands for; see `json_form`."""
        from dealtrace_engine.filters.json_form import from_json

        return from_json(content)

    def _set(self, **values: object) -> None:
        self.__dict__.update(values)

    def __repr__(self) -> str:
        return f"w.{self.op}({', '.join(self._arguments())})"

    def _arguments(self) -> list[str]:
        """Write the fields as the arguments of the function in `where`."""
        written: list[str] = []
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if isinstance(value, tuple):
                written += map(repr, value)
            elif field.default is MISSING:
                written.append(repr(value))
            elif value != field.default:
                written.append(f"{field.name}={value!r}")
        return written


@dataclass(frozen=True, repr=False)
class _Composed(Expression):
    of: tuple[Expression, ...]

    @property
    def infix(self) -> bool:
        """Yes."""
        return True

    def __post_init__(self) -> None:
        if not isinstance(self.of, tuple) or not self.of:
            raise SchemaError(f"{self.op!r} is of one expression or more", value=self.of)
        for part in self.of:
            checked(part, f"of in {self.op!r}")
        flat = (part.of if isinstance(part, type(self)) else (part,) for part in self.of)
        self._set(of=tuple(part for parts in flat for part in parts))

    @property
    def level(self) -> Level:
        """Events as soon as one part chooses events."""
        return "event" if any(part.level == "event" for part in self.of) else "case"

    def _masks(self, log: EventLog, threads: int | None) -> list[Mask]:
        masks = [part.mask(log, threads) for part in self.of]
        if self.level == "case":
            return masks
        pairs = zip(self.of, masks, strict=True)
        return [marked_cases(log, mask, threads) if p.level == "case" else mask for p, mask in pairs]


class And(_Composed):
    """What passes all parts."""

    op: ClassVar[str] = "and"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return what passes all parts."""
        mask: Mask = np.logical_and.reduce(self._masks(log, threads))
        return mask

    def __repr__(self) -> str:
        return " & ".join(tight(part) for part in self.of)


class Or(_Composed):
    """What passes at least one part."""

    op: ClassVar[str] = "or"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return what passes at least one part."""
        mask: Mask = np.logical_or.reduce(self._masks(log, threads))
        return mask

    def __repr__(self) -> str:
        return " | ".join(tight(part) for part in self.of)


@dataclass(frozen=True, repr=False)
class Not(Expression):
    """What does not pass."""

    of: Expression
    op: ClassVar[str] = "not"

    def __post_init__(self) -> None:
        checked(self.of, "of in 'not'")

    @property
    def level(self) -> Level:
        """That of what is negated."""
        return self.of.level

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return what does not pass."""
        return ~self.of.mask(log, threads)

    def __invert__(self) -> Expression:
        return self.of

    def __repr__(self) -> str:
        return f"~{tight(self.of)}"


def _shortened(written: str) -> str:
    """Cut what would drown a report, such as thousands of case ids."""
    cut = f"{written[:LONGEST]}... ({len(written):,} characters)"
    return written if len(written) <= LONGEST else cut


def tight(expression: Expression) -> str:
    """Write an expression so that ``&``, ``|`` and ``~`` do not tear it apart."""
    return f"({expression!r})" if expression.infix else repr(expression)


def checked(expression: object, what: str, level: Level | None = None) -> Expression:
    """Return an expression of a level; raise `SchemaError` for anything else."""
    if not isinstance(expression, Expression):
        hint = "such as where.contains('Quote Revised'); a column must be compared"
        raise SchemaError(f"{what} is an expression of dealtrace.where", value=expression, hint=hint)
    if level is not None and expression.level != level:
        raise SchemaError(f"{what} chooses events, and {expression!r} is a condition on cases",
                          hint="use it without")  # fmt: skip
    return expression


def case_mask(log: EventLog, run: Callable[[tuple[int, int], Mask], None], threads: int | None) -> Mask:
    """Return a mask of shape (cases,) that ``run((first, last), mask)`` fills, block by block."""
    out = np.zeros(log.cases, dtype=np.bool_)
    map_blocks(lambda block: run(block, out), blocks(log.case_offsets), threads=threads)
    return out


def marked_cases(log: EventLog, keep: Mask, threads: int | None = None) -> Mask:
    """Mark all events of the cases to keep, shape (events,)."""
    from dealtrace_engine.kernels.selection import mark_cases

    out = np.empty(log.events, dtype=np.bool_)
    map_blocks(
        lambda block: mark_cases(keep, log.case_offsets, *block, out),
        blocks(log.case_offsets),
        threads=threads,
    )
    return out
