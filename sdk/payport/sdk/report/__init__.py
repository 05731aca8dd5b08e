"""Reports: what was measured, for people and for programs. ``payport report`` makes them."""
