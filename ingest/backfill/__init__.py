"""Backfills, decided without I/O: what is asked of whom, in which slices, and how long that takes."""
