"""Benchmarks: ``make bench``, or ``python -m benchmarks``. Ratios beside the plain tools, never seconds."""
