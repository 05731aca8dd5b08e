"""What the commands print on."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console


def new_console() -> Console:
    """The standard output. A terminal that lacks a character shows a question mark for it instead of failing."""
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return Console()
