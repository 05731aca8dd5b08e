"""What the payer must do next. Handing one out is exposure: it can be paid with no further call from us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Send the payer's browser to ``url`` (GET)."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostForm:
    """Have the payer's browser post ``fields`` to ``url``."""

    url: str
    fields: Mapping[str, str] = field(repr=False)

    def html(self) -> str:
        """A complete page that posts the form as soon as it is loaded."""
        from html import escape  # noqa: PLC0415 - brings a table of 2,000 entities, needed for pages only

        inputs = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in self.fields.items()
        )
        return (
            '<!doctype html><html><head><meta charset="utf-8"></head><body>'
            f'<form method="post" action="{escape(self.url)}" accept-charset="utf-8">{inputs}'
            '<noscript><button type="submit">Pay</button></noscript></form>'
            "<script>document.forms[0].submit()</script></body></html>"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """Draw ``text`` as a QR code for the payer to scan."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParameters:
    """Hand ``payload`` to the partner's SDK in the phone app, mini-program or page.

    ``fields`` holds the same parameters by name where the partner's SDK takes them one by one. Neither is shown by
    ``repr``: whoever has them can go on with the payment.
    """

    payload: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


Action: TypeAlias = Redirect | PostForm | QrCode | AppParameters
