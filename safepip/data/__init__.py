"""Data that safepip ships: `trusted_root.json`, the trusted root of the public Sigstore, byte for byte as published."""
