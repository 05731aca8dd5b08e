"""The ways to tell people: a log line, a signed webhook, an e-mail; over verified TLS, never with a secret in it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Literal

import pytest
from structlog.testing import LogCapture
from tests.support.canaries import Watch
from tests.support.incidents import later, trouble
from tests.support.loopback import OK, Partner, Visit
from tests.support.mail_server import MailServer

from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.alert import Alert, Gone, NotDelivered, alert_of
from payport.sdk.incidents.kinds import MISMATCH, UNKNOWN_AGEING, IncidentKind
from payport.sdk.incidents.lifecycle import resolved
from payport.sdk.incidents.records import Stage, from_trouble
from payport.sdk.incidents.sinks.log import LogAlerts
from payport.sdk.incidents.sinks.mail import Mail
from payport.sdk.incidents.sinks.webhook import Webhook, signature, webhook_key
from payport.sdk.secrets import Secret
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock
from payport.sdk.tls import Trust

KEY = b"payport-test-secret-of-32-bytes!"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NEXT = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def alert(kind: IncidentKind = UNKNOWN_AGEING, stage: Stage = Stage.OPENED) -> Alert:
    return alert_of(from_trouble(trouble(kind)), stage, MORNING)


def trust() -> Trust:
    return Trust(ca_data=loopback_certificates().authority)


# the signature


def hmac_by_hand(key: bytes, message: bytes) -> bytes:
    """RFC 2104, written out: what is compared must not come from what is tested."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def test_a_known_message_has_a_known_signature() -> None:
    """Computed with OpenSSL: ``openssl dgst -sha256 -mac HMAC`` over id, timestamp and body with dots between."""
    body = b'{"type":"incident.opened"}'
    expected = "v1,k60lU0tgcmDEBlS7bczxhSgpoFyIMsSy9LS49BgxY1A="
    assert expected == signature(KEY, "incident_7_1764000000000000_opened", 1764000005, body)
    by_hand = hmac_by_hand(KEY, b"incident_7_1764000000000000_opened.1764000005." + body)
    assert expected == "v1," + base64.b64encode(by_hand).decode()


@pytest.mark.parametrize(
    "secret",
    [
        base64.b64encode(KEY).decode(),
        "whsec_",
        "whsec_not base64!",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsk_" + base64.b64encode(KEY).decode(),
    ],
)
def test_a_secret_has_its_form(secret: str) -> None:
    """``whsec_`` and base64 of 24 to 64 bytes; the message does not show it."""
    with pytest.raises(ConfigurationError, match="24 to 64 bytes") as caught:
        webhook_key(Secret(secret))
    assert len(secret) < 10 or secret[6:] not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://user:w0rd@hooks.example/x",
        "hooks.example/x",
        "https:///x",
        "https://hooks.example/a b",
        "ftp://hooks.example/",
    ],
)
def test_an_address_is_https(url: str) -> None:
    """A token in it, or a password, is not shown."""
    with pytest.raises(ConfigurationError, match="https://HOST/PATH") as caught:
        Webhook(url, Secret(SECRET))
    assert "w0rd" not in str(caught.value)


def test_a_webhook_needs_a_secret() -> None:
    """An unsigned one could come from anybody."""
    with pytest.raises(ConfigurationError, match="needs a secret"):
        Webhook("https://hooks.example/x")


# over the wire


def served(*answers: bytes) -> Partner:
    """A receiver that gives these answers in order, then 200."""
    waiting = list(answers)

    def script(visit: Visit) -> None:
        while visit.request():
            visit.send(waiting.pop(0) if waiting else OK)

    return Partner(script, loopback_certificates().server_context())


def parsed(request: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value.strip() for name, _, value in lines}, body


def test_a_webhook_arrives_signed() -> None:
    """What arrives says what happened and can be verified by whoever has the secret; with two, by either."""
    clock = WorkerClock(Time(), "w")
    with served() as partner:
        hook = Webhook(partner.url, Secret(SECRET), Secret(NEXT), clock=clock, trust=trust())
        hook(alert())
        headers, body = parsed(partner.received)
    payload = json.loads(body)
    assert (payload["type"], payload["timestamp"]) == ("incident.opened", "2026-11-23T01:00:00.000000Z")
    assert payload["data"]["kind"] == "unknown_ageing"
    assert headers["content-type"] == "application/json"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = [f"v1,{base64.b64encode(hmac_by_hand(key, signed)).decode()}" for key in (KEY, bytes(range(24)))]
    assert expected == headers["webhook-signature"].split()
    assert headers["webhook-timestamp"] == str(int(MORNING.timestamp()))


def test_every_try_has_the_same_id_and_its_own_time() -> None:
    """So a receiver knows a repetition, and a recorded message is of no use later."""
    time = Time()
    with served(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n") as partner:
        hook = Webhook(partner.url, Secret(SECRET), clock=WorkerClock(time, "w"), trust=trust())
        with pytest.raises(NotDelivered, match="answered 503"):
            hook(alert())
        time.pass_by(60)
        hook(alert())
        received = partner.received
    requests = [parsed(b"POST" + each)[0] for each in received.split(b"POST")[1:]]
    assert len({each["webhook-id"] for each in requests}) == 1
    assert int(requests[1]["webhook-timestamp"]) - int(requests[0]["webhook-timestamp"]) == 60
    assert "." not in requests[0]["webhook-id"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 302 x\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", NotDelivered),
        (b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", NotDelivered),
        (b"HTTP/1.1 410 x\r\nContent-Length: 0\r\n\r\n", Gone),
        (b"not http\r\n\r\n", NotDelivered),
    ],
)
def test_anything_but_yes_is_not_delivered(answer: bytes, error: type[NotDelivered]) -> None:
    """A redirect is not followed; 410 says never again."""
    with served(answer) as partner:
        hook = Webhook(partner.url, Secret(SECRET), trust=trust())
        with pytest.raises(error) as caught:
            hook(alert())
    assert type(caught.value) is error


def test_a_host_that_is_not_trusted_hears_nothing() -> None:
    """TLS is verified like a partner's."""
    with served() as partner:
        with pytest.raises(NotDelivered, match="was not reached"):
            Webhook(partner.url, Secret(SECRET))(alert())
        assert partner.received == b""


def test_nothing_shows_the_secret(canaries: Watch) -> None:
    """Neither the hook's repr, nor its error, nor a log line at any level."""
    with served(b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n") as partner:
        hook = Webhook(f"{partner.url}&token=t0ken", Secret(SECRET), trust=trust())
        with pytest.raises(NotDelivered) as caught:
            hook(alert())
    shown = f"{hook!r} {caught.value!r}"
    assert "t0ken" not in shown
    assert SECRET[6:] not in shown


# mail


def mail(server: MailServer, security: Literal["starttls", "tls"] = "starttls", **settings: object) -> Mail:
    values: dict[str, object] = {"sender": "payport@shop.example", "to": ["duty@shop.example", "lead@shop.example"]}
    return Mail("127.0.0.1", port=server.port, security=security, trust=trust(), **(values | settings))  # type: ignore[arg-type]  # a table of tests


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_arrives(security: Literal["starttls", "tls"]) -> None:
    """Its subject says how bad and what, its text what to do; it logs in only over TLS."""
    with MailServer(tls=security == "tls") as server:
        mail(server, security, user="payport", password=Secret("p4ssword"))(alert(MISMATCH))
        (message,) = server.messages
    assert (
        message["Subject"] == "[payport] critical: A partner answered about something else than was asked (alipay:2021)"
    )
    assert (message["From"], message["To"]) == ("payport@shop.example", "duty@shop.example, lead@shop.example")
    assert (message["Importance"], message["Auto-Submitted"]) == ("high", "auto-generated")
    assert "What to do: docs/alerts.md#mismatch" in message.get_content()
    assert server.logins == ["|payport|p4ssword"]
    assert {line.split()[0].upper() for line in server.in_the_clear} <= {"EHLO", "STARTTLS"}


def test_every_try_is_one_message_and_one_incident_one_thread() -> None:
    """Mailboxes go by these two headers."""
    with MailServer() as server:
        for stage in (Stage.OPENED, Stage.OPENED, Stage.RESOLVED):
            mail(server)(alert(stage=stage))
        ids = [message["Message-ID"] for message in server.messages]
        threads = {message["References"] for message in server.messages}
    assert ids[0] == ids[1] != ids[2]
    assert len(threads) == 1


@pytest.mark.parametrize(
    "misdeed",
    [
        {"offers_starttls": False},
        {"answers": {"STARTTLS": "454 not now"}},
        {"answers": {"AUTH": "535 wrong: p4ssword"}},
        {"answers": {"MAIL": "550 no"}},
        {"answers": {"RCPT": "550 no such user"}},
        {"answers": {"DATA": "451 full"}},
        {"answers": {"EHLO": "500 what", "HELO": "500 what"}},
    ],
)
def test_a_mail_that_was_not_taken_is_not_delivered(misdeed: dict[str, dict[str, str]]) -> None:
    """A server without TLS is told nothing; what it says is not repeated: it may repeat the password."""
    with MailServer(**misdeed) as server:  # type: ignore[arg-type]  # a table of tests
        with pytest.raises(NotDelivered) as caught:
            mail(server, user="payport", password=Secret("p4ssword"))(alert())
        assert server.messages == []
    assert "p4ssword" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert not any("AUTH" in line or "MAIL" in line for line in server.in_the_clear)


def test_one_address_that_is_refused_is_an_error() -> None:
    """Whoever was to be woken was not."""
    with (
        MailServer(refuses=frozenset({"lead@shop.example"})) as server,
        pytest.raises(NotDelivered, match="refused 1 of 2 addresses"),
    ):
        mail(server)(alert())


def test_a_mail_server_that_is_not_trusted_hears_nothing() -> None:
    """Its certificate is verified, by name too."""
    with MailServer(tls=True) as server:
        with pytest.raises(NotDelivered, match="SSLCertVerificationError"):
            Mail("127.0.0.1", port=server.port, security="tls", sender="a@b.example", to=["c@d.example"])(alert())
        assert server.messages == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"security": "none"}, "not sent without TLS"),
        ({"to": []}, "at least one address"),
        ({"to": ["duty"]}, "at least one address"),
        ({"to": ["a@b.example\r\nBcc: x@y.example"]}, "at least one address"),
        ({"sender": "a b@c.example"}, "at least one address"),
        ({"user": "payport"}, "together, or neither"),
        ({"host": "mail.example:25"}, "not the name of a mail server"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(settings: dict[str, object], words: str) -> None:
    """Not when something has gone wrong and nobody hears of it."""
    values: dict[str, object] = {"host": "mail.example", "sender": "a@b.example", "to": ["c@d.example"]}
    with pytest.raises(ConfigurationError, match=words):
        Mail(**(values | settings))  # type: ignore[arg-type]  # a table of tests


def test_nothing_shows_the_password() -> None:
    """Not even the object itself."""
    built = Mail("mail.example", sender="a@b.example", to=["c@d.example"], user="u", password=Secret("p4ssword"))
    assert repr(built) == "Mail('mail.example')"


# the log


@pytest.mark.parametrize(
    ("kind", "stage", "level"),
    [
        (MISMATCH, Stage.OPENED, "critical"),
        (UNKNOWN_AGEING, Stage.OVERDUE, "error"),
        (MISMATCH, Stage.RESOLVED, "info"),
    ],
)
def test_a_log_line_has_the_level_of_its_class(kind: IncidentKind, stage: Stage, level: str) -> None:
    """And every field by its name."""
    import structlog

    capture = LogCapture()
    LogAlerts(structlog.wrap_logger(None, processors=[capture]))(alert(kind, stage))
    (line,) = capture.entries
    assert (line["log_level"], line["event"], line["kind"]) == (level, f"incident.{stage.value}", kind.name)


def test_an_end_says_who_and_why() -> None:
    """In the fields as well."""
    over = resolved(from_trouble(trouble()), "Wen", later(60), "restarted")
    plain = alert_of(over, Stage.RESOLVED, later(60)).plain()
    assert (plain["resolved_by"], plain["note"], plain["status"]) == ("Wen", "restarted", "resolved")


def test_runbooks_may_stand_anywhere() -> None:
    """In the documents of this library, where you publish them, or in your own wiki."""
    incident = from_trouble(trouble(UNKNOWN_AGEING))
    told = alert_of(incident, Stage.OPENED, MORNING, runbooks="https://docs.shop.example/payport/")
    assert told.runbook == "https://docs.shop.example/payport/docs/alerts.md#unknown-ageing"
