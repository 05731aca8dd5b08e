"""Configuration: one ``payport.toml``, environment variables over it, or plain code. Several accounts at once.

::

    [account.shop]                       # one table per merchant account; the name is yours
    partner = "alipay"
    app_id = "2021000000000000"
    private_key = "file:/run/secrets/shop.pem"

    [journal]
    url = "sqlite:///payments.db"
    sealing_key = "env:SEALING_KEY"

A value of ``file:PATH`` (from the folder of ``payport.toml``), ``env:NAME`` or ``keyring:SERVICE/USER`` is looked up
and becomes a :class:`payport.sdk.secrets.Secret`; a secret written out in the file is refused, a certificate or public
key is not. ``PAYPORT_ACCOUNT__SHOP__APP_ID`` in the environment comes before ``app_id`` in the file. In code, build
:class:`Settings` (or an adapter's account) yourself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from payport.sdk.audit.retention import LEAST_DAYS
from payport.sdk.breaker import BreakerSettings
from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.settings import AlertSettings
from payport.sdk.limits.settings import LimitChange, LimitsSettings
from payport.sdk.partner_records import PartnerRecord
from payport.sdk.secrets import Secret
from payport.sdk.verbs import Role
from payport.sdk.watch.settings import WatchSettings

if TYPE_CHECKING:
    from payport.sdk.adapter import AnyAdapter

Setting: TypeAlias = str | int | float | bool | Secret
"""One value of an account's table."""

_SQLITE = "sqlite:///"
ENTRY_POINTS = "payport.adapters"
"""The entry-point group in which an installed adapter announces its class under the partner's name."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite journal, ``None`` for another database."""
    path = url.partition("?")[0].removeprefix(_SQLITE)
    return Path(path) if url.startswith(_SQLITE) and path and path != ":memory:" else None


class AccountTable(Mapping[str, Setting]):
    """The settings of one account, for an adapter to read: a mapping whose readers say what is wrong and where.

    ``where``: what a message calls the table; ``places``: what it calls one key, when not ``where`` and the key.
    """

    __slots__ = ("_places", "_values", "_where")

    def __init__(
        self, values: Mapping[str, Setting], *, where: str = "account", places: Mapping[str, str] | None = None
    ) -> None:
        self._values = dict(values)
        self._where = where
        self._places = dict(places or {})

    def __getitem__(self, key: str) -> Setting:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"AccountTable({', '.join(sorted(self._values))})"

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is no secret (a looked-up one is opened: a certificate in a file, say)."""
        value = self._values.get(key, default)
        if isinstance(value, Secret):
            return value.reveal()
        if isinstance(value, str) and value:
            return value
        raise self._missing(key, value, "a text in quotes")

    def secret(self, key: str) -> Secret:
        """A secret, looked up or given by the environment."""
        value = self._values.get(key)
        if isinstance(value, Secret):
            return value
        how = f'a reference: {key} = "file:/run/secrets/{key}", "env:NAME" or "keyring:SERVICE/USER"'
        raise self._missing(key, None if value is None else "plain text", how)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A truth value; from the environment ``true``, ``false``, ``1`` or ``0``."""
        value = self._values.get(key, default)
        found = _FLAGS.get(str(value).lower()) if isinstance(value, bool | str) else None
        if found is None:
            raise self._missing(key, value, "true or false")
        return found

    def number(self, key: str, default: float, *, least: float | None = None) -> float:
        """A number, at least ``least``; from the environment as text."""
        value = self._values.get(key, default)
        try:
            found = None if isinstance(value, bool | Secret) else float(value)
        except (ValueError, OverflowError):
            found = None
        if found is None or found != found or (least is not None and found < least):  # noqa: PLR0124 - NaN is no number
            raise self._missing(key, value, "a number" if least is None else f"a number, at least {least:g}")
        return found

    def only(self, *keys: str) -> None:
        """Raise :class:`payport.sdk.errors.ConfigurationError` when the table has any other key, naming it."""
        for key in self._values:
            if key not in keys:
                known = ", ".join(sorted(keys))
                raise ConfigurationError(f"{self._place(key)}: unknown key; this partner takes {known}")

    def _place(self, key: str) -> str:
        return self._places.get(key, f"{self._where} {key}")

    def _missing(self, key: str, value: object, wanted: str) -> ConfigurationError:
        problem = "missing" if value is None else f"is {value if value == 'plain text' else type(value).__name__}"
        return ConfigurationError(f"{self._place(key)}: {problem}; give {wanted}")


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _no_changes() -> Mapping[str, LimitChange]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """One merchant account: its partner's name, and the table that the partner's adapter reads.

    ``limits``: what is other about its call limits than the partner's profile says, by their names.
    """

    partner: str
    table: AccountTable
    limits: Mapping[str, LimitChange] = field(default_factory=_no_changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Where payments are written down.

    ``url``: ``sqlite:///payments.db``, ``postgresql://user@host/database`` or ``mysql://user@host/database``; it may
    hold a password, so it is not shown. ``password``: of the database server, instead. ``sealing_key``: several while
    one is being replaced, the newest first.
    ``durability``: ``full`` waits for the disk at each commit.
    ``connections``: to a database server, as many to write with at most, and as many to read with.
    """

    url: str = field(default="sqlite:///payments.db", repr=False)
    password: Secret | None = None
    sealing_key: Secret | tuple[Secret, ...] | None = None
    durability: Literal["full", "normal"] = "full"
    connections: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutSettings:
    """``deadline_s``: for one whole operation, retries and waiting included."""

    deadline_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardSettings:
    """How partners are measured, see :class:`payport.sdk.scorecards.Scorecards`. ``enabled``: whether they are.

    ``success`` and ``accuracy``: the shares that a partner must reach; ``response_share`` of the calls within
    ``response_s`` seconds; ``confidence``: how sure a verdict is. ``keep_days``: how long counts are kept.
    """

    enabled: bool = True
    success: float = 0.999
    accuracy: float = 0.9999
    response_s: float = 2.0
    response_share: float = 0.95
    confidence: float = 0.95
    time_zone: str = "UTC"
    flush_s: float = 10.0
    keep_days: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTelemetrySettings:
    """``enabled``: whether operations are shown to OpenTelemetry; see :class:`payport.sdk.otel.OpenTelemetry`.

    ``one_in``: of what goes well and quickly, one operation in so many becomes a trace; 1 for all.
    """

    enabled: bool = False
    one_in: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """How the audit trail is kept.

    ``enabled``: whether anything is recorded. ``key``: signs heads and archives; ``former_keys``: the public halves of
    those that did so before. ``heads``: the file of signed heads; a relative path begins at the folder of the settings.
    ``payers``: record who paid, too, sealed. ``exchange_key``: keep what goes over the wire, sealed under it.
    ``retention_days``: how long records are kept, three years at least.
    """

    enabled: bool = True
    key: Secret | None = None
    former_keys: tuple[str, ...] = ()
    heads: Path | None = None
    payers: bool = False
    exchange_key: Secret | None = None
    retention_days: int = LEAST_DAYS


def _no_records() -> Mapping[str, PartnerRecord]:
    return {}


def _no_roles() -> Mapping[str, Role]:
    return {}


def _no_accounts() -> Mapping[str, AccountSettings]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is configured: accounts, the journal, the time-outs, what guards and watches, roles, partners."""

    accounts: Mapping[str, AccountSettings] = field(default_factory=_no_accounts)
    journal: JournalSettings = field(default_factory=JournalSettings)
    timeouts: TimeoutSettings = field(default_factory=TimeoutSettings)
    scorecards: ScorecardSettings = field(default_factory=ScorecardSettings)
    otel: OpenTelemetrySettings = field(default_factory=OpenTelemetrySettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    roles: Mapping[str, Role] = field(default_factory=_no_roles)
    partners: Mapping[str, PartnerRecord] = field(default_factory=_no_records)

    @staticmethod
    def load(path: Path | str | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Read ``path`` and the environment.

        ``path``: by default ``payport.toml`` in the current folder, if it is there. ``env``: by default the process's.
        Raises :class:`payport.sdk.errors.ConfigurationError`, which names the file or variable, the table and the key
        of everything that is wrong and says how to mend it, and shows no secret.
        """
        from payport.sdk.settings_file import read  # noqa: PLC0415 - pydantic-settings: 60 ms, for who loads a file

        return read(None if path is None else Path(path), env)


class ConfiguredAdapter(Protocol):
    """What an adapter's class offers to be opened by name."""

    def from_settings(self, name: str, table: AccountTable, /) -> AnyAdapter:
        """An adapter for the account ``name``. Raises :class:`payport.sdk.errors.ConfigurationError`."""
        ...


def open_adapter(settings: Settings, account: str) -> AnyAdapter:
    """The adapter of one configured account, by the partner's entry point.

    Raises :class:`payport.sdk.errors.ConfigurationError` when the account, its adapter or its settings are not there.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - 15 ms of import, for who opens adapters by name

    found = settings.accounts.get(account)
    if found is None:
        known = ", ".join(sorted(settings.accounts)) or "none"
        raise ConfigurationError(f"no account {account!r} is configured; add [account.{account}] (configured: {known})")
    installed = entry_points(group=ENTRY_POINTS)
    if found.partner not in installed.names:
        known = ", ".join(sorted(installed.names)) or "none"
        raise ConfigurationError(
            f"[account.{account}] partner: no adapter for {found.partner!r} is installed; "
            f"install one that announces itself in {ENTRY_POINTS!r} (installed: {known})"
        )
    adapter: object = installed[found.partner].load()
    if not hasattr(adapter, "from_settings"):
        raise ConfigurationError(f"the adapter for {found.partner!r} cannot be opened by name; build it in code")
    return cast("ConfiguredAdapter", adapter).from_settings(account, found.table)
