"""Alerts as e-mail, over TLS that is verified: SMTPS, or STARTTLS before anything is said."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.alert import Alert, NotDelivered
from payport.sdk.incidents.kinds import FaultClass
from payport.sdk.secrets import Secret
from payport.sdk.tls import Trust, context

if TYPE_CHECKING:
    import smtplib

TIMEOUT_S = 20.0
PORTS = {"starttls": 587, "tls": 465}


class Mail:
    """Sends alerts by e-mail.

    ``security``: ``"starttls"`` (port 587) or ``"tls"`` (port 465); there is no way without, so neither the message nor
    the password can be read on the way. ``sender``, ``to``: addresses. ``user``, ``password``: where the server wants
    them. ``trust``: whom to believe; Mozilla's list by default.

    Raises :class:`payport.sdk.ConfigurationError` for what cannot work.
    """

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        to: Sequence[str],
        security: Literal["starttls", "tls"] = "starttls",
        port: int | None = None,
        user: str | None = None,
        password: Secret | None = None,
        trust: Trust | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        if security not in PORTS:
            raise ConfigurationError(f'security is "starttls" or "tls", got {security!r}: mail is not sent without TLS')
        if (user is None) is not (password is None):
            raise ConfigurationError("a mail server wants a user and a password together, or neither")
        addresses = (sender, *to)
        if len(addresses) < 2 or any(not _is_address(each) for each in addresses):
            raise ConfigurationError("mail needs a sender and at least one address to go to, like duty@shop.example")
        if not host or any(each.isspace() or each in "@/:" for each in host):
            raise ConfigurationError(f"{host!r} is not the name of a mail server")
        self._host, self._port = host, port or PORTS[security]
        self._security = security
        self._sender, self._to = sender, tuple(to)
        self._user, self._password = user, password
        self._trust = trust or Trust()
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"Mail({self._host!r})"

    def __call__(self, alert: Alert, /) -> None:
        """Send it once. Raises :class:`NotDelivered` when the server does not take it for every address."""
        import smtplib  # noqa: PLC0415 - with the first alert

        message = self._message(alert)
        try:
            with self._connected() as server:
                if self._user is not None and self._password is not None:
                    server.login(self._user, self._password.reveal())
                refused = server.send_message(message, self._sender, self._to)
        except smtplib.SMTPResponseException as error:
            # the server's words are not shown: some repeat what they were sent
            raise NotDelivered(f"{self._host} answered {error.smtp_code} ({type(error).__name__})") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"{self._host} did not take the message ({type(error).__name__})") from None
        if refused:
            raise NotDelivered(f"{self._host} refused {len(refused)} of {len(self._to)} addresses")

    def _connected(self) -> smtplib.SMTP:
        import smtplib  # noqa: PLC0415 - as above

        trusted = context(self._trust)
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=trusted)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        try:
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._sender, ", ".join(self._to)
        message["Subject"] = alert.subject
        message["Date"] = format_datetime(alert.at)
        # the same for every try: most mailboxes show a message once
        message["Message-ID"] = f"<{alert.id}@{self._sender.rpartition('@')[2]}>"
        # a thread of one incident in the mailbox
        message["References"] = f"<incident_{alert.incident.id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if alert.incident.fault_class is FaultClass.CRITICAL:
            message["Importance"] = "high"
        message.set_content(alert.text())
        return message


def _is_address(text: str) -> bool:
    name, at, host = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not any(each in ' ,;<>"()\\' for each in text)
    return bool(name and at and host) and plain and "@" not in name
