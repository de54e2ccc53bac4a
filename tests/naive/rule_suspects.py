"""Which cases break rules, by their traces and times; see `naive.rules`."""

from naive.rules import check_cases


def find_suspects(traces, rule):
    return check_cases(traces, rule)


def know_cases(by_trace, numbers):
    return [by_trace[number] for number in numbers]


def list_suspects(known, first):
    return [first + place for place, one in enumerate(known) if one & 2]


def note_plain(judged, rules, numbers):
    """To how many cases each rule applies, and which rules suspect all traces."""
    applicable = [sum(judged[rule][number] & 1 for number in numbers) for rule in rules]
    return applicable, [all(one & 2 for one in judged[rule]) for rule in rules]


def plain_suspects(judged, rule, numbers):
    return [case for case, number in enumerate(numbers) if judged[rule][number] & 2]


def look_at_times(traces, rule):
    return check_cases(traces, rule)
