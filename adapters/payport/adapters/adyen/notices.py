"""Webhooks: every item of a batch authentic and addressed to this account, then read. The answer is ``[accepted]``.

Standard webhooks carry a signature in each item, over eight fields of it; the others carry one in a header, over the
raw body. Nothing in either has an age: what is new is decided by the journal.
Sources: Adyen's documentation, "webhooks", "verify HMAC signatures", "handle webhook events".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from payport.adapters.adyen.events import EVENTS, Lesson, amount_of, event_id, lessons_of
from payport.adapters.adyen.reading import Unreadable, instant, parsed
from payport.adapters.adyen.signing import is_authentic, payload_of
from payport.adapters.adyen.wire import NotificationItem
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.adyen.adapter import Adyen

ACCEPTED = Acknowledgement(status=200, content_type="text/plain", body=b"[accepted]")
REFUSED = Acknowledgement(status=401, content_type="text/plain", body=b"refused")
HEADER = "hmacsignature"
MAX_ITEMS = 100
_NOT_KEPT = "a report is announced without a signature: not believed, and not sent again, since it would hold others up"

Node = Mapping[str, object]


class _Refused(Exception):
    def __init__(self, kind: RejectedKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def open_notice(adyen: Adyen, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """What Adyen told this account, or why it is refused: one bad item refuses the whole batch."""
    now = (yield from exchange.now()).utc
    try:
        node = _json(raw)
        if "notificationItems" not in node:
            return _platform_event(adyen, raw, node)
        found = _items(node)
        if all(_is_unsigned_report(item) for item in found):
            return Rejected(kind=RejectedKind.UNSIGNED, detail=_NOT_KEPT, acknowledgement=ACCEPTED)
        items = [_authentic(adyen, item) for item in found]
        _check_environment(adyen, node.get("live"))
        read = [_addressed(adyen, item) for item in items]
        lessons = tuple(lesson for item in read for lesson in lessons_of(item, now))
        return _opened(read, lessons)
    except _Refused as refused:
        if refused.kind is RejectedKind.BAD_SIGNATURE:
            yield from exchange.emit(SignatureFailed(partner=adyen.partner, account=adyen.account, endpoint="notice"))
        return Rejected(kind=refused.kind, detail=str(refused), acknowledgement=REFUSED)
    except Unreadable as error:
        detail = f"authentic, but no event: {error}"
        return Rejected(kind=RejectedKind.MALFORMED, detail=detail, acknowledgement=REFUSED)


def _json(raw: RawNotification) -> Node:
    try:
        return parse_object(raw.body)
    except MalformedJson as error:
        raise _Refused(RejectedKind.MALFORMED, str(error)) from None


def _items(node: Node) -> list[Node]:
    found = node.get("notificationItems")
    if not isinstance(found, list) or not found:
        raise _Refused(RejectedKind.MALFORMED, "no notificationItems are there")
    wrapped = cast("list[object]", found)
    if len(wrapped) > MAX_ITEMS:
        raise _Refused(RejectedKind.MALFORMED, f"more than {MAX_ITEMS} items")
    items: list[Node] = []
    for each in wrapped:
        inner = cast("Node", each).get("NotificationRequestItem") if isinstance(each, Mapping) else None
        if not isinstance(inner, Mapping):
            raise _Refused(RejectedKind.MALFORMED, "an item is no NotificationRequestItem")
        items.append(cast("Node", inner))
    return items


def _is_unsigned_report(item: Node) -> bool:
    """Whether it only says that a report can be fetched, which Adyen does not always sign."""
    return item.get("eventCode") == "REPORT_AVAILABLE" and _signature_of(item) is None


def _signature_of(item: Node) -> str | None:
    additional = item.get("additionalData")
    signature = cast("Node", additional).get("hmacSignature") if isinstance(additional, Mapping) else None
    return signature if isinstance(signature, str) and signature else None


def _authentic(adyen: Adyen, item: Node) -> Node:
    signature = _signature_of(item)
    if signature is None:
        raise _Refused(RejectedKind.UNSIGNED, "an item carries no hmacSignature")
    try:
        message = payload_of(item).encode()
    except (TypeError, UnicodeEncodeError) as error:
        raise _Refused(RejectedKind.MALFORMED, str(error)) from None
    _check_signature(adyen, message, signature)
    return item


def _check_signature(adyen: Adyen, message: bytes, signature: str) -> None:
    keys = [key.reveal() for key in adyen.config.hmac_keys]
    if not keys:
        raise _Refused(RejectedKind.BAD_SIGNATURE, "no HMAC key is configured, so nothing can be believed")
    if not is_authentic(message, signature, keys):
        detail = "no HMAC key fits: the key is another webhook's, or what is signed was changed on the way"
        raise _Refused(RejectedKind.BAD_SIGNATURE, detail)


def _check_environment(adyen: Adyen, live: object) -> None:
    told = live if isinstance(live, str) else str(live).lower()
    if told != ("true" if adyen.config.live else "false"):
        raise _Refused(RejectedKind.WRONG_ACCOUNT, f"live is {told[:10]}, and this account is the other kind")


def _addressed(adyen: Adyen, item: Node) -> NotificationItem:
    read = parsed(NotificationItem, item)
    if read.merchant_account_code != adyen.config.merchant_account:
        raise _Refused(RejectedKind.WRONG_ACCOUNT, "it is addressed to another merchant account")
    return read


def _opened(items: list[NotificationItem], lessons: tuple[Lesson, ...]) -> Opened:
    """One event stands for a batch: the first item's, under the numbers of all."""
    first = items[0]
    numbers = "+".join(event_id(item) for item in items)
    return Opened(
        event=Event(
            kind=EVENTS.get(first.event_code, EventKind.OTHER),
            id=numbers if len(numbers) <= 100 else hashlib.sha256(numbers.encode()).hexdigest(),
            partner_ref=first.merchant_reference or None,
            partner_id=PartnerId(first.psp_reference),
            status=f"{first.event_code} {first.success}",
            amount=amount_of(first),
            occurred_at=instant(first.event_date),
        ),
        lessons=lessons,
        acknowledgement=ACCEPTED,
    )


def _platform_event(adyen: Adyen, raw: RawNotification, node: Node) -> Opened:
    """An event of the platform, signed in a header over the raw body. It teaches nothing about payments."""
    signature = next((value for name, value in raw.headers.items() if name.lower() == HEADER), "")
    if not signature:
        raise _Refused(RejectedKind.UNSIGNED, "the notification carries neither signed items nor an HmacSignature")
    _check_signature(adyen, raw.body, signature)
    kind = node.get("type")
    if not isinstance(kind, str) or not kind:
        raise _Refused(RejectedKind.MALFORMED, "authentic, but it has no type")
    if node.get("environment") not in (None, "live" if adyen.config.live else "test"):
        raise _Refused(RejectedKind.WRONG_ACCOUNT, "it is of the other environment")
    at = node.get("timestamp") or node.get("createdAt")
    return Opened(
        event=Event(
            kind=EventKind.PAYOUT if ".transfer." in kind or ".payout." in kind else EventKind.OTHER,
            id=hashlib.sha256(raw.body).hexdigest(),
            partner_ref=None,
            partner_id=None,
            status=kind[:200],
            amount=None,
            occurred_at=instant(at) if isinstance(at, str) else None,
        ),
        lessons=(),
        acknowledgement=ACCEPTED,
    )
