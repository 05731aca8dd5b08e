"""Where requests may go: exact hosts over https, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind
from payport.sdk.transport.trip import SendError

_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]"
_ORIGIN = re.compile(rf"(https?)://({_HOST})(?::([0-9]{{1,5}}))?")
_ENTRY = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_TARGET = re.compile(r"(?:/[!\"$-\[\]^-~]*)?")  # printable ASCII but "#" (never sent) and "\" (read as "/" by some)
_LOOPBACK = re.compile(r"127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\]")
_MAX_ORIGINS = 256


@dataclass(frozen=True, slots=True)
class Address:
    """One server: where a connection leads. ``host`` is lower case, without brackets; ``tls`` says https."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """What the ``Host`` header says: the port only where it is not the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """An allowed URL, taken apart. ``path``: what the request line says, the query included, byte for byte."""

    address: Address
    path: str


class Hosts:
    """The exact hosts that requests may go to: ``"api.example.com"`` (port 443) or ``"api.example.com:8443"``.

    An IP address has to stand in the list like any name. Plain http goes to listed loopback addresses only, and only
    with ``loopback_plaintext``. Raises :class:`ConfigurationError` for an entry that is no lower-case host name.
    """

    def __init__(self, hosts: frozenset[str], *, loopback_plaintext: bool = False) -> None:
        self._allowed = frozenset(_entry(host) for host in hosts)
        self._loopback_plaintext = loopback_plaintext
        self._known: dict[str, Address] = {}

    def admit(self, url: str, *, closed: bool = False) -> Target:
        """The URL taken apart. Raises :class:`SendError` when nothing may be sent there."""
        found = "the transport is closed" if closed else self.find(url)
        if isinstance(found, str):
            raise SendError(FailureKind.REFUSED, found)
        return found

    def find(self, url: str) -> Target | str:
        """The URL taken apart, or a sentence why nothing may be sent there."""
        end = url.find("/", 8)
        origin, path = (url, "") if end < 0 else (url[:end], url[end:])
        if _TARGET.fullmatch(path) is None:
            return "the URL has a fragment, a space, a backslash or a character outside ASCII in its path"
        address = self._known.get(origin)
        if address is None:
            found = self._judge(origin)
            if isinstance(found, str):
                return found
            if len(self._known) < _MAX_ORIGINS:
                self._known[origin] = found
            address = found
        return Target(address, path or "/")

    def _judge(self, origin: str) -> Address | str:
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            return "the URL is not https://host[:port]/path with a lower-case ASCII host and no user name"
        scheme, host, port = match.groups()
        tls = scheme == "https"
        number = int(port) if port else (443 if tls else 80)
        if (host, number) not in self._allowed:
            return f"{host}:{number} is not on the list of allowed hosts"
        if not tls and not (self._loopback_plaintext and _LOOPBACK.fullmatch(host)):
            return "plain http is refused: nothing is sent without TLS"
        return Address(host.strip("[]"), number, tls)


def _entry(entry: str) -> tuple[str, int]:
    match = _ENTRY.fullmatch(entry)
    if match is None or int(match[2] or 443) not in range(1, 65536):
        raise ConfigurationError(f"host {entry!r} is not a lower-case ASCII host name, with or without :port")
    return match[1], int(match[2] or 443)
