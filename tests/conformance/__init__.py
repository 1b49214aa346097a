"""safepip as a client of sigstore-conformance, and what that suite asks of one."""
