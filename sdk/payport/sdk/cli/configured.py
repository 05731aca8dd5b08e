"""What the commands open: the settings, the accounts in them, the journal; and the folders that they write."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from payport.sdk import opening
from payport.sdk.audit.signing import AuditKey
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.store import Journal
from payport.sdk.secrets import Secret
from payport.sdk.settings import Settings, sqlite_file

_SQLITE = "sqlite:///"
_KEY_BYTES = 32


def chosen_accounts(settings: Settings, account: str | None) -> tuple[str, ...]:
    """The named account, or every configured one. Raises :class:`payport.sdk.ConfigurationError` when there is none."""
    if account is None and not settings.accounts:
        raise ConfigurationError(
            "no account is configured: write a payport.toml with an [account.NAME] table, or name one with --config; "
            "payport simulate alipay writes one to try"
        )
    if account is not None and account not in settings.accounts:
        known = ", ".join(sorted(settings.accounts)) or "none"
        raise ConfigurationError(f"no account {account!r} is configured (configured: {known})")
    return tuple(sorted(settings.accounts)) if account is None else (account,)


def journal_file(settings: Settings) -> Path | None:
    """The file of an SQLite journal, ``None`` for another database."""
    return sqlite_file(settings.journal.url)


def open_journal(settings: Settings) -> Journal:
    """The configured journal, which must be there: an empty new one would say that nothing ever happened.

    Raises :class:`payport.sdk.ConfigurationError` and :class:`payport.sdk.JournalError`.
    """
    path = journal_file(settings)
    if path is not None and not path.is_file():
        raise ConfigurationError(
            f"there is no journal at {path.absolute()}; run this where the application runs, or set [journal] url"
        )
    return opening.open_journal(settings, create=False)


def new_sealing_key() -> str:
    """Base64 of 32 random bytes."""
    return b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


def new_audit_key() -> tuple[str, str]:
    """A new key that signs the audit trail, and its public half, both as base64 text."""
    key = b64encode(os.urandom(_KEY_BYTES)).decode("ascii")
    return key, AuditKey(Secret(key)).public


def write_settings(folder: Path, files: Mapping[str, str]) -> Path:
    """Write settings and keys into ``folder``, readable by their owner alone, and a journal to go with them.

    ``files``: names and texts, ``payport.toml`` among them. Answers the path of ``payport.toml``. Raises
    :class:`payport.sdk.ConfigurationError` when one of the files is there already (it may be somebody's real one) or
    cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made ({error.strerror}); choose another folder") from error
    path = folder.absolute() / "payport.toml"
    journal = f'\n[journal]\nurl = "{_SQLITE}{(path.parent / "payments.db").as_posix()}"\n'
    texts = {
        **files,
        "sealing_key.txt": new_sealing_key(),
        path.name: f'{files[path.name]}{journal}sealing_key = "file:sealing_key.txt"\n',
    }
    for name, text in texts.items():
        try:
            handle = os.open(path.parent / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{path.parent / name} cannot be written ({error.strerror}); choose another folder"
            ) from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    return path
