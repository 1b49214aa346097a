"""Commands: ports are handed in."""
