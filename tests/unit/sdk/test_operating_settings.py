"""``[alerts]`` and ``[watch]``: what is wrong is said with table and key, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from payport.sdk import ConfigurationError, Settings
from payport.sdk.incidents.kinds import FaultClass
from payport.sdk.incidents.sinks.log import LogAlerts
from payport.sdk.incidents.sinks.mail import Mail
from payport.sdk.incidents.sinks.webhook import Webhook
from payport.sdk.opening import open_watch

SECRET = "whsec_cGF5cG9ydC10ZXN0LXNlY3JldC1vZi0zMi1ieXRlcyE="
WEBHOOK = '[alerts.sink.duty]\ntype = "webhook"\nurl = "https://hooks.shop.example/x"\nsecret = "env:HOOK"\n'
MAIL = (
    '[alerts.sink.lead]\ntype = "mail"\nstep = 1\nleast = "critical"\nhost = "smtp.shop.example"\n'
    'sender = "payport@shop.example"\nto = "a@shop.example, b@shop.example"\nuser = "payport"\npassword = "env:WORD"\n'
)


def load(folder: Path, text: str, **env: str) -> Settings:
    """The settings of a file and an environment."""
    (folder / "payport.toml").write_text(text)
    return Settings.load(folder / "payport.toml", {"HOOK": SECRET, "WORD": "p4ssword", **env})


def test_without_a_table_alerts_go_to_the_log(tmp_path: Path) -> None:
    """Every incident, at once."""
    (route,) = load(tmp_path, "").alerts.routes()
    assert isinstance(route.sink, LogAlerts)
    assert (route.contact.name, route.contact.step, route.contact.least) == ("log", 0, FaultClass.MINOR)


def test_each_way_has_its_table(tmp_path: Path) -> None:
    """With its step in the escalation, its class and its pace."""
    extra = '[alerts.sink.log]\ntype = "log"\nburst = 5\nevery_s = 0.5\n'
    duty, lead, log = load(tmp_path, WEBHOOK + MAIL + extra).alerts.routes()
    assert isinstance(duty.sink, Webhook)
    assert isinstance(lead.sink, Mail)
    assert (lead.contact.step, lead.contact.least) == (1, FaultClass.CRITICAL)
    assert (log.pace.burst, log.pace.every_s) == (5, 0.5)


def test_the_environment_comes_first(tmp_path: Path) -> None:
    """A secret may stand in it as it is."""
    env = {
        "PAYPORT_ALERTS__UNKNOWN_S": "60",
        "PAYPORT_ALERTS__SINK__DUTY__URL": "https://other.example/x",
        "PAYPORT_ALERTS__SINK__DUTY__SECRET": SECRET,
        "PAYPORT_WATCH__PAYER_KEY": "a key of sixteen characters",
        "PAYPORT_WATCH__PAYER_ORDERS__AT_MOST": "7",
        "PAYPORT_WATCH__PAYER_ORDERS__HOLD": "true",
    }
    settings = load(tmp_path, WEBHOOK, **env)
    assert settings.alerts.unknown_s == 60.0
    assert repr(settings.alerts.routes()[0].sink) == "Webhook('other.example')"
    (rule,) = settings.watch.rules()
    assert (rule.name, rule.hold) == ("payer_orders", True)


def test_targets_and_thresholds_reach_the_detectors(tmp_path: Path) -> None:
    """As they stand in the file."""
    alerts = load(tmp_path, "[alerts]\nsignature_failures = 9\nexpiry_days = 7\n").alerts
    thresholds = alerts.thresholds()
    assert thresholds.budgets is not None
    assert (thresholds.budgets.success, thresholds.signature_failures) == (0.999, 9)
    assert alerts.patience().expiry_s == 7 * 86_400
    assert load(tmp_path, "[alerts]\nbudgets = false\n").alerts.thresholds().budgets is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alerts]\nnonsense = 1\n", "[alerts] nonsense: unknown; known here: enabled, runbooks"),
        ("[alerts]\nrefusals = 0\n", "[alerts] refusals"),
        ("[alerts]\nunknown_s = 0\n", "[alerts] unknown_s"),
        ("[alerts]\nsink = 3\n", "[alerts.sink]: must be a table"),
        ('[alerts.sink.duty]\nto = ["a@b.example"]\n', "[alerts.sink.duty] to: is a list"),
        (
            f'[alerts.sink.duty]\ntype = "webhook"\nsecret = "{SECRET}"\n',
            "[alerts.sink.duty] secret: a secret must not",
        ),
        ("[watch]\nnonsense = 1\n", "[watch.nonsense]: unknown"),
        ('[watch]\npayer_key = "written out"\n', "[watch] payer_key: a secret must not stand in the file"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """When it is loaded, with file, table and key."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[alerts.sink.duty]\ntype = "pigeon"\n', "[alerts.sink.duty] type: 'pigeon' is none; give log, mail, webhook"),
        ('[alerts.sink.duty]\nleast = "bad"\n', "[alerts.sink.duty] least: 'bad' is none"),
        ("[alerts.sink.duty]\nstep = -1\n", "step: is int; give a number, at least 0"),
        ('[alerts.sink.duty]\nburst = "many"\n', "burst: is str; give a number, at least 1"),
        ("[alerts.sink.duty]\nburst = nan\n", "burst: is float; give a number, at least 1"),
        ("[alerts.sink.duty]\nevery_s = true\n", "every_s: is bool"),
        ('[alerts.sink.duty]\ntype = "webhook"\n', "[alerts.sink.duty] secret: missing; give a reference"),
        (WEBHOOK + "nonsense = 1\n", "nonsense: unknown key; this partner takes"),
        (MAIL + 'security = "none"\n', "not sent without TLS"),
    ],
)
def test_a_sink_that_cannot_work_is_refused_when_it_is_opened(tmp_path: Path, text: str, words: str) -> None:
    """Before the first alert, not with it."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text).alerts.routes()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[watch.nonsense]\nat_most = 1\n", "[watch.nonsense]: no such rule; there are account_velocity, amount_jump"),
        ("[watch.account_velocity]\n", "[watch.account_velocity] at_most: missing; give a number"),
        ("[watch.account_velocity]\nat_most = 0\n", "[watch.account_velocity]: account_velocity at_most is at least 1"),
        ("[watch.account_velocity]\nat_most = 1\nnonsense = 1\n", "nonsense: unknown key"),
        ('[watch.night_burst]\nat_most = 9\ntime_zone = "Mars"\n', "no time zone 'Mars' is known"),
        ("[watch.night_burst]\nat_most = 9\n", "time_zone: missing; give a text in quotes"),
        ("[watch.account_velocity]\nat_most = 1\nhold = 3\n", "hold: is int; give true or false"),
        ("[watch.payer_orders]\nat_most = 1\n", "[watch] payer_key: missing; payer_orders cannot tell payers apart"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A rule that could never find anything, too."""
    with pytest.raises(ConfigurationError) as caught:
        open_watch(load(tmp_path, text), None)
    assert words in str(caught.value)


def test_no_rule_no_watch(tmp_path: Path) -> None:
    """Nothing is in force unless it is configured."""
    assert open_watch(load(tmp_path, '[watch]\npayer_key = "env:HOOK"\n'), None) is None


def test_every_threshold_is_taken(tmp_path: Path) -> None:
    """Numbers, texts and truth values."""
    text = (
        '[watch]\npayer_key = "env:HOOK"\n[watch.amount_jump]\ntimes = 5.5\nleast_payments = 10\nwithin_s = 86400\n'
        '[watch.night_burst]\nat_most = 30\ntime_zone = "Asia/Shanghai"\nfrom_hour = 23\nto_hour = 5\nhold = true\n'
    )
    settings = load(tmp_path, text)
    assert [(rule.name, rule.hold, rule.within_s) for rule in settings.watch.rules()] == [
        ("amount_jump", False, 86_400.0), ("night_burst", True, 600.0),
    ]  # fmt: skip
    assert open_watch(settings, None) is not None
