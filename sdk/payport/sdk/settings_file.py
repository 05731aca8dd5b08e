"""Reads ``payport.toml`` and the environment. Loaded with the first reading, as pydantic-settings is dear to import."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from payport.sdk import records_file
from payport.sdk.audit.retention import LEAST_DAYS
from payport.sdk.breaker import BreakerSettings
from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import environment
from payport.sdk.incidents.settings import AlertSettings
from payport.sdk.limits.settings import LimitChange, LimitsSettings
from payport.sdk.lookup import REFERENCE, LookupFailure, look_up
from payport.sdk.partner_records import PartnerRecord
from payport.sdk.scorecards.tally import zone_of
from payport.sdk.secrets import Secret
from payport.sdk.settings import (
    AccountSettings,
    AccountTable,
    AuditSettings,
    JournalSettings,
    OpenTelemetrySettings,
    ScorecardSettings,
    Setting,
    Settings,
    TimeoutSettings,
    sqlite_file,
)
from payport.sdk.verbs import VERBS, Role
from payport.sdk.watch.settings import WatchSettings

DEFAULT_FILE = Path("payport.toml")
PREFIX = "PAYPORT_"

_SECRET_NAME = re.compile(r"(?!.*publi(?:c|shable))(.*_)?(secret|password|passphrase|token|key)")
_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]+@")

_Path: TypeAlias = tuple[str, ...]


def _split(value: object) -> object:
    """An array; from the environment, its items with commas between them."""
    return tuple(item.strip() for item in value.split(",")) if isinstance(value, str) else value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Journal(_Table):
    url: str = JournalSettings().url
    password: str | None = None
    sealing_key: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_split)] | None = None
    durability: Literal["full", "normal"] = JournalSettings().durability
    connections: PositiveInt = JournalSettings().connections


class _Timeouts(_Table):
    deadline_s: PositiveFloat = TimeoutSettings().deadline_s


_Share = Annotated[float, Field(gt=0, lt=1)]


class _Scorecards(_Table):
    enabled: bool = ScorecardSettings().enabled
    success: _Share = ScorecardSettings().success
    accuracy: _Share = ScorecardSettings().accuracy
    response_s: PositiveFloat = ScorecardSettings().response_s
    response_share: _Share = ScorecardSettings().response_share
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = ScorecardSettings().confidence
    time_zone: str = ScorecardSettings().time_zone
    flush_s: PositiveFloat = ScorecardSettings().flush_s
    keep_days: PositiveInt = ScorecardSettings().keep_days


class _OpenTelemetry(_Table):
    enabled: bool = OpenTelemetrySettings().enabled
    one_in: PositiveInt = OpenTelemetrySettings().one_in


class _Audit(_Table):
    enabled: bool = AuditSettings().enabled
    key: str | None = None
    former_keys: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    heads: str | None = None
    payers: bool = AuditSettings().payers
    exchange_key: str | None = None
    retention_days: Annotated[int, Field(ge=LEAST_DAYS)] = LEAST_DAYS


_DEFAULT = AlertSettings()


class _Alerts(_Table):
    enabled: bool = _DEFAULT.enabled
    runbooks: str = _DEFAULT.runbooks
    unknown_s: PositiveFloat = _DEFAULT.unknown_s
    expiry_days: PositiveFloat = _DEFAULT.expiry_days
    signature_failures: PositiveInt = _DEFAULT.signature_failures
    forged_notices: PositiveInt = _DEFAULT.forged_notices
    refusals: PositiveInt = _DEFAULT.refusals
    budgets: bool = _DEFAULT.budgets
    sink: dict[str, dict[str, object]] = {}


class _Account(BaseModel):
    """A table whose keys its partner's adapter knows, and the few that every account may have."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    limits: dict[str, LimitChange] = {}


class _File(BaseSettings):
    """Settings that are dataclasses stand here as they are: pydantic reads them by their own annotations."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    account: dict[str, _Account] = {}
    journal: _Journal = _Journal()
    timeouts: _Timeouts = _Timeouts()
    scorecards: _Scorecards = _Scorecards()
    otel: _OpenTelemetry = _OpenTelemetry()
    audit: _Audit = _Audit()
    alerts: _Alerts = _Alerts()
    watch: dict[str, object] = {}
    limits: LimitsSettings = LimitsSettings()
    breaker: BreakerSettings = BreakerSettings()
    role: dict[str, Role] = {}
    partner: dict[str, PartnerRecord] = {}
    partner_records: str | None = None


def _names(table: type[LimitsSettings | BreakerSettings | LimitChange | Role]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(table))


_ANY = "*"
_TABLES: Mapping[str, Iterable[str]] = {
    **{
        name: type(item.default).model_fields
        for name, item in _File.model_fields.items()
        if isinstance(item.default, _Table)
    },
    "limits": _names(LimitsSettings),
    "breaker": _names(BreakerSettings),
}
_DEPTHS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(_TABLES, (2,)), "account": (3, 5), "alerts": (2, 4), "watch": (2, 3), "role": (), "partner": (3, 4),
}  # fmt: skip
_KNOWN: Mapping[_Path, Iterable[str]] = {
    (): ("[account.NAME]", *(f"[{name}]" for name in _TABLES), "[watch]", "[role.NAME]", "[partner.NAME]"),
    **{(name,): known for name, known in _TABLES.items()},
    ("account", _ANY, "limits", _ANY): _names(LimitChange),
    **{("partner", _ANY, *below): known for below, known in records_file.KNOWN.items()},
    ("role", _ANY): _names(Role),
    ("role", _ANY, "verbs"): VERBS,
}
_PLAIN_WORDS = {
    "extra_forbidden": "unknown",
    "unexpected_keyword_argument": "unknown",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "dataclass_type": "must be a table",
}


_NAMED = ("account", "role", "partner")
"""Tables of tables: each under a name of its own."""


def _known(path: _Path) -> str:
    """What there is in the table that a path leads to."""
    for pattern, known in _KNOWN.items():
        if len(pattern) == len(path) and all(ours in (_ANY, part) for ours, part in zip(pattern, path, strict=True)):
            return ", ".join(known)
    return "[account.NAME] with keys below it"


def _check_file(path: Path) -> None:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise ConfigurationError(f"{path}: it cannot be looked at ({error.strerror}); name another file") from error
    if is_folder:
        raise ConfigurationError(f"{path}: this is a folder; name the file in it, {path / DEFAULT_FILE}")
    if not is_file:
        raise ConfigurationError(f"{path}: there is no such file; write it, or leave the path out")


def read(path: Path | None, env: Mapping[str, str] | None) -> Settings:
    """The body of :meth:`payport.sdk.settings.Settings.load`."""
    if path is not None:
        _check_file(path)
    reading = _Reading(path or DEFAULT_FILE, environment() if env is None else env)
    settings = reading.settings()
    if settings is None:
        # raised here, where nothing that was read is at hand: a chained error would carry the values along
        raise ConfigurationError("\n".join(reading.problems))
    return settings


@lru_cache(maxsize=8)
def _reading(file: Path) -> type[_File]:
    """What reads this file: pydantic-settings wants a class, and to make one takes longer than to read."""

    class Sources(_File):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours reads the mapping that was handed in
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no hidden files
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - references name their file
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    return Sources


def _put(tree: dict[str, Any], path: _Path, text: str) -> bool:
    """Put a text where it belongs; false when there is a table already, or a text where a table would have to be."""
    for part in path[:-1]:
        below: object = tree.setdefault(part, {})
        if not isinstance(below, dict):
            return False
        tree = cast("dict[str, Any]", below)
    return tree.setdefault(path[-1], text) is text


class _Reading:
    """One reading of one file and one environment. ``problems``: everything that is wrong, each where it stands."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._file = path
        self._env = env
        self._names: dict[_Path, str] = {}

    def settings(self) -> Settings | None:
        file = self._checked(self._variables())
        if file is None:
            return None
        accounts = {name: self._account(name, table) for name, table in file.account.items()}
        journal = JournalSettings(
            url=self._journal_url(file.journal.url),
            password=self._secret(("journal", "password"), file.journal.password),
            sealing_key=self._sealing_key(file.journal.sealing_key),
            durability=file.journal.durability,
            connections=file.journal.connections,
        )
        found = Settings(
            accounts=accounts,
            journal=journal,
            timeouts=TimeoutSettings(deadline_s=file.timeouts.deadline_s),
            scorecards=self._scorecards(file.scorecards),
            otel=OpenTelemetrySettings(enabled=file.otel.enabled, one_in=file.otel.one_in),
            audit=self._audit(file.audit),
            alerts=self._alerts(file.alerts),
            watch=self._watch(file.watch),
            limits=self._limits(file.limits),
            breaker=file.breaker,
            roles=file.role,
            partners=self._partners(file),
        )
        return None if self.problems else found

    def _sealing_key(self, given: tuple[str, ...] | None) -> Secret | tuple[Secret, ...] | None:
        """One key, or several while one is being replaced."""
        looked_up = [self._secret(("journal", "sealing_key"), each) for each in given or ()]
        keys = tuple(each for each in looked_up if each is not None)
        return keys if len(keys) > 1 else next(iter(keys), None)

    def _limits(self, found: LimitsSettings) -> LimitsSettings:
        redis = found.redis
        shared = Secret(self._url(("limits", "redis"), redis)) if isinstance(redis, str) else None
        return replace(found, redis=shared)

    def _partners(self, file: _File) -> Mapping[str, PartnerRecord]:
        """The records in this file, and those in one of their own."""
        if file.partner_records is None:
            return file.partner
        try:
            more = records_file.read_records(self._file.parent / file.partner_records)
        except ConfigurationError as error:
            self.problems.append(str(error))
            return file.partner
        for name in sorted(more.keys() & file.partner.keys()):
            self._wrong(("partner", name), f"stands in {file.partner_records} too", "keep one of them")
        return {**more, **file.partner}

    def _alerts(self, found: _Alerts) -> AlertSettings:
        sinks = {name: self._table(("alerts", "sink", name), table) for name, table in found.sink.items()}
        return AlertSettings(**found.model_dump(exclude={"sink"}), sinks=sinks)

    def _watch(self, found: Mapping[str, object]) -> WatchSettings:
        tables: dict[str, AccountTable] = {}
        for name, value in found.items():
            if isinstance(value, dict):
                tables[name] = self._table(("watch", name), cast("dict[str, object]", value))
            elif name != "payer_key":
                self._wrong(("watch", name), "unknown", "known here: payer_key, and a table [watch.RULE] for each rule")
        key = found.get("payer_key")
        payer_key = self._secret(("watch", "payer_key"), None if key is None else str(key))
        settings = WatchSettings(payer_key=payer_key, tables=tables)
        try:
            settings.rules()
        except ConfigurationError as error:
            self.problems.append(str(error))
        return settings

    def _table(self, path: _Path, table: Mapping[str, object]) -> AccountTable:
        """A table of plain settings, with what they refer to looked up."""
        found = {key: self._setting((*path, key), value) for key, value in table.items()}
        values = {key: value for key, value in found.items() if value is not None}
        return AccountTable(values, where=self._place(path), places={key: self._place((*path, key)) for key in table})

    def _scorecards(self, table: _Scorecards) -> ScorecardSettings:
        try:
            zone_of(table.time_zone)
        except ConfigurationError:
            self._wrong(("scorecards", "time_zone"), "no such time zone", "write one like Asia/Shanghai")
        return ScorecardSettings(**table.model_dump())

    def _audit(self, table: _Audit) -> AuditSettings:
        if (table.key is None) is not (table.heads is None):
            self._wrong(("audit", "heads"), "key and heads go together", "set both: what signs, and the file for it")
        return AuditSettings(
            enabled=table.enabled,
            key=self._secret(("audit", "key"), table.key),
            former_keys=table.former_keys,
            heads=None if table.heads is None else self._file.parent / table.heads,
            payers=table.payers,
            exchange_key=self._secret(("audit", "exchange_key"), table.exchange_key),
            retention_days=table.retention_days,
        )

    def _variables(self) -> dict[str, Any]:
        """The environment variables as nested tables."""
        tree: dict[str, Any] = {}
        for name in sorted(self._env):
            if not name.startswith(PREFIX):
                continue
            path = tuple(name.removeprefix(PREFIX).lower().split("__"))
            if len(path) == 1 and not _lacks_an_underscore(path[0]):
                continue
            self._names[path] = name
            if len(path) not in _DEPTHS.get(path[0], ()):
                self._wrong(path, "no such setting", f"spell it {_spelling(path[0])}")
                continue
            if not _put(tree, path, self._env[name]):
                self._wrong(path, "another variable says otherwise", "set either a setting or what lies below it")
        return tree

    def _checked(self, variables: dict[str, Any]) -> _File | None:
        """The file with the environment over it, when the shape is right."""
        file = self._file
        try:
            return _reading(file)(**variables)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_context=False, include_input=False):
                path = tuple(str(part) for part in item["loc"])
                # a table that is wrong as a whole says so of itself, and what it knows; a key says what its table knows
                table = path if item["type"] == "value_error" else path[:-1]
                what = _PLAIN_WORDS.get(item["type"], item["msg"].removeprefix("Value error, "))
                self._wrong(path, what, f"known here: {_known(table)}")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            place = error if not isinstance(error, UnicodeDecodeError) else "not UTF-8"
            self.problems.append(f"{file}: this is not TOML: {place}; texts go in quotes, tables in [brackets]")
        except OSError as error:
            self.problems.append(f"{file}: cannot be read: {error.strerror}")
        return None

    def _account(self, name: str, account: _Account) -> AccountSettings:
        path, table = ("account", name), account.model_extra or {}
        if not _ACCOUNT_NAME.fullmatch(name):
            self._wrong(path, "not an account's name", "use a to z, 0 to 9 and single _, a letter first")
        found = {key: self._setting((*path, key), value) for key, value in table.items() if key != "partner"}
        values = {key: value for key, value in found.items() if value is not None}
        partner = table.get("partner")
        if not isinstance(partner, str) or not partner:
            self._wrong((*path, "partner"), "missing", 'say whose account it is: partner = "alipay"')
        places = {key: self._place((*path, key)) for key in table}
        table_of_adapter = AccountTable(values, where=self._place(path), places=places)
        return AccountSettings(partner=str(partner), table=table_of_adapter, limits=account.limits)

    def _setting(self, path: _Path, value: object) -> Setting | None:
        if not isinstance(value, str | int | float):
            return self._wrong(path, f"is a {type(value).__name__}", "give a text in quotes, a number, true or false")
        text = str(value)
        if reference := REFERENCE.fullmatch(text):
            return self._looked_up(path, reference)
        if "PRIVATE KEY" in text or _SECRET_NAME.fullmatch(path[-1]):
            return self._plain_secret(path, text)
        return value

    def _secret(self, path: _Path, value: str | None) -> Secret | None:
        if value is None:
            return None
        reference = REFERENCE.fullmatch(value)
        return self._looked_up(path, reference) if reference else self._plain_secret(path, value)

    def _journal_url(self, url: str) -> str:
        path = ("journal", "url")
        if _PASSWORD_IN_URL.search(url) and path not in self._names:
            self._wrong(path, "a password must not stand in the file", 'leave it out: password = "env:NAME" beside it')
        secret = self._looked_up(path, found) if (found := REFERENCE.fullmatch(url)) else None
        return self._beside(path, secret.reveal() if secret else url)

    def _beside(self, path: _Path, url: str) -> str:
        """A relative path of an SQLite file begins at the folder of the settings, as every other path does."""
        file = sqlite_file(url)
        if file is None:
            return url
        beside = self._file.parent / file
        try:
            is_there, is_elsewhere = beside.exists(), file.is_file()
        except OSError as error:  # a name that is too long, a folder that may not be looked into
            self._wrong(
                path, f"the file cannot be looked for ({error.strerror})", "write the whole path of another one"
            )
            return url
        if is_elsewhere and not is_there:
            what = f"there is a journal at {file.absolute()} and none at {beside.absolute()}, where this leads"
            self._wrong(path, what, "move it there, or write the whole path: an empty journal would charge again")
        _, mark, options = url.partition("?")
        return f"sqlite:///{beside.as_posix()}{mark}{options}"

    def _url(self, path: _Path, url: str) -> str:
        secret = self._secret(path, url) if REFERENCE.fullmatch(url) or _PASSWORD_IN_URL.search(url) else None
        return secret.reveal() if secret else url

    def _plain_secret(self, path: _Path, value: str) -> Secret | None:
        """A secret that is written out: taken from the environment, refused in a file, as files are copied about."""
        key = path[-1]
        if path not in self._names:
            how = f'refer to it: {key} = "file:/run/secrets/{key}", "env:NAME" or "keyring:SERVICE/USER"'
            return self._wrong(path, "a secret must not stand in the file", how)
        if not value.strip():
            return self._wrong(path, "is empty", "set it, or remove the variable")
        return Secret(value)

    def _looked_up(self, path: _Path, reference: re.Match[str]) -> Secret | None:
        try:
            value = look_up(reference[1], reference[2], folder=self._file.parent, env=self._env)
        except LookupFailure as failure:
            return self._wrong(path, failure.what, failure.mend)
        return Secret(value) if value.strip() else self._wrong(path, "what it refers to is empty", "fill it")

    def _wrong(self, path: _Path, what: str, mend: str) -> Secret | None:
        """Note one problem. Answers nothing, in the place of what was asked for."""
        self.problems.append(f"{self._place(path)}: {what}; {mend}")
        return None

    def _place(self, path: _Path) -> str:
        """Where a setting stands, as its writer would say it."""
        if path in self._names:
            return f"environment variable {self._names[path]}"
        depth = 3 if path[:2] == ("alerts", "sink") else 2 if path[0] in _NAMED or _is_rule(path) else 1
        table, keys = ".".join(path[:depth]), ".".join(path[depth:])
        return f"{self._file} [{table}] {keys}".rstrip()


def _lacks_an_underscore(name: str) -> bool:
    """Whether a variable begins like one of ours with one underscore where two belong. Any other is not for us."""
    table, _, key = name.partition("_")
    return bool(key) and table in _DEPTHS


def _spelling(name: str) -> str:
    """How a variable is spelt that was meant for the table with which a name begins."""
    table, _, key = name.partition("_")
    if table in _TABLES and key:
        return f"{PREFIX}{table}__{key}".upper()
    return "PAYPORT_JOURNAL__KEY or PAYPORT_ACCOUNT__NAME__KEY"


def _is_rule(path: _Path) -> bool:
    return path[0] == "watch" and path[1:] != ("payer_key",)
