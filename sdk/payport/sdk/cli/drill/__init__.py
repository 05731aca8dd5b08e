"""``payport drill``: a fault is injected, and detection, alert, response and recovery are timed and written down.

Everything is real but the partner and the money: simulators over loopback TLS, a journal on disk, the same detectors
and alerts as in production. Time that would be hours is skipped, on our clock and the partner's, and said so.
"""
