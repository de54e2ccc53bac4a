"""Which cases break rules, by their traces and times; see `naive.rules`."""

from naive.rules import check_cases


def find_suspects(traces, rule):
    return check_cases(traces, rule)


def know_cases(by_trace, numbers):
    return [by_trace[number] for number in numbers]


def list_suspects(known, first):
    return [first + place for place, one in enumerate(known) if one & 2]


def look_at_times(traces, rule):
    return check_cases(traces, rule)
