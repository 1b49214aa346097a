"""safepip: `pip install` that lets nothing in which has not been judged."""

__version__ = "0.1.0"
