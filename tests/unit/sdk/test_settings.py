"""Configuration: one file, the environment over it, secrets by reference, and errors that say how to mend them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import cast

import keyring
import pytest
from keyring.errors import KeyringLocked
from tests.support.canaries import Watch

from payport.sdk.adapter import Adapter
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret
from payport.sdk.settings import (
    AccountSettings,
    AccountTable,
    JournalSettings,
    OpenTelemetrySettings,
    ScorecardSettings,
    Settings,
    TimeoutSettings,
    open_adapter,
)

GOOD = """
[account.shop]
partner = "alipay"
app_id = "2021000000000000"
private_key = "file:shop.pem"
alipay_public_key = "MIIBIjAN"
publishable_key = "pk_test_1"
sandbox = true

[account.shop_two]
partner = "alipay"
private_key = "env:KEY_TWO"
limit = 3

[journal]
url = "env:JOURNAL"
sealing_key = "env:SEALING"
durability = "normal"

[timeouts]
deadline_s = 12.5

[scorecards]
success = 0.995
time_zone = "Asia/Shanghai"

[otel]
enabled = true
"""
ENV = {"KEY_TWO": "second", "JOURNAL": "postgresql://pay:word@db/pay", "SEALING": "c2VhbA==", "UNRELATED__X": "1"}


def load(folder: Path, text: str, env: Mapping[str, str] | None = None) -> Settings:
    """Load a file with this text from a folder."""
    path = folder / "payport.toml"
    path.write_text(text, "utf-8")
    return Settings.load(path, env or {})


def refusal(folder: Path, text: str, env: Mapping[str, str] | None = None) -> str:
    """The message with which this text is refused, the folder cut out."""
    with pytest.raises(ConfigurationError) as refused:
        load(folder, text, env)
    assert refused.value.__context__ is None, "a chained error would carry what was read"
    return str(refused.value).replace(f"{folder}/", "")


def test_a_file_with_two_accounts(tmp_path: Path) -> None:
    """Several merchants at once, each with its own table; references are looked up."""
    (tmp_path / "shop.pem").write_text("first\n", "utf-8")
    settings = load(tmp_path, GOOD, ENV)
    assert dict(settings.accounts["shop"].table) == {
        "app_id": "2021000000000000",
        "private_key": Secret("first"),
        "alipay_public_key": "MIIBIjAN",
        "publishable_key": "pk_test_1",
        "sandbox": True,
    }
    assert dict(settings.accounts["shop_two"].table) == {"private_key": Secret("second"), "limit": 3}
    assert settings.accounts["shop"].partner == "alipay"
    assert settings.journal == JournalSettings(
        url="postgresql://pay:word@db/pay", sealing_key=Secret("c2VhbA=="), durability="normal"
    )
    assert settings.timeouts == TimeoutSettings(deadline_s=12.5)
    assert settings.scorecards == ScorecardSettings(success=0.995, time_zone="Asia/Shanghai")
    assert settings.otel == OpenTelemetrySettings(enabled=True)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    """For containers: any setting can be given or changed, and a secret may stand there as it is."""
    env = {
        "PAYPORT_ACCOUNT__SHOP__APP_ID": "other",
        "PAYPORT_ACCOUNT__SHOP__PRIVATE_KEY": "written out",
        "PAYPORT_ACCOUNT__NEW__PARTNER": "stripe",
        "PAYPORT_JOURNAL__URL": "mysql://pay:word@db/pay",
        "PAYPORT_JOURNAL__SEALING_KEY": "c2VhbA==",
        "PAYPORT_TIMEOUTS__DEADLINE_S": "7.5",
        "PAYPORT_SCORECARDS__ENABLED": "false",
        "PAYPORT_VECTORS": "not a setting",
    }
    settings = load(tmp_path, '[account.shop]\npartner = "alipay"\napp_id = "2021"\n', env)
    assert dict(settings.accounts["shop"].table) == {"app_id": "other", "private_key": Secret("written out")}
    assert settings.accounts["new"].partner == "stripe"
    assert settings.journal == JournalSettings(url="mysql://pay:word@db/pay", sealing_key=Secret("c2VhbA=="))
    assert settings.timeouts.deadline_s == 7.5
    assert not settings.scorecards.enabled


def test_a_setting_and_what_lies_below_it_are_not_both_taken(tmp_path: Path) -> None:
    """Nobody can tell which of the two was meant."""
    env = {"PAYPORT_ACCOUNT__SHOP__PARTNER": "alipay", "PAYPORT_ACCOUNT__SHOP__PARTNER__SHOP__KEY": "a"}
    with pytest.raises(ConfigurationError, match="PARTNER__SHOP__KEY: another variable says otherwise"):
        load(tmp_path, "", env)


def test_the_password_of_a_database_server_stands_beside_its_url(tmp_path: Path) -> None:
    """By reference, like any secret; from the environment it may stand in the URL, or by itself."""
    text = '[journal]\nurl = "postgresql://pay@db/pay"\npassword = "env:WORD"\nconnections = 3\n'
    settings = load(tmp_path, text, {"WORD": "hunter2"})
    assert settings.journal == JournalSettings(url="postgresql://pay@db/pay", password=Secret("hunter2"), connections=3)
    assert "hunter2" not in repr(settings)
    given = load(tmp_path, text, {"WORD": "hunter2", "PAYPORT_JOURNAL__PASSWORD": "hunter3"})
    assert given.journal.password == Secret("hunter3")


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``payport.toml`` of the current folder is read when it is there; the process's environment always."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYPORT_TIMEOUTS__DEADLINE_S", "1")
    assert Settings.load() == Settings(timeouts=TimeoutSettings(deadline_s=1.0))
    (tmp_path / "payport.toml").write_text('[journal]\nurl = "sqlite:///x.db"\n', "utf-8")
    assert Settings.load().journal.url == "sqlite:///x.db"


ACCOUNT = '[account.shop]\npartner = "alipay"\n'
REFUSED: dict[str, tuple[str, str]] = {
    "unknown table": ("[accounts.shop]\n", "payport.toml [accounts]: unknown; known here: [account.NAME], [journal],"),
    "no such time zone": (
        '[scorecards]\ntime_zone = "Mars/Olympus"\n',
        "payport.toml [scorecards] time_zone: no such time zone; write one like Asia/Shanghai",
    ),
    "a share in percent": (
        "[scorecards]\nsuccess = 99.9\n",
        "payport.toml [scorecards] success: Input should be less than 1",
    ),
    "unknown key": (
        "[journal]\nuri = 1\n",
        "payport.toml [journal] uri: unknown; known here: url, password, sealing_key, dura",
    ),
    "no table": ("journal = 1\n", "payport.toml [journal]: must be a table"),
    "account is no table": ("[account]\nshop = 1\n", "payport.toml [account.shop]: must be a table"),
    "not positive": (
        "[timeouts]\ndeadline_s = 0\n",
        "payport.toml [timeouts] deadline_s: Input should be greater than",
    ),
    "no choice": ('[journal]\ndurability = "most"\n', "payport.toml [journal] durability: Input should be 'full' or"),
    "no partner": ("[account.shop]\nx = 1\n", "payport.toml [account.shop] partner: missing; say whose account it is"),
    "account's name": ('[account."My-Shop"]\npartner = "a"\n', "payport.toml [account.My-Shop]: not an account's name"),
    "list": (f"{ACCOUNT}x = [1]\n", "payport.toml [account.shop] x: is a list; give a text in quotes, a number, true"),
    "plain key": (
        f'{ACCOUNT}api_key = "k"\n',
        "payport.toml [account.shop] api_key: a secret must not stand in the fil",
    ),
    "plain PEM": (
        f'{ACCOUNT}x = "-----BEGIN PRIVATE KEY-----"\n',
        'payport.toml [account.shop] x: a secret must not stand in the file; refer to it: x = "file:/run/secrets/x", ',
    ),
    "plain number": (f"{ACCOUNT}password = 1234\n", "payport.toml [account.shop] password: a secret must not stand in"),
    "plain sealing key": (
        '[journal]\nsealing_key = "k"\n',
        "payport.toml [journal] sealing_key: a secret must not sta",
    ),
    "password in URL": (
        '[journal]\nurl = "mysql://a:b@c/d"\n',
        'payport.toml [journal] url: a password must not stand in the file; leave it out: password = "env:NAME" beside',
    ),
    "password in file": (
        '[journal]\nurl = "mysql://a@c/d"\npassword = "b"\n',
        "payport.toml [journal] password: a secret must not sta",
    ),
    "no connection": ("[journal]\nconnections = 0\n", "payport.toml [journal] connections: Input should be greater"),
    "no file": (
        f'{ACCOUNT}x = "file:no.pem"\n',
        "[account.shop] x: the file that it names cannot be read: No such file or directory; che",
    ),
    "binary file": (f'{ACCOUNT}x = "file:der"\n', "[account.shop] x: the file that it names is not text; export it"),
    "empty file": (f'{ACCOUNT}x = "file:empty"\n', "[account.shop] x: what it refers to is empty"),
    "no variable": (f'{ACCOUNT}x = "env:NO"\n', "[account.shop] x: the environment variable that it names is not set"),
    "no sealing key": ("[journal]\nsealing_key = []\n", "payport.toml [journal] sealing_key: Tuple should have at le"),
    "plain sealing keys": (
        '[journal]\nsealing_key = ["env:A", "k"]\n',
        "payport.toml [journal] sealing_key: a secret must not stand in the file",
    ),
    "no rule": ("[watch.amount_jmp]\ntimes = 3\n", "[watch.amount_jmp]: no such rule; there are account_v"),
    "no threshold": ("[watch.amount_jump]\ntimez = 3\n", "payport.toml [watch.amount_jump] timez: unknown key; this"),
    "value as name": (f'{ACCOUNT}x = "env:-k=9"\n', "x: what stands after env: is no variable's name; write the name"),
    "keyring spelling": (f'{ACCOUNT}x = "keyring:x"\n', "[account.shop] x: not a keyring entry; write keyring:SERVICE"),
    "not TOML": ("[account.shop\n", "payport.toml: this is not TOML: Expected"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_with_its_place_and_its_remedy(case: str, tmp_path: Path) -> None:
    """File, table, key, what is wrong, how to mend it."""
    text, expected = REFUSED[case]
    (tmp_path / "der").write_bytes(b"\x30\x82\xff")
    (tmp_path / "empty").write_bytes(b"\n")
    assert expected in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("expected", "variable", "value"),
    [
        ("environment variable PAYPORT_TIMEOUTS__DEADLINE_S: Input should be a", "PAYPORT_TIMEOUTS__DEADLINE_S", "x"),
        ("environment variable PAYPORT_ACCOUNT__SHOP: no such setting; spell it", "PAYPORT_ACCOUNT__SHOP", "x"),
        ("environment variable PAYPORT_JOURNALS__URL: no such setting", "PAYPORT_JOURNALS__URL", "x"),
        ("variable PAYPORT_JOURNAL_URL: no such setting; spell it PAYPORT_JOURNAL__URL", "PAYPORT_JOURNAL_URL", "x"),
        (
            "PAYPORT_ACCOUNT_SHOP_KEY: no such setting; spell it PAYPORT_JOURNAL__KEY or",
            "PAYPORT_ACCOUNT_SHOP_KEY",
            "x",
        ),
        ("environment variable PAYPORT_JOURNAL__SEALING_KEY: is empty; set it", "PAYPORT_JOURNAL__SEALING_KEY", " "),
    ],
)
def test_a_wrong_variable_is_named(expected: str, variable: str, value: str, tmp_path: Path) -> None:
    """By its whole name, as it must be set."""
    assert expected in refusal(tmp_path, "", {variable: value})


@pytest.mark.parametrize(
    "reference", ["env:sk_live_1", "file:sk_live_1", "keyring:sk_live_1/x", "file:sk_live_1\\u0000"]
)
@pytest.mark.usefixtures("ring")
def test_a_value_that_stands_where_its_name_belongs_is_not_shown(reference: str, tmp_path: Path) -> None:
    """The setting is named instead."""
    message = refusal(tmp_path, f'{ACCOUNT}private_key = "{reference}"\n')
    assert message.startswith("payport.toml [account.shop] private_key: ")
    assert "sk_live" not in message


def test_several_sealing_keys(tmp_path: Path) -> None:
    """While one is being replaced: an array of references, or names in the environment with commas between them."""
    env = {"NEW": "n", "OLD": "o"}
    both = (Secret("n"), Secret("o"))
    assert load(tmp_path, '[journal]\nsealing_key = ["env:NEW", "env:OLD"]\n', env).journal.sealing_key == both
    assert load(tmp_path, '[journal]\nsealing_key = ["env:NEW"]\n', env).journal.sealing_key == Secret("n")
    given = {**env, "PAYPORT_JOURNAL__SEALING_KEY": "env:NEW, env:OLD"}
    assert load(tmp_path, "", given).journal.sealing_key == both


def test_a_relative_journal_lies_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every other path of the file, wherever the process was started."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "etc"
    folder.mkdir()
    for text in ("", '[journal]\nurl = "sqlite:///payments.db"\n', '[journal]\nurl = "sqlite:///./payments.db"\n'):
        assert load(folder, text).journal.url == f"sqlite:///{folder}/payments.db"
    for url in ("sqlite:////var/lib/payments.db", "sqlite:///:memory:?durable=no", "postgresql://pay@db/pay"):
        assert load(folder, f'[journal]\nurl = "{url}"\n').journal.url == url
    assert Settings.load(env={}).journal.url == "sqlite:///payments.db"


def test_a_journal_that_would_be_lost_by_its_relative_path_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the current folder and none beside the file: an empty one made there would charge again."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "etc"
    folder.mkdir()
    (tmp_path / "payments.db").touch()
    told = f"[journal] url: there is a journal at {tmp_path}/payments.db and none at {folder}/payments.db"
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        load(folder, "")
    (folder / "payments.db").touch()
    assert load(folder, "").journal.url == f"sqlite:///{folder}/payments.db"


@pytest.mark.parametrize("start", ["", "/var/lib/"])
def test_a_journal_that_no_file_can_be_is_told_of(tmp_path: Path, start: str) -> None:
    """No file system has names of 300 characters."""
    told = r"\[journal\] url: the file cannot be looked for \(File name too long\); write the whole path of another one"
    with pytest.raises(ConfigurationError, match=told):
        load(tmp_path, f'[journal]\nurl = "sqlite:///{start}{"a" * 300}"\n')


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """One line each, instead of one start of the process each."""
    text = f'{ACCOUNT}x = "env:NO"\napi_key = "k"\n[account.other]\n[journal]\nurl = "file:none"\n'
    assert len(refusal(tmp_path, text).splitlines()) == 4


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    """A path that was given must be a file; text must be UTF-8."""
    with pytest.raises(ConfigurationError, match=r"none\.toml: there is no such file"):
        Settings.load(str(tmp_path / "none.toml"), {})
    with pytest.raises(ConfigurationError, match=r"this is a folder; name the file in it, .*payport\.toml"):
        Settings.load(tmp_path, {})
    with pytest.raises(ConfigurationError, match="it cannot be looked at \\(File name too long\\); name another file"):
        Settings.load(tmp_path / ("a" * 300), {})
    path = tmp_path / "payport.toml"
    path.write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigurationError, match="this is not TOML: not UTF-8"):
        Settings.load(path, {})


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says so, in the system's words."""
    path = tmp_path / "payport.toml"
    path.write_text("", "utf-8")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigurationError, match=r"payport\.toml: cannot be read: Permission denied"):
        Settings.load(path, {})


def test_no_message_shows_a_secret(tmp_path: Path, canaries: Watch) -> None:
    """Neither what was refused, nor what else was read; nor do the settings that were accepted."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in canaries.values.items())
    env = {
        "PAYPORT_JOURNAL__DURABILITY": canaries["access_token"],
        "PAYPORT_TIMEOUTS__DEADLINE_S": canaries["password"],
    }
    for text in (ACCOUNT + lines, "[journal]\n" + lines, "[timeouts]\n" + lines, lines):
        canaries.look_at(refusal(tmp_path, text), refusal(tmp_path, text, env))
    good = {
        "PAYPORT_ACCOUNT__SHOP__PRIVATE_KEY": canaries["private_key"],
        "PAYPORT_JOURNAL__URL": f"mysql://pay:{canaries['password']}@db/pay",
        "PAYPORT_JOURNAL__SEALING_KEY": canaries["sealing_key"],
    }
    canaries.look_at(load(tmp_path, ACCOUNT, good))


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key ring with one entry, and one that is locked."""

    def get_password(service: str, username: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("no")
        return "from the ring" if (service, username) == ("payport", "shop") else None

    monkeypatch.setattr(keyring, "get_password", get_password)


@pytest.mark.usefixtures("ring")
def test_a_secret_from_the_key_ring(tmp_path: Path) -> None:
    """Looked up by service and user; what is missing or locked says how to mend it."""
    settings = load(tmp_path, f'{ACCOUNT}private_key = "keyring:payport/shop"\n')
    assert settings.accounts["shop"].table.secret("private_key") == Secret("from the ring")
    message = refusal(tmp_path, f'{ACCOUNT}x = "keyring:payport/none"\n')
    assert "the keyring has no such entry; run: keyring set SERVICE USER" in message
    message = refusal(tmp_path, f'{ACCOUNT}x = "keyring:locked/shop"\n')
    assert "the keyring does not answer (KeyringLocked); unlock or set it up" in message


def test_without_the_extra_the_message_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """keyring is optional."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    message = refusal(tmp_path, f'{ACCOUNT}x = "keyring:payport/shop"\n')
    assert 'keyring is not installed; run: pip install "payport[keyring]"' in message


TABLE = AccountTable(
    {"app_id": "2021", "key": Secret("k3y"), "sandbox": True, "live": "1", "off": "False", "n": 3, "plain": "k"},
    where="payport.toml [account.shop]",
    places={"app_id": "environment variable PAYPORT_ACCOUNT__SHOP__APP_ID"},
)


def test_a_table_reads_texts_secrets_and_flags() -> None:
    """What an adapter needs to build its account."""
    assert TABLE.text("app_id") == "2021"
    assert TABLE.text("key") == "k3y"
    assert TABLE.text("absent", "default") == "default"
    assert TABLE.secret("key") == Secret("k3y")
    assert [
        TABLE.flag("sandbox"),
        TABLE.flag("live"),
        TABLE.flag("off"),
        TABLE.flag("x", default=True),
    ] == [True, True, False, True]
    assert len(TABLE) == 7
    assert repr(TABLE) == "AccountTable(app_id, key, live, n, off, plain, sandbox)"
    TABLE.only("app_id", "key", "sandbox", "live", "off", "n", "plain")


@pytest.mark.parametrize(
    ("expected", "read"),
    [
        ("payport.toml [account.shop] absent: missing; give a text in quotes", lambda: TABLE.text("absent")),
        ("payport.toml [account.shop] n: is int; give a text in quotes", lambda: TABLE.text("n")),
        ('[account.shop] absent: missing; give a reference: absent = "file:', lambda: TABLE.secret("absent")),
        ("[account.shop] plain: is plain text; give a reference: plain", lambda: TABLE.secret("plain")),
        ("[account.shop] n: is int; give true or false", lambda: TABLE.flag("n")),
        ("[account.shop] plain: is str; give true or false", lambda: TABLE.flag("plain")),
        ("environment variable PAYPORT_ACCOUNT__SHOP__APP_ID: unknown key; this", lambda: TABLE.only("key")),
    ],
)
def test_a_table_says_what_is_wrong_with_it(expected: str, read: Callable[[], object]) -> None:
    """Where it stands, what was found, what is wanted."""
    with pytest.raises(ConfigurationError) as refused:
        read()
    assert expected in str(refused.value)


class Toy:
    """An adapter of another package."""

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Adapter:
        """What it was given stands for the adapter."""
        return cast("Adapter", (name, table.text("app_id")))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two adapters are installed: ``toy``, and ``odd`` that cannot be opened by name."""
    package = ModuleType("toy_adapter")
    vars(package)["Toy"] = Toy
    monkeypatch.setitem(sys.modules, "toy_adapter", package)
    points = EntryPoints(
        [
            EntryPoint("toy", "toy_adapter:Toy", "payport.adapters"),
            EntryPoint("odd", "builtins:object", "payport.adapters"),
        ]
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))


def accounts(**partners: str) -> Settings:
    """Settings with an account for each partner."""
    return Settings(
        accounts={
            name: AccountSettings(partner=partner, table=AccountTable({"app_id": "2021"}))
            for name, partner in partners.items()
        }
    )


@pytest.mark.usefixtures("installed")
def test_an_adapter_is_opened_by_its_account() -> None:
    """Found by entry point: an adapter of a user is opened like ours."""
    assert cast("object", open_adapter(accounts(shop="toy"), "shop")) == ("shop", "2021")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        ("no account 'shop' is configured; add [account.shop] (configured: none)", accounts()),
        ("no account 'shop' is configured; add [account.shop] (configured: a, b)", accounts(b="toy", a="toy")),
        ("partner: no adapter for 'none' is installed; install one that announces", accounts(shop="none")),
        ("(installed: odd, toy)", accounts(shop="none")),
        ("the adapter for 'odd' cannot be opened by name; build it in code", accounts(shop="odd")),
    ],
)
def test_what_cannot_be_opened_says_why(expected: str, settings: Settings) -> None:
    """Names what there is."""
    with pytest.raises(ConfigurationError) as refused:
        open_adapter(settings, "shop")
    assert expected in str(refused.value)


def test_with_no_adapter_installed_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a broken installation."""
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: EntryPoints([]).select(group=group))
    with pytest.raises(ConfigurationError, match=r"\(installed: none\)"):
        open_adapter(accounts(shop="toy"), "shop")
