"""Seeded synthetic logs with known truths, for the demo, the tests and the benchmarks."""
