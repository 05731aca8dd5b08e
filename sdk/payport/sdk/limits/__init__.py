"""Call limits: how often a partner may be called, counted in this process or over all of them."""

from __future__ import annotations

from payport.sdk.limits.limiter import Limiter
from payport.sdk.limits.rules import LimitLeft
from payport.sdk.limits.shared import SharedStore
from payport.sdk.limits.store import LimitStore, LocalStore

__all__ = ["LimitLeft", "LimitStore", "Limiter", "LocalStore", "SharedStore"]
