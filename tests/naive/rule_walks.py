"""The violations of rules on the events of a case; see `naive.rules`."""

from naive.rules import TEMPLATES, check_cases


def write_violations(traces, rule):
    """What each case has against a rule."""
    return check_cases(traces, rule)


def single_events(trace, rule):
    """What is missing or in its place, with `each_event` and `unanswered`."""
    return TEMPLATES[rule["template"]](trace, rule)


def each_event(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def unanswered(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def turn_round(rows):
    return rows[::-1]
