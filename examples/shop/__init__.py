"""A small shop for a browser, from checkout to paid, with any simulated partner: ``python -m examples.shop``."""
