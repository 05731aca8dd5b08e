"""Published test data of partners: kept outside the project, found by environment variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def vectors(*parts: str) -> Path:
    """The path of a published partner vector, for example ``vectors("alipay", "request.json")``.

    Skips the test when ``PAYPORT_VECTORS`` is not set; under CI the test fails instead.
    """
    return _published("PAYPORT_VECTORS", "the published partner vectors", parts)


def specs(*parts: str) -> Path:
    """The path of a partner's published interface description. Found by ``PAYPORT_SPECS``, like :func:`vectors`."""
    return _published("PAYPORT_SPECS", "the partners' published interface descriptions", parts)


def _published(variable: str, what: str, parts: tuple[str, ...]) -> Path:
    folder = os.environ.get(variable)
    if not folder:
        _give_up(f"set {variable} to a folder with {what} (see CONTRIBUTING)")
    path = Path(folder or "", *parts)
    if not path.exists():
        _give_up(f"{variable} has no {'/'.join(parts)}; get {what} again (see CONTRIBUTING)")
    return path


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; under CI it must not be missing")
    pytest.skip(reason)
