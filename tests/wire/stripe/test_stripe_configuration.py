"""What can never work fails when it is built; what is configured is what is used; the doctor says what it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.wire.stripe.records import ACCOUNT, NOON, Host

from payport.adapters.stripe import Stripe, StripeAccount, doctor
from payport.adapters.stripe.simulator import Fault, StripeSimulator
from payport.sdk import ConfigurationError, Secret, Settings
from payport.sdk.cli.configured import write_settings
from payport.sdk.settings import AccountTable, open_adapter

KEY = "sk_test_keyOfTheseTests"
LIVE = replace(ACCOUNT, secret_key=Secret("rk_live_12345678"), publishable_key=None)
# What the message says, and what is wrong.
WRONG: dict[str, tuple[str, Callable[[], object]]] = {
    "no account id": ("account_id must be the acct_", lambda: replace(ACCOUNT, account_id="shop")),
    "a publishable key where the secret one belongs": (
        "a publishable key .* cannot charge", lambda: replace(ACCOUNT, secret_key=Secret("pk_test_keyOfTheseTests")),
    ),
    "a webhook's name": (
        "webhook secret 1 must be", lambda: replace(ACCOUNT, webhook_secrets=(Secret("we_123456789"),)),
    ),
    "three webhook secrets": (
        "one secret, or two", lambda: replace(ACCOUNT, webhook_secrets=(Secret("whsec_12345678"),) * 3),
    ),
    "a secret key where the publishable one belongs": (
        "publishable_key must be", lambda: replace(ACCOUNT, publishable_key="sk_test_keyOfTheseTests"),
    ),
    "keys of two modes": ("different modes", lambda: replace(ACCOUNT, publishable_key="pk_live_keyOfTheseTests")),
    "plain http": ("show the key to everybody", lambda: replace(ACCOUNT, api_url="http://api.stripe.com")),
    "no version": ("api_version must be one of Stripe's", lambda: replace(ACCOUNT, api_version="latest")),
    "a relative return address": ("return_url must be an absolute", lambda: replace(ACCOUNT, return_url="/return")),
    "a key of another partner": (
        "account app_id: unknown key", lambda: Stripe.from_settings("shop", AccountTable({"app_id": "1"})),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "build"), WRONG.values(), ids=WRONG.keys())
def test_what_can_never_work_is_refused(message: str, build: Callable[[], object]) -> None:
    """The message says how to mend it, and shows no secret."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        build()
    assert "keyOfTheseTests" not in str(caught.value).replace("sk_test_keyOfTheseTests'", "")


@pytest.mark.parametrize(
    ("name", "live", "sandbox", "account"),
    [
        ("stripe:acct_1Shop:test", False, True, ACCOUNT),
        ("stripe:acct_1Shop:live", True, False, LIVE),
    ],
    ids=["test", "live"],
)
def test_the_journal_knows_an_account_by_its_id_and_mode(
    name: str, live: bool, sandbox: bool, account: StripeAccount
) -> None:
    """A key may be rolled; whose money it is stays."""
    stripe = Stripe(account)
    assert (stripe.account, stripe.config.live, stripe.profile.sandbox) == (name, live, sandbox)


def test_nothing_shows_a_secret() -> None:
    """Neither account nor adapter."""
    shown = f"{ACCOUNT!r}{Stripe(ACCOUNT)!r}{Stripe(ACCOUNT).config}"
    assert KEY not in shown
    assert "whsec_" not in shown


@pytest.mark.parametrize("connected", [False, True])
def test_settings_open_a_gateway(tmp_path: Path, connected: bool) -> None:
    """The files of the simulator, rolled secrets included, make the account that it is for."""
    partner = StripeSimulator(connected=connected)
    partner.roll_webhook_secret()
    config = write_settings(tmp_path, partner.settings_files())
    settings = Settings.load(config, {})
    opened = open_adapter(settings, "simulator")
    assert isinstance(opened, Stripe)
    assert opened.config == partner.account


def test_the_doctor_looks_at_an_account_without_a_network() -> None:
    """Green is good, yellow is worth a look."""
    stripe = Stripe(replace(ACCOUNT, secret_key=Secret("rk_test_12345678")))
    said = " ".join(each.what for each in doctor.examine(stripe, NOON))
    assert "restricted key" in said
    assert "test mode" in said
    odd = replace(
        ACCOUNT, webhook_secrets=(), api_version="2020-08-27", return_url="http://a", connected=True,
        api_url="https://localhost:1",
    )  # fmt: skip
    said = " ".join(each.what for each in doctor.examine(Stripe(odd), NOON))
    for word in (
        "may do everything",
        "notices are refused",
        "not the one",
        "not https",
        "connected account",
        "simulator",
    ):
        assert word in said
    rolled = replace(ACCOUNT, webhook_secrets=(Secret("whsec_12345678"), Secret("whsec_87654321")))
    assert "being rolled" in " ".join(each.what for each in doctor.examine(Stripe(rolled), NOON))


# What the doctor says, by the key and the fault.
ASKED: list[tuple[str, str, Fault | None]] = [
    ("accepted the key", "", None),
    ("does not accept secret_key", "sk_test_anotherKey00", None),
    ("no answer that tells anything", "", Fault.SILENCE),
    ("status 429", "", Fault.RATE_LIMITED),
]


@pytest.mark.parametrize(("said", "key", "fault"), ASKED)
def test_the_doctor_asks_one_harmless_question(said: str, key: str, fault: Fault | None) -> None:
    """About an intent that cannot be there."""
    partner = StripeSimulator()
    account = replace(partner.account, secret_key=Secret(key)) if key else partner.account
    if fault is not None:
        partner.faults.next(fault)
    (finding,) = Host(transport=partner.transport()).run(doctor.converse(Stripe(account), 1e12))
    assert said in finding.what


def test_the_doctor_tells_a_platform_that_it_is_not_connected() -> None:
    """The key is good, and may not act for that account."""
    partner = StripeSimulator(connected=True)
    account = replace(partner.account, account_id="acct_another")
    (finding,) = Host(transport=partner.transport()).run(doctor.converse(Stripe(account), 1e12))
    assert "may not read payments" in finding.what
    assert "acct_another is connected" in finding.mend
