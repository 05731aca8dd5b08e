"""On whose behalf a command acts, as the audit trail has it."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Annotated

import typer

Actor = Annotated[
    str | None,
    typer.Option(
        "--actor",
        help="On whose behalf, for the audit trail; by default your login name and this host.",
        show_default=False,
    ),
]


def login_name() -> str:
    """Who is logged in; by number where the system has no name for him, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # which of them depends on the version of Python
        return f"uid {os.getuid()}"


def acting(actor: str | None) -> str:
    """The actor of a command: who was named, or who is logged in, and where."""
    return (actor or "").strip() or f"{login_name()}@{socket.gethostname()}"
