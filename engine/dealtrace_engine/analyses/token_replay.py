"""Token-replay conformance: how well each case fits a Petri net, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from dealtrace_engine.analyses.played import Diagnostics, Played
from dealtrace_engine.analyses.variants import Variants, variants
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError, LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.petri_net import PetriNet
from dealtrace_engine.parallel import Progress
from dealtrace_engine.results import Later, LogReference, Result, made

FIGURES = (
    "average_trace_fitness", "log_fitness", "percentage_of_fitting_traces", "fit_cases",
    "produced", "consumed", "missing", "remaining",
)  # fmt: skip

Unknown = Literal["skip", "unfit"]


@dataclass(frozen=True, eq=False)
class TokenReplay(Result):
    """The result of token replay; the main table is `table`, made when first asked for.

    Attributes
    ----------
    average_trace_fitness : float
        Mean over cases of the trace fitness ``0.5 (1 - missing/consumed) + 0.5 (1 - remaining/produced)``,
        correctly rounded.
    log_fitness : float
        The same formula over the token counts of all cases.
    percentage_of_fitting_traces : float
        Percent of the cases that fit.
    fit_cases, produced, consumed, missing, remaining : int
        Over all cases. A case fits when no token was missing on the way and none remains.
    notes : tuple of str
        What was assumed: about the net, duplicate labels, activities the net does not have.
    """

    average_trace_fitness: float
    log_fitness: float
    percentage_of_fitting_traces: float
    fit_cases: int
    produced: int
    consumed: int
    missing: int
    remaining: int
    notes: tuple[str, ...]
    _rows: Later[pa.Table]
    _played: Played
    _of_cases: Later[tuple[pa.Array, NDArray[np.int32]]] | None = None
    _log: LogReference = field(default_factory=lambda: LogReference(None))
    definition: ClassVar[str] = "token replay 1"

    @property
    def table(self) -> pa.Table:
        """One row per variant, as in the table of variants.

        variant, cases, fit, fitness, produced, consumed, missing, remaining, unknown_events (events of
        activities that the net does not have).
        """
        return self._rows()

    @cached_property
    def cases(self) -> pa.Table:
        """One row per case, in the order of the log: case_id, then the columns of `table` but cases."""
        if self._of_cases is None:
            raise LogError("this replay was made without the cases of its variants")
        case_ids, of_case = self._of_cases()
        return self.table.drop_columns(["cases"]).take(arrow(of_case)).add_column(0, "case_id", case_ids)

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Where cases and net disagree; counted on first use."""
        return self._played.diagnostics()

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        found = self.diagnostics
        content = {name: getattr(self, name) for name in (*FIGURES, "notes", "table")}
        return {**content, "places": found.places, "transitions": found.transitions, "unknown": found.unknown}

    def __repr__(self) -> str:
        return (
            f"TokenReplay: {self.percentage_of_fitting_traces:.2f} % of the cases fit, average trace fitness "
            f"{self.average_trace_fitness:.4f}, log fitness {self.log_fitness:.4f}"
        )


def token_replay(
    log: EventLog,
    net: PetriNet,
    *,
    known: Variants | None = None,
    unknown: Unknown = "skip",
    threads: int | None = None,
    progress: Progress | None = None,
) -> TokenReplay:
    """Replay every case of a log on a net, each variant once.

    Parameters
    ----------
    log : EventLog
    net : PetriNet
    known : Variants, optional
        The log's variants, where they are at hand already.
    unknown : {"skip", "unfit"}
        Events of activities that the net does not have are skipped; with ``"unfit"`` their cases do not fit.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    TokenReplay

    Raises
    ------
    LogError
        The log has no case.

    Notes
    -----
    A step that is not enabled is prepared by silent transitions along the shortest silent paths from marked
    places to the places it is short of: shorter paths first, then by the names of both ends. Of the
    shortest paths between two places the one found first is taken, in a breadth-first search along the arcs
    of the net in their order: for each place its silent transitions, for each of these its output places.

    Paths are followed until the step is enabled. Once one of them could not even be begun, blocked steps on
    the way are prepared in turn, one level deep, and all paths are followed as far as they go. What was fired
    before that is followed up by a second pass over the paths of the new marking. At the end of
    a case silent paths are followed in the same order, past blocked steps, to the places of the final
    marking, then to the only sink place if it is one of them.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.models.petri_net import PetriNetBuilder
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "b", "a"],
    ...                            "time": ["2024-01-01"] * 3}))
    >>> net = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    >>> net = net.transition("t1", "a", inputs=["start"], outputs=["middle"])
    >>> net = net.transition("t2", "b", inputs=["middle"], outputs=["end"]).build()
    >>> token_replay(log, net).cases.select(["case_id", "fit", "missing", "remaining"]).to_pylist()[1]
    {'case_id': '2', 'fit': False, 'missing': 1, 'remaining': 1}
    """
    found = variants(log, threads=threads, progress=progress) if known is None else known
    return _replayed(
        Played(net, tuple(log.activities.to_pylist()), *found.as_found), unknown, progress,
        lambda rows: rows.take(arrow(found.order)).add_column(0, "variant", found.ids),
        Later(lambda: (found.case_ids, found.of_case)), LogReference(log), threads,
    )  # fmt: skip


def replay(
    net: PetriNet,
    activities: list[str],
    codes: ArrayLike,
    offsets: ArrayLike,
    weights: ArrayLike,
    *,
    variant_ids: pa.Array | None = None,
    case_ids: pa.Array | None = None,
    of_case: NDArray[np.int32] | None = None,
    log: LogReference | None = None,
    unknown: Unknown = "skip",
    threads: int | None = None,
    progress: Progress | None = None,
) -> TokenReplay:
    """Replay distinct sequences of activity codes on a net.

    Parameters
    ----------
    net : PetriNet
    activities : list of str
        Activity of each code.
    codes : array_like of int, shape (events,)
        The sequences, one after the other.
    offsets : array_like of int64, shape (variants + 1,)
        Where each sequence begins in `codes`.
    weights : array_like of int64, shape (variants,)
        Cases of each variant.
    variant_ids : pyarrow.Array of length variants, optional
        The column `variant` of the table; numbers from 0 otherwise.
    case_ids, of_case : pyarrow.Array and array of int32, of length cases, optional
        Ids of the cases and the variant of each.
    log : LogReference, optional
        Where they come from.
    unknown : {"skip", "unfit"}
        Events of activities that the net does not have are skipped; with "unfit" their cases do not fit.
        The token counts are the same.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    TokenReplay

    Raises
    ------
    LogError
        There is no case.

    References
    ----------
    A. Berti, W. van der Aalst, "Reviving Token-based Replay: Increasing Speed While Improving
    Diagnostics", ATAED 2019.

    Examples
    --------
    >>> from dealtrace_engine.models.petri_net import PetriNetBuilder
    >>> net = PetriNetBuilder().place("start", initial=1).place("end", final=1)
    >>> net = net.transition("t1", "Send quote", inputs=["start"], outputs=["sent"])
    >>> net = net.transition("t2", "Win", inputs=["sent"], outputs=["end"]).build()
    >>> result = replay(net, ["Send quote", "Win"], [0, 1, 0], [0, 2, 3], [3, 1])
    >>> result.fit_cases, result.average_trace_fitness, result.percentage_of_fitting_traces
    (3, 0.875, 75.0)
    """
    played = Played(
        net, tuple(activities), _codes(codes),
        np.ascontiguousarray(offsets, dtype=np.int64), np.ascontiguousarray(weights, dtype=np.int64),
    )  # fmt: skip
    ids = arrow(np.arange(len(played.weights))) if variant_ids is None else variant_ids
    of_cases = None if case_ids is None or of_case is None else made((case_ids, of_case))
    return _replayed(
        played, unknown, progress, lambda rows: rows.add_column(0, "variant", ids), of_cases,
        log or LogReference(None), threads,
    )  # fmt: skip


def _replayed(
    played: Played,
    unknown: Unknown,
    progress: Progress | None,
    arranged: Callable[[pa.Table], pa.Table],
    of_cases: Later[tuple[pa.Array, NDArray[np.int32]]] | None,
    log: LogReference,
    threads: int | None,
) -> TokenReplay:
    """Replay; `arranged` puts the rows of the table in their order and names them."""
    if unknown not in ("skip", "unfit"):
        raise ArgumentError(f"unknown must be 'skip' or 'unfit', got {unknown!r}")
    if not played.weights.sum():
        raise LogError("there is no case to replay")
    figures = played.play(threads, progress)
    fit = figures["fit"].astype(bool) & ((unknown == "skip") | (played.unknown_events == 0))
    tokens = {name: figures[name] for name in ("produced", "consumed", "missing", "remaining")}
    fitness = _fitness(**{name: array.astype(np.float64) for name, array in tokens.items()})
    totals = {name: _weighted_sum(array, played.weights) for name, array in tokens.items()}
    cases, fit_cases = int(played.weights.sum()), int(played.weights[fit].sum())
    return TokenReplay(
        average_trace_fitness=_mean(fitness, played.weights),
        log_fitness=float(_fitness(**totals)), percentage_of_fitting_traces=100.0 * fit_cases / cases,
        fit_cases=fit_cases, **totals, notes=_notes(played),
        _rows=Later(lambda: arranged(_rows(played, fit, fitness, tokens))),
        _played=played, _of_cases=of_cases, _log=log,
    )  # fmt: skip


def _rows(
    played: Played, fit: NDArray[np.bool_], fitness: NDArray[np.float64], tokens: dict[str, NDArray[Any]]
) -> pa.Table:
    figures = {"cases": played.weights, "fit": fit, "fitness": fitness, **tokens}
    return table({**figures, "unknown_events": played.unknown_events})


def _fitness(missing: Any, consumed: Any, produced: Any, remaining: Any) -> Any:
    return 0.5 * (1.0 - missing / consumed) + 0.5 * (1.0 - remaining / produced)


def _mean(fitness: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """Mean over cases, correctly rounded: a fitness from 0 to 1 is a whole number of 2**-54."""
    scaled = np.ldexp(fitness, 54)
    if (np.abs(fitness) > 1).any() or (scaled != np.floor(scaled)).any():
        total = sum(
            Fraction(value) * cases for value, cases in zip(fitness.tolist(), weights.tolist(), strict=True)
        )
        return float(total / int(weights.sum()))
    whole = _weighted_sum(scaled.astype(np.int64), weights)
    return float(Fraction(whole, int(weights.sum()) << 54))


def _weighted_sum(values: NDArray[np.int64], weights: NDArray[np.int64]) -> int:
    """Sum of value times weight, exact: in two halves where it could pass 64 bits."""
    low, high = values & 0x7FFFFFF, values >> 27
    if int(np.abs(high).max(initial=0)) * int(weights.sum()) >= 1 << 62 or int(weights.sum()) >= 1 << 35:
        return sum(value * weight for value, weight in zip(values.tolist(), weights.tolist(), strict=True))
    return (int(high @ weights) << 27) + int(low @ weights)


def _codes(codes: ArrayLike) -> NDArray[Any]:
    array = np.ascontiguousarray(codes)
    kind = array.dtype if array.dtype in (np.uint8, np.uint16, np.uint32) else np.dtype(np.uint32)
    return array.astype(kind, copy=False)


def _notes(played: Played) -> tuple[str, ...]:
    notes = list(played.net.notes)
    for label, same in played.net.duplicate_labels.items():
        notes.append(f"{len(same)} transitions are labelled {label!r}; the first enabled one by id is fired")
    if (played.label_of < 0).any():
        notes += [
            f"activity {row['activity']!r} is not in the model ({row['events']:,} events)"
            for row in played.unknown.to_pylist()
        ]
    return tuple(notes)
