"""Published test data is found by environment variable, and cannot go missing unseen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.vectors import specs, vectors

WAYS = pytest.mark.parametrize(("variable", "find"), [("PAYPORT_VECTORS", vectors), ("PAYPORT_SPECS", specs)])


@WAYS
def test_a_published_file_is_found(
    variable: str, find: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the folder that the variable names."""
    (tmp_path / "alipay").mkdir()
    monkeypatch.setenv(variable, str(tmp_path))
    assert tmp_path / "alipay" == find("alipay")


@WAYS
@pytest.mark.parametrize("folder", [None, "/nowhere"])
def test_what_is_missing_skips_here_and_fails_under_ci(
    variable: str, find: Callable[..., Path], folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A skip names the variable; under CI nobody reads skips."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(variable, raising=False)
    if folder:
        monkeypatch.setenv(variable, folder)
    with pytest.raises(pytest.skip.Exception, match=variable):
        find("alipay")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=variable):
        find("alipay")
