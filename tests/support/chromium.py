"""The browser that pages are looked at with."""

from __future__ import annotations

import os
import shutil

import pytest

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
"""Without calls to anybody."""


def chromium() -> str:
    """Where it is on this machine; under CI it must be there."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium on this machine: install the package chromium of your system"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; under CI it must not be missing")
        pytest.skip(reason)
    return found
