"""The proof: what the library promises, tried so often that a failure would show, with a table that says how often.

``python -m proof`` is the gate (``make prove``), ``python -m proof --long`` the long run (``make prove-long``).
"""
