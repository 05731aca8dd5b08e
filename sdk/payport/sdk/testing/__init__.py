"""The testing kit for users and for adapters: faults, in-process transports, a loopback TLS server.

A partner's simulator lives with its adapter (``payport.adapters.alipay.simulator``) and is built from these parts.
:mod:`payport.sdk.testing.server` and :mod:`payport.sdk.testing.certificates` load TLS and cryptography: import them
where they are used.
"""

from __future__ import annotations

from payport.sdk.testing.faults import Fault, FaultPlan, Manner, Planned
from payport.sdk.testing.inprocess import AsyncInProcessTransport, InProcessTransport
from payport.sdk.testing.wire import Delivery, Handler, Incoming

__all__ = [
    "AsyncInProcessTransport",
    "Delivery",
    "Fault",
    "FaultPlan",
    "Handler",
    "InProcessTransport",
    "Incoming",
    "Manner",
    "Planned",
]
