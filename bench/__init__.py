"""Ratios between safepip, pip and uv, measured in one run against one recorded index on loopback."""
