"""Redaction: what is not known is dropped, what is personal is masked, a card number is never written out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from enum import Enum

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.canaries import Watch

from payport.schemas.classes import FieldClass
from payport.sdk.card_numbers import mask_card_numbers
from payport.sdk.events import KeyLearned, Level, StructlogSink
from payport.sdk.redaction import Redaction, configure_logging, default_logger
from payport.sdk.secrets import Secret


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        # the usual lengths and issuers
        ("411111******1111", "4111111111111111"),
        ("378282*****0005", "378282246310005"),
        ("222300******0003", "2223000048400003"),
        ("501800**0009", "501800000009"),
        ("620000*********0000", "6200000000000000000"),
        # grouped, and inside other text
        ("card 411111******1111, thanks", "card 4111 1111 1111 1111, thanks"),
        ("card 411111******1111.", "card 4111-1111-1111-1111."),
        ("x411111******1111y", "x4111111111111111y"),
        # a neighbouring number does not hide it
        ("order 12 411111******1111 99", "order 12 4111 1111 1111 1111 99"),
        ("31 411111******1111", "31 4111111111111111"),
        ("411111******1111 378282*****0005", "4111111111111111 378282246310005"),
        # not card numbers: Luhn, length, issuer
        ("4111111111111112", "4111111111111112"),
        ("41111111116", "41111111116"),
        ("41111111111111111111111111111111", "41111111111111111111111111111111"),
        ("2088102146225135", "2088102146225135"),
        ("20261123111311", "20261123111311"),
        ("1764000000000", "1764000000000"),
        ("", ""),
    ],
)
def test_card_numbers_keep_six_and_four_digits(shown: str, text: str) -> None:
    """What PCI DSS lets be shown."""
    assert shown == mask_card_numbers(text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789 -x", max_size=80))
def test_masking_twice_is_masking_once(text: str) -> None:
    """And nothing but digits and their separators goes."""
    once = mask_card_numbers(text)
    assert once == mask_card_numbers(once)
    assert text.count("x") == once.count("x")


@settings(deadline=None)
@given(st.text(alphabet=" ,x", max_size=5), st.integers(10**11, 10**16), st.text(alphabet=" ,x", max_size=5))
def test_every_number_with_a_check_digit_is_masked(before: str, body: int, after: str) -> None:
    """Whatever stands around it."""
    digits = f"4{body}"
    number = next(f"{digits}{check}" for check in range(10) if luhn(f"{digits}{check}"))
    assert number not in mask_card_numbers(f"{before}{number}{after}")


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, written another way than in the library."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


class Colour(Enum):
    """An enum of an application."""

    RED = "4111111111111111"


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("text", "text"),
        (7, 7),
        (7.5, 7.5),
        (True, True),
        (None, None),
        ("411111******1111", 4111111111111111),
        ("-411111******1111", -4111111111111111),
        ("999999999999", 999999999999),
        ("411111******1111", Colour.RED),
        ("***", Secret("hidden")),
        ("<bytes>", b"raw"),
        ("<object>", object()),
        ({"a": ["411111******1111", "<bytes>"]}, {"a": ["4111111111111111", b"raw"]}),
    ],
)
def test_what_becomes_of_a_known_field(shown: object, value: object) -> None:
    """Plain values stay, card numbers are cut, everything else shows its type."""
    assert {"event": shown} == Redaction()(None, "info", {"event": value})


def test_unknown_fields_are_dropped_and_personal_ones_masked() -> None:
    """Nobody logs a request by putting it into a field of its own."""
    extra = {"user": FieldClass.PERSONAL, "session_token": FieldClass.SECRET, "request_id": FieldClass.INTERNAL}
    line = {
        "event": "x",
        "ref": "SHOP10010001",
        "user": "Li",
        "session_token": "t",
        "request_id": "r1",
        "headers": {"a": 1},
    }
    assert Redaction()(None, "info", dict(line)) == {"event": "x", "ref": "SHOP10010001"}
    assert Redaction(extra)(None, "info", dict(line)) == {
        "event": "x",
        "ref": "SHOP10010001",
        "user": "***",
        "session_token": "***",
        "request_id": "r1",
    }


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logging set up by the library, on a text; structlog and the HTTP loggers are left as they were."""
    file = io.StringIO()
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    configure_logging(file=file, extra_fields={"request_id": FieldClass.INTERNAL})
    yield file
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_a_configured_process_writes_one_json_object_a_line(lines: io.StringIO) -> None:
    """With time, level, the event's fields and the context that was named."""
    structlog.contextvars.bind_contextvars(request_id="r1", customer="not named")
    StructlogSink()(KeyLearned(partner="alipay", account="alipay:2021", serial="0ab1"))
    default_logger().debug("below the level")
    [line] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "key.learned",
        "level": "info",
        "partner": "alipay",
        "account": "alipay:2021",
        "serial": "0ab1",
        "request_id": "r1",
    }


def test_a_logged_traceback_shows_no_local_variables_and_no_card(lines: io.StringIO, canaries: Watch) -> None:
    """Locals hold keys and requests; texts of errors hold what the payer typed."""
    logger = structlog.get_logger()
    try:
        fail(canaries["private_key"], canaries["card_number"])
    except ValueError:
        logger.exception("it broke", body=canaries["phone"])
    canaries.look_at(lines.getvalue())
    [line] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"][-1]["name"] == "fail"


def fail(private_key: str, card_number: str) -> None:
    """Raise with a card number in the message and a key at hand."""
    assert private_key
    raise ValueError(f"cannot charge {card_number}")


def test_the_http_libraries_write_warnings_only(lines: io.StringIO) -> None:
    """At INFO httpx writes whole URLs, at DEBUG httpcore writes headers with cookies."""
    assert [logging.getLogger(name).level for name in ("httpx", "httpcore")] == [logging.WARNING] * 2


def test_who_configured_nothing_gets_warnings_on_the_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Structlog's own default would print every payment on the standard output."""
    structlog.reset_defaults()
    default_logger().info("quiet")
    default_logger().warning("loud", ref="SHOP10010001", headers="dropped")
    out, err = capsys.readouterr()
    assert out == ""
    [line] = [json.loads(line) for line in err.splitlines()]
    assert line.items() >= {"event": "loud", "level": "warning", "ref": "SHOP10010001"}.items()
    assert "headers" not in line


def test_the_level_is_the_least_that_is_written(lines: io.StringIO) -> None:
    """Set for the process."""
    configure_logging(least=Level.ERROR, file=lines)
    structlog.get_logger().warning("quiet")
    structlog.get_logger().error("loud")
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == ["loud"]
