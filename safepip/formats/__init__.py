"""Bytes <-> values: pure, both directions in one file."""
