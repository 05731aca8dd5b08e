"""A partner's host: is it reached, is its TLS sound, and does its clock agree with ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import cast

from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.errors import ConfigurationError
from payport.sdk.hosting import Clock
from payport.sdk.tls import Trust, context

TIMEOUT_S = 5.0
TOLERATED_SKEW_S = 30.0
BAD_SKEW_S = 300.0
SOON = timedelta(days=14)
_HTTPS = 443
_MAX_HEAD_BYTES = 16 * 1024


def examine_host(host: str, trust: Trust, clock: Clock) -> Sequence[Finding]:
    """Connect to ``host`` (with ``:port`` when it is not 443) as a gateway would; never raises for what it meets.

    The first finding is green only when the host was reached and its TLS is sound.
    """
    name, _, port = host.partition(":")
    try:
        with socket.create_connection((name, int(port or _HTTPS)), timeout=TIMEOUT_S) as plain:
            return _examine_tls(host, name, plain, trust, clock)
    except socket.gaierror:
        return [yellow(f"{host}: the name cannot be resolved", "check the network, DNS and the spelling of the host")]
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        return [yellow(f"{host}: not reached ({why})", "check the network and whether a firewall lets this out")]


def _examine_tls(host: str, name: str, plain: socket.socket, trust: Trust, clock: Clock) -> Sequence[Finding]:
    try:
        with context(trust).wrap_socket(plain, server_hostname=name) as link:
            return [*_sound(host, link, clock), _clock(host, link, clock)]
    except ssl.SSLCertVerificationError as error:
        mend = "trust the right authority (ca), correct the clock, or ask who sits between you and the partner"
        return [red(f"{host}: its certificate does not hold: {error.verify_message or error.reason}", mend)]
    except ssl.SSLError as error:
        return [red(f"{host}: TLS 1.2 or newer could not be agreed: {error.reason}", "ask who sits in between")]
    except ConfigurationError as error:
        return [red(f"{host}: {error}", "correct the setting that is named")]


def _sound(host: str, link: ssl.SSLSocket, clock: Clock) -> list[Finding]:
    certificate = link.getpeercert() or {}
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    cipher = link.cipher()
    found = [
        green(
            f"{host}: {link.version()} ({cipher[0] if cipher else 'no cipher'}), chain and name verified, "
            f"issued by {_issuer(certificate)}, valid until {ends:%Y-%m-%d}"
        )
    ]
    if ends - clock.moment().utc < SOON:
        found.append(yellow(f"{host}: its certificate ends on {ends:%Y-%m-%d}", "the partner must renew it; watch it"))
    return found


def _issuer(certificate: Mapping[str, object]) -> str:
    # as the standard library gives it: ((("countryName", "CN"),), (("commonName", "..."),))
    names = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate.get("issuer", ()))
    flat = dict(pair for group in names for pair in group)
    return flat.get("commonName") or flat.get("organizationName") or "an unnamed authority"


def _clock(host: str, link: ssl.SSLSocket, clock: Clock) -> Finding:
    """Compare clocks by the ``Date`` of any answer. A request for the headers of ``/`` means nothing to a partner."""
    asked = clock.moment().utc
    theirs = _date(host, link)
    if theirs is None:
        return yellow(f"{host} does not say what time it is", "compare this machine's clock yourself (NTP)")
    middle = asked + (clock.moment().utc - asked) / 2
    skew_s = (middle - theirs).total_seconds()
    words = f"this machine's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} {host}"
    mend = "set the clock by NTP: partners refuse requests whose time is off"
    if abs(skew_s) > BAD_SKEW_S:
        return red(words, mend)
    return yellow(words, mend) if abs(skew_s) > TOLERATED_SKEW_S else green(words)


def _date(host: str, link: ssl.SSLSocket) -> datetime | None:
    request = f"HEAD / HTTP/1.1\r\nhost: {host}\r\nuser-agent: payport\r\nconnection: close\r\n\r\n"
    try:
        link.sendall(request.encode("ascii"))
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD_BYTES:
            piece = link.recv(4096)
            if not piece:
                break
            head += piece
    except OSError:
        return None
    for line in head.decode("latin-1").split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == "date":
            return _parsed(value.strip())
    return None


def _parsed(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
