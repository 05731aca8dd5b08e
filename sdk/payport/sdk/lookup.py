"""Looks up what a setting refers to: ``file:PATH``, ``env:NAME`` or ``keyring:SERVICE/USER``.

No message shows what stands after the colon: somebody may have put the value where the name belongs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

REFERENCE = re.compile(r"(file|env|keyring):(.+)")
_VARIABLE = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")


class LookupFailure(Exception):
    """A reference points nowhere. ``what`` is wrong and how to ``mend`` it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend


def look_up(scheme: str, target: str, *, folder: Path, env: Mapping[str, str]) -> str:
    """The text behind ``scheme:target``. Raises :class:`LookupFailure`."""
    match scheme:
        case "file":
            return _from_file(folder, target)
        case "env":
            return _from_env(target, env)
        case _:
            return _from_keyring(target)


def _from_file(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        where = f"the file that it names cannot be read: {error.strerror}"
        raise LookupFailure(
            where, f"check the path, which begins at {folder.absolute()} unless it is absolute, and who may read it"
        ) from None
    except ValueError:  # not UTF-8, or a name that no file can have
        raise LookupFailure("the file that it names is not text", "export it as PEM (text), not DER (binary)") from None


def _from_env(name: str, env: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):
        raise LookupFailure("what stands after env: is no variable's name", "write the name, not the value: env:NAME")
    if name not in env:
        raise LookupFailure("the environment variable that it names is not set", "set it before the process starts")
    return env[name]


def _from_keyring(target: str) -> str:
    service, _, user = target.partition("/")
    if not service or not user:
        raise LookupFailure("not a keyring entry", "write keyring:SERVICE/USER")
    try:
        import keyring  # noqa: PLC0415 - the extra "keyring"
        from keyring.errors import KeyringError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise LookupFailure("keyring is not installed", 'run: pip install "payport[keyring]"') from error
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise LookupFailure(f"the keyring does not answer ({type(error).__name__})", "unlock or set it up") from error
    if value is None:
        raise LookupFailure("the keyring has no such entry", "run: keyring set SERVICE USER")
    return value
