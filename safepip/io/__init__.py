"""Edges: one port each. Only `cli` knows these modules."""
