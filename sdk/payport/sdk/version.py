"""The version of this library, written into every operation that it intends."""

__version__ = "0.1.0"
