"""A PayPal account: what can never work is refused when it is built, and the doctor says the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.wire.paypal.shapes import ACCOUNT

from payport.adapters.paypal import LIVE_URL, SANDBOX_URL, PayPal, PayPalAccount
from payport.adapters.paypal.doctor import converse, examine
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.sdk import ConfigurationError, Secret
from payport.sdk.cli.findings import Light
from payport.sdk.exchange import drive
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.settings import AccountTable, Setting
from payport.sdk.testing import Fault
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock
from payport.sdk.tls import Trust

SECRET = "EGsecretsecretsecret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "short"),
        ("client_id", "has:a:colon:in:it"),
        ("merchant_id", "shop@example.com"),
        ("merchant_id", "2SMWANTEDPAY"),
        ("webhook_id", "https://shop.example/hook"),
        ("attribution_id", "x" * 37),
        ("api_url", "http://api-m.paypal.com"),
        ("api_url", "https://api-m.paypal.com/v2"),
        ("return_url", "shop.example/paid"),
        ("cancel_url", "/basket"),
        ("brand_name", "x" * 128),
        ("webhook_roots", "roots.pem"),
    ],
)
def test_what_can_never_work_is_refused_by_name(name: str, value: str) -> None:
    """With what is wanted, and without the secret."""
    values: dict[str, object] = {
        "client_id": ACCOUNT.client_id,
        "client_secret": Secret(SECRET),
        "merchant_id": ACCOUNT.merchant_id,
        name: value,
    }
    with pytest.raises(ConfigurationError, match=name) as error:
        PayPalAccount(**values)  # type: ignore[arg-type]  # one of them is wrong
    assert SECRET not in str(error.value)


def test_the_secret_shows_itself_nowhere() -> None:
    """Not in the account, not in the adapter."""
    assert SECRET not in repr(ACCOUNT) + repr(PayPal(ACCOUNT)) + str(PayPal(ACCOUNT))


def test_live_is_live_and_everything_else_is_play_money() -> None:
    """By the address alone."""
    assert not PayPal(ACCOUNT).profile.sandbox
    assert PayPal(replace(ACCOUNT, api_url=SANDBOX_URL)).profile.sandbox
    assert ACCOUNT.api_url == LIVE_URL
    assert PayPal(ACCOUNT).account == f"paypal:{ACCOUNT.merchant_id}"


def test_an_account_comes_from_a_table() -> None:
    """Every key; unknown ones are refused by name."""
    table: dict[str, Setting] = {
        "client_id": ACCOUNT.client_id,
        "client_secret": Secret(SECRET),
        "merchant_id": ACCOUNT.merchant_id,
        "webhook_id": "1JE4291016473214C",
        "return_url": "https://shop.example/paid",
        "cancel_url": "https://shop.example/basket",
        "brand_name": "Tea",
        "attribution_id": "TEA_SP",
        "api_url": SANDBOX_URL,
        "ca": "-----BEGIN CERTIFICATE-----",
    }
    config = PayPal.from_settings("shop", AccountTable(table)).config
    assert config.webhook_id == "1JE4291016473214C"
    assert config.trust == Trust(ca_data="-----BEGIN CERTIFICATE-----")
    with pytest.raises(ConfigurationError, match="app_id"):
        PayPal.from_settings("shop", AccountTable({**table, "app_id": "1"}))
    with pytest.raises(ConfigurationError, match="client_secret"):
        PayPal.from_settings("shop", AccountTable({**table, "client_secret": "plain"}))


def test_the_simulators_settings_open_an_adapter() -> None:
    """What ``payport simulate`` writes is what a gateway in another process reads."""
    with PayPalSimulator().serve() as partner:
        files = partner.settings_files()
    assert {"payport.toml", "client_secret.txt", "webhook_roots.pem", "ca.pem"} == set(files)
    assert 'partner = "paypal"' in files["payport.toml"]
    assert partner.account.client_secret.reveal() not in files["payport.toml"]


def findings(partner: PayPalSimulator, adapter: PayPal) -> list[tuple[Light, str]]:
    """What the doctor finds by asking."""
    around = Surroundings(journal=None, clock=WorkerClock(Time(), "doctor"))  # type: ignore[arg-type]  # reads none
    found = drive(converse(adapter, 10.0), SyncHost(around=around, transport=partner.transport()))
    return [(each.light, each.what) for each in found]


def test_the_doctor_looks_at_the_settings() -> None:
    """What is missing is yellow: it works, and somebody should know."""
    sound = replace(ACCOUNT, webhook_id="1JE4291016473214C")
    assert {finding.light for finding in examine(PayPal(sound), MORNING)} == {Light.GREEN}
    bare = examine(PayPal(replace(ACCOUNT, return_url=None)), MORNING)
    assert [finding.light for finding in bare] == [Light.GREEN, Light.YELLOW, Light.YELLOW]
    simulated = examine(PayPal(PayPalSimulator().account), MORNING)
    assert any("webhook_roots" in finding.what for finding in simulated)


def test_the_doctor_asks_one_harmless_question() -> None:
    """An order that cannot be there: an authentic no proves credentials and rights."""
    partner = PayPalSimulator(clock=Time())
    assert [light for light, _ in findings(partner, PayPal(partner.account))] == [Light.GREEN]
    wrong = replace(partner.account, client_secret=Secret("EGwrongwrongwrong"))
    ((light, what),) = findings(partner, PayPal(wrong))
    assert light is Light.RED
    assert "invalid_client" in what
    for fault in (Fault.SILENCE, Fault.SYSTEM_ERROR, Fault.RATE_LIMITED):
        partner.faults.next(fault, method="orders.get")
        assert [light for light, _ in findings(partner, PayPal(partner.account))] == [Light.YELLOW]
