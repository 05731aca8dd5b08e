"""The adapter that docs/write-an-adapter.md builds, as the page has it: a user's own gets the suite free."""

from __future__ import annotations

import sys
from types import ModuleType

from tests.docs.pages import blocks
from tests.support.source import ROOT

from payport.sdk.testing.conformance import Subject
from payport.sdk.testing.simulated import SimulatedPartner

PAGE = ROOT / "docs" / "write-an-adapter.md"


def page() -> ModuleType:
    """The page's snippets as a module, without those that take money or collect tests."""
    made = ModuleType("kiosk_of_the_page")
    sys.modules[made.__name__] = made  # where dataclasses look their annotations up
    for block in blocks(PAGE):
        if block.language == "python" and "Gateway(" not in block.text and "pytest" not in block.text:
            exec(compile("\n" * (block.line - 1) + block.text, str(PAGE), "exec", dont_inherit=True), made.__dict__)
    return made


SUBJECT: Subject[SimulatedPartner] = page().SUBJECT
