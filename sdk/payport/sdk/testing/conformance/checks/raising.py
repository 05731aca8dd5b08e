"""What must raise, without pytest: the suite runs anywhere."""

from __future__ import annotations

from collections.abc import Callable


def raises(kind: type[Exception], work: Callable[[], object], *, saying: str = "") -> None:
    """Fail unless ``work`` raises this, with a message that holds ``saying``."""
    try:
        outcome = work()
    except kind as error:
        said = str(error)
    else:
        raise AssertionError(f"{kind.__name__} should have been raised; got {outcome}")
    assert saying in said, f"{kind.__name__} says {said}, not {saying!r}"
