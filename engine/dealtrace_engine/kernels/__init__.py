"""Numba kernels, one self-contained file a family: numpy arrays in, numpy arrays out."""
