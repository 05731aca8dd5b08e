"""Secrets: a value that is shown only to who asks for it by name."""

from __future__ import annotations

from hmac import compare_digest
from typing import NoReturn, final

from payport.sdk.errors import ConfigurationError

MASK = "***"


@final
class Secret:
    """A key, token or password that never shows itself by accident.

    ``repr``, ``str`` and ``format`` give ``***``. Pickling, copying and JSON are refused, there is no ``__dict__``,
    and two secrets are compared in constant time. :meth:`reveal` is the only way to the value.

    Python cannot wipe memory, so a secret stays there until its memory is used again: keep secrets few and do not
    hold what ``reveal`` answers for longer than it is needed.

    Raises :class:`payport.sdk.errors.ConfigurationError` when ``value`` is empty or not text.
    """

    __slots__ = ("_value",)

    _value: str

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise ConfigurationError(f"a secret must be text (str), got {type(value).__name__}; decode bytes first")
        if not value.strip():
            raise ConfigurationError("a secret is empty; give its value, or leave the setting out")
        object.__setattr__(self, "_value", value)

    def reveal(self) -> str:
        """The value itself, for the one place that signs, decrypts or logs in with it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        # widths and precisions are ignored: they would show the length of nothing, or look like a value
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make another one")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied; hand the Secret itself on, or load it again")

    def __reduce__(self) -> NoReturn:
        self.__getstate__()

    def __copy__(self) -> NoReturn:
        self.__getstate__()

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__getstate__()
