"""dealtrace beside its rivals: answers compared first, times second. Run with `python -m benchmarks.run`."""
