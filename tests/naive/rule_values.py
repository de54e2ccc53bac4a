"""Rules on people and values on traces; see `naive.rules`."""

from naive.rules import TEMPLATES


def people_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def values_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def skips_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)
