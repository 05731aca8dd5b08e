"""The checks, by what they are about."""

from __future__ import annotations

from payport.sdk.testing.conformance.checks import (
    asking,
    colours,
    dying,
    giving_back,
    handing_out,
    notifying,
    references,
    telling,
)

MODULES = (telling, asking, references, handing_out, notifying, giving_back, dying, colours)
