"""The checks, by what they are about. Importing the modules makes them: :data:`CHECKS` has every one."""

from __future__ import annotations

from payport.sdk.testing.conformance.case import CHECKS
from payport.sdk.testing.conformance.checks import (
    asking,
    colours,
    dying,
    giving_back,
    handing_out,
    living,
    notifying,
    references,
    telling,
)

MODULES = (telling, asking, references, handing_out, notifying, giving_back, dying, colours, living)

__all__ = ["CHECKS", "MODULES"]
