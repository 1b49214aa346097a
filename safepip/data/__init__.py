"""Data that safepip ships: for each public Sigstore its trusted root and the TUF root that its updates begin with, byte
for byte as published, and in `roots.json` where and when each was taken.
"""
