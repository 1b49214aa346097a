"""Programs that run inside the target's interpreter: the standard library alone, Python 3.8 and later.

They are started by path and never imported by the rest of safepip.
"""
