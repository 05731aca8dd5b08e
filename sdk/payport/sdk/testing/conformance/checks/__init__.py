"""The checks, by what they are about."""

from __future__ import annotations

from payport.sdk.testing.conformance.checks import telling

MODULES = (telling,)
