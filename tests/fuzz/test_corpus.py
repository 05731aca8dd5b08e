"""Messages that a decoder once stumbled over, kept: one file each, in a folder named after the decoder."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from proof import fuzzing
from proof.decoders import decoder_named

CORPUS = Path(__file__).parents[1] / "corpus"
KEPT = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_stumbled_over_is_read_or_refused(path: Path) -> None:
    """By every way of reading that the decoder has."""
    found = decoder_named(path.parent.name)
    with fuzzing.believing() if found.believing else nullcontext():
        for sample in found.samples:
            with suppress(*found.declared):
                sample.read(path.read_bytes())


def test_something_is_kept() -> None:
    """Else the test above would be about nothing."""
    assert KEPT
