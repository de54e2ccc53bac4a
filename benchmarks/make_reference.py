"""Answers of the field's reference library, kept in tests/reference as figures to agree with.

    python benchmarks/make_reference.py                                  the project's own seeded logs
    python benchmarks/make_reference.py LOG --net NET.pnml -o OUT.json   any .xes, .xes.gz, .csv or .parquet

Needs pm4py, which is run as it is and never imported by the package. A net that is already stored is kept,
since discovery names its places anew each time; delete it to discover another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pm4py

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "tests" / "reference"
CASE, ACTIVITY, TIME = "case:concept:name", "concept:name", "time:timestamp"

LOGS: dict[str, dict[str, Any]] = {
    "lead-to-cash-300": {"opportunities": 300, "seed": 11, "language": "en", "precision": "second"},
    "lead-to-cash-1000-de": {"opportunities": 1_000, "seed": 12, "language": "de", "precision": "second"},
    "lead-to-cash-400-days": {"opportunities": 400, "seed": 13, "language": "en", "precision": "day"},
}
"""Arguments of `lead_to_cash`; the last has many ties."""
NOISE = 0.2

Edge = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", nargs="?", type=Path)
    parser.add_argument("--net", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.log:
        answer = {"log": arguments.log.name, **figures(read(arguments.log), arguments.net)}
        (arguments.out or Path(f"{arguments.log.name}.json")).write_text(dumped(answer), "utf-8")
        return
    for name, made_by in LOGS.items():
        log = formatted(synthetic(made_by), "case_id", "activity", "timestamp")
        net = REFERENCE / f"{name}.pnml"
        if not net.exists():
            pm4py.write_pnml(*pm4py.discover_petri_net_inductive(log, noise_threshold=NOISE), str(net))
        answer = {"log": name, "made_by": made_by, **figures(log, net)}
        (REFERENCE / f"{name}.json").write_text(dumped(answer), "utf-8")


def synthetic(made_by: dict[str, Any]) -> pd.DataFrame:
    sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "ext")]
    from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

    frame: pd.DataFrame = lead_to_cash(**made_by).events.to_pandas()
    return frame


def read(path: Path) -> pd.DataFrame:
    """Read a log whose columns have the usual names."""
    if ".xes" in path.suffixes:
        log = pm4py.read_xes(str(path))
        return formatted(log, CASE, ACTIVITY, TIME)
    log = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep=None, engine="python")
    names = ((CASE, "case_id", "Key"), (ACTIVITY, "activity", "Activity"), (TIME, "timestamp"))
    return formatted(log, *(next(name for name in level if name in log.columns) for level in names))


def formatted(log: pd.DataFrame, case_id: str, activity: str, time: str) -> pd.DataFrame:
    log = log[[case_id, activity, time]].assign(**{time: pd.to_datetime(log[time], utc=True)})
    frame: pd.DataFrame = pm4py.format_dataframe(
        log, case_id=case_id, activity_key=activity, timestamp_key=time
    )
    return frame


def figures(log: pd.DataFrame, net: Path | None) -> dict[str, Any]:
    answer = {
        "tool": f"pm4py {pm4py.__version__}",
        "rows": len(log),
        "events": len(log),
        "cases": log[CASE].nunique(),
        "activities": log[ACTIVITY].nunique(),
        "activity_counts": ordered(pm4py.get_event_attribute_values(log, ACTIVITY)),
        "start_activities": ordered(pm4py.get_start_activities(log)),
        "end_activities": ordered(pm4py.get_end_activities(log)),
        **edges(log),
        **variants(log),
        **durations(log),
    }
    return answer | ({"replay": replay(log, net)} if net else {})


def edges(log: pd.DataFrame) -> dict[str, Any]:
    dfg, _, _ = pm4py.discover_dfg(log)
    performance, _, _ = pm4py.discover_performance_dfg(log, perf_aggregation_key="all")
    seconds, cases = followed(log)
    return {
        "dfg": [[*edge, int(dfg[edge])] for edge in sorted(dfg)],
        "performance": [
            [*edge, *(float(performance[edge][key]) for key in ("mean", "median", "min", "max", "sum"))]
            for edge in sorted(performance)
        ],
        "edge_cases": [[*edge, len(cases[edge])] for edge in sorted(cases)],
        "edge_percentiles_50_90_95_99": [
            [*edge, *map(float, np.percentile(seconds[edge], (50, 90, 95, 99)))] for edge in sorted(seconds)
        ],
        "edge_stdev": [[*edge, finite(performance[edge]["stdev"])] for edge in sorted(performance)],
    }


def followed(log: pd.DataFrame) -> tuple[dict[Edge, list[float]], dict[Edge, set[str]]]:
    """Seconds and cases of each edge; the reference library has no call for the percentiles and cases."""
    following = log.groupby(CASE, sort=False)[[ACTIVITY, TIME]].shift(-1)
    waits = following[TIME] - log[TIME]
    seconds = 86400 * waits.dt.days + waits.dt.seconds + 1e-6 * waits.dt.microseconds
    times: dict[Edge, list[float]] = {}
    cases: dict[Edge, set[str]] = {}
    for case, a, b, wait in zip(log[CASE], log[ACTIVITY], following[ACTIVITY], seconds, strict=True):
        if isinstance(b, str):
            times.setdefault((a, b), []).append(wait)
            cases.setdefault((a, b), set()).add(case)
    return times, cases


def variants(log: pd.DataFrame) -> dict[str, Any]:
    count = Counter({tuple(trace): cases for trace, cases in pm4py.get_variants(log).items()})
    lines = sorted("\t".join((*trace, str(cases))) for trace, cases in count.items())
    largest = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:20]
    return {
        "variants": len(count),
        "variants_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "top_variants": [[list(trace), cases] for trace, cases in largest],
    }


def durations(log: pd.DataFrame) -> dict[str, Any]:
    seconds = pm4py.get_all_case_durations(log)
    points = (0, 25, 50, 75, 90, 95, 99, 100)
    return {
        "case_duration_percentiles": {str(p): float(np.percentile(seconds, p)) for p in points},
        "case_duration_mean": float(np.mean(seconds)),
    }


def replay(log: pd.DataFrame, path: Path) -> dict[str, Any]:
    net, initial, final = pm4py.read_pnml(str(path))
    cases = pm4py.conformance_diagnostics_token_based_replay(log, net, initial, final)
    fitness = pm4py.fitness_token_based_replay(log, net, initial, final)
    tokens = ("produced_tokens", "consumed_tokens", "missing_tokens", "remaining_tokens")
    return {
        "net": path.name,
        "silent": sum(transition.label is None for transition in net.transitions),
        "places": len(net.places),
        "transitions": len(net.transitions),
        **{name: sum(case[name] for case in cases) for name in tokens},
        "fit_cases": sum(case["trace_is_fit"] for case in cases),
        **{
            name: fitness[name]
            for name in ("average_trace_fitness", "log_fitness", "percentage_of_fitting_traces")
        },
    }


def ordered(counts: dict[str, int]) -> dict[str, int]:
    return {name: int(counts[name]) for name in sorted(counts)}


def finite(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def dumped(answer: dict[str, Any]) -> str:
    """JSON with a line for each row of a list, so that the files stay small and differences readable."""
    parts = [f'"{key}": {rows(value)}' for key, value in answer.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def rows(value: Any) -> str:
    text = [json.dumps(row, ensure_ascii=False) for row in value] if isinstance(value, list) else []
    return "[\n" + ",\n".join(text) + "\n]" if text else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
