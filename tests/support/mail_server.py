"""A mail server on loopback that keeps what it is sent, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import contextlib
import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread
from types import TracebackType
from typing import Self

from payport.sdk.testing.certificates import loopback_certificates


@dataclass
class MailServer:
    """Speaks SMTP with STARTTLS, or over TLS from the first byte when ``tls``.

    ``answers``: what to say to a command instead of yes, by its first word. ``refuses``: addresses that it does not
    know. ``offers_starttls``: whether it can.
    """

    tls: bool = False
    offers_starttls: bool = True
    answers: dict[str, str] = field(default_factory=dict[str, str])
    refuses: frozenset[str] = frozenset()
    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])
    logins: list[str] = field(default_factory=list[str])
    in_the_clear: list[str] = field(default_factory=list[str])
    """Commands that were read before TLS was up."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.certified = loopback_certificates().server_context()

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with _Talk(self, sock) as talk, contextlib.suppress(OSError):
                talk.go_on()

    def answer(self, word: str, line: str) -> str:
        """What to say to a command."""
        if any(f"<{address}>" in line for address in self.refuses):
            return "550 no such user"
        if word in self.answers:
            return self.answers[word]
        return {"STARTTLS": "220 go on", "AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye"}.get(
            word, "250 ok"
        )


_YES = {"STARTTLS": "220 go on", "AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye"}


class _Talk:
    """One connection."""

    def __init__(self, server: MailServer, sock: socket.socket) -> None:
        self._server = server
        self._sock = sock
        self._secure = False
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def go_on(self) -> None:
        """Until the other side has gone."""
        if self._server.tls:
            self._begin_tls()
        self._say("220 mail.example ESMTP")
        while line := self._until(b"\r\n").decode():
            if not self._secure:
                self._server.in_the_clear.append(line)
            self._obey(line.split()[0].upper(), line)

    def _obey(self, word: str, line: str) -> None:
        if word == "EHLO" and word not in self._server.answers:
            offers_tls = self._server.offers_starttls and not self._secure
            self._say(f"250-mail.example\r\n250 {'STARTTLS' if offers_tls else 'AUTH PLAIN'}")
            return
        answer = self._server.answer(word, line)
        self._say(answer)
        match word, answer[0]:
            case "STARTTLS", "2":
                self._begin_tls()
            case "AUTH", "2":
                self._server.logins.append(base64.b64decode(line.split()[2]).decode().replace("\0", "|"))
            case "DATA", "3":
                text = self._until(b"\r\n.\r\n").replace(b"\r\n..", b"\r\n.")
                self._server.messages.append(message_from_bytes(text, policy=policy.default))
                self._say("250 kept")
            case _:
                pass

    def _begin_tls(self) -> None:
        self._sock = self._server.certified.wrap_socket(self._sock, server_side=True)
        self._secure, self._rest = True, b""

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            more = self._sock.recv(65536)
            if not more:
                return b""
            self._rest += more
        found, _, self._rest = self._rest.partition(end)
        return found

    def _say(self, text: str) -> None:
        self._sock.sendall(f"{text}\r\n".encode())
