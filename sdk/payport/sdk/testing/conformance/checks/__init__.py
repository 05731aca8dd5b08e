"""The checks, by what they are about."""

from __future__ import annotations

from payport.sdk.testing.conformance.checks import (
    colours,
    dying,
    giving_back,
    handing_out,
    notifying,
    references,
    telling,
)

MODULES = (telling, references, handing_out, notifying, giving_back, dying, colours)
