"""Counting mode: the clock and the counters of a stream, from densities instead of data."""
