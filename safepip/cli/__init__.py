"""Command line and settings; the composition root."""
