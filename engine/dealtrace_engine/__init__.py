"""Integers to measurements: the event log, its kernels and analyses. Prints nothing, opens no socket."""
