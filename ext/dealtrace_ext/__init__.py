"""Bytes to integers: Cython modules that know Arrow and integers, not process mining."""
