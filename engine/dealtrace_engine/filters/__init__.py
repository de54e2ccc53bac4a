"""Filters: expressions over a log that choose its cases or its events.

`where` has a function for each, and the table of them all; `EventLog.filter` applies one.
"""
