"""The account: what can never work is refused at once, without showing a secret; hosts follow the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.wire.adyen.words import ACCOUNT, ADYEN, NOON, Host, reply

from payport.adapters.adyen import Adyen, doctor
from payport.adapters.adyen.simulator import AdyenSimulator
from payport.sdk import ConfigurationError, Secret
from payport.sdk.cli.configured import write_settings
from payport.sdk.settings import Settings, open_adapter

LIVE = replace(ACCOUNT, live_prefix="1797a841fbb37ca7-AdyenDemo", client_key=None)


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("merchant_account", {"merchant_account": ""}),
        ("merchant_account", {"merchant_account": "Shop:ECOM"}),
        ("api_key", {"api_key": Secret("short")}),
        ("api_key", {"api_key": Secret("with a space in the middle")}),
        ("HMAC key 1", {"hmac_keys": (Secret("not hexadecimal, as it was"),)}),
        ("HMAC key 2", {"hmac_keys": (ACCOUNT.hmac_keys[0], Secret("0A1"))}),
        ("at most", {"hmac_keys": ACCOUNT.hmac_keys * 3}),
        ("live_prefix", {"live_prefix": "https://x-checkout-live.adyenpayments.com"}),
        ("api_url", {"api_url": "http://checkout-test.adyen.com/v71"}),
        ("live_prefix", {"api_url": "https://abc-checkout-live.adyenpayments.com/checkout/v71"}),
        ("live_prefix", {"api_url": "https://other.example/v71", "live_prefix": "abcd-Shop", "client_key": None}),
        ("client_key", {"client_key": "live_KEY"}),
        ("client_key", {"client_key": "test_KEY", "live_prefix": "abcd-Shop"}),
        ("return_url", {"return_url": "shop.example"}),
    ],
)
def test_what_can_never_work_is_refused(named: str, changes: dict[str, Any]) -> None:
    """The message names what is wrong, and no secret."""
    with pytest.raises(ConfigurationError, match=named) as refused:
        replace(ACCOUNT, **changes)
    for secret in (ACCOUNT.api_key, *ACCOUNT.hmac_keys):
        assert secret.reveal() not in str(refused.value)


def test_pain_keys_were_printed_with_errors() -> None:
    """Adyen's Python library keeps headers in its exceptions: here no repr shows a key."""
    for shown in (repr(ACCOUNT), repr(ADYEN), str(ACCOUNT)):
        for secret in (ACCOUNT.api_key, *ACCOUNT.hmac_keys):
            assert secret.reveal() not in shown


def test_hosts_follow_the_environment() -> None:
    """Live hosts have a prefix of the company's and one more path segment; live and test cannot be mixed."""
    assert (ACCOUNT.base_url, ACCOUNT.host) == ("https://checkout-test.adyen.com/v71", "checkout-test.adyen.com")
    assert LIVE.base_url == "https://1797a841fbb37ca7-AdyenDemo-checkout-live.adyenpayments.com/checkout/v71"
    assert LIVE.host == "1797a841fbb37ca7-adyendemo-checkout-live.adyenpayments.com"
    assert LIVE.transfers_host == "balanceplatform-api-live.adyen.com"
    profile = Adyen(LIVE).profile
    assert (profile.sandbox, ADYEN.profile.sandbox) == (False, True)
    assert profile.hosts == {LIVE.host, LIVE.transfers_host}
    assert not profile.answers_queries


def test_a_colon_has_no_place_in_a_reference() -> None:
    """It would blur what is signed of a webhook."""
    assert ADYEN.profile.reference.fullmatch("SHOP-1001_1")
    assert not ADYEN.profile.reference.fullmatch("SHOP:1001")


def test_the_simulators_files_are_the_simulators_account(tmp_path: Path) -> None:
    """Read from a folder, as an application does."""
    with AdyenSimulator(multiple_partial_captures=True).serve() as partner:
        partner.rotate_hmac_key()
        settings = Settings.load(write_settings(tmp_path, partner.settings_files()), {})
        adyen: object = open_adapter(settings, "simulator")
        assert isinstance(adyen, Adyen)
        assert adyen.config.api_key.reveal() == partner.account.api_key.reveal()
        assert adyen.config.base_url == partner.account.base_url
        assert len(adyen.config.hmac_keys) == 2
        assert adyen.config.multiple_partial_captures


def test_the_doctor_looks_at_the_account() -> None:
    """Without keys for webhooks nothing would ever be learnt: that is red."""
    colours = [finding.light.value for finding in doctor.examine(ADYEN, NOON)]
    assert colours == ["green", "yellow"]
    bare = Adyen(replace(ACCOUNT, hmac_keys=(), client_key=None, return_url=None))
    assert [finding.light.value for finding in doctor.examine(bare, NOON)] == ["green", "red", "yellow", "yellow"]


@pytest.mark.parametrize(
    ("expected", "status", "node"),
    [
        ("green", 404, {"errorCode": "14_035", "errorType": "validation"}),
        ("green", 422, {"errorCode": "14_035", "errorType": "validation"}),
        ("red", 401, {"errorCode": "000", "errorType": "security"}),
        ("red", 403, {"errorCode": "901", "errorType": "security"}),
        ("yellow", 500, {"errorCode": "905", "errorType": "internal"}),
    ],
)
def test_the_doctor_asks_one_harmless_question(expected: str, status: int, node: object) -> None:
    """About a link that cannot be there."""
    host = Host([reply(node, status)])
    (finding,) = host.run(doctor.converse(ADYEN, 10.0))
    assert finding.light.value == expected
    assert host.sent[0].method == "GET"
