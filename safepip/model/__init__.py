"""Values: frozen, complete at birth, without I/O, clock or environment."""
