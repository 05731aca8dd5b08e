"""WeChat's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.wechatpay_v2.account import SignType, WeChatPayV2Account
from payport.adapters.wechatpay_v2.simulator.books import Books, OrderStatus, RefundStatus
from payport.adapters.wechatpay_v2.simulator.cashier import Cashier
from payport.adapters.wechatpay_v2.simulator.configuration import settings_files
from payport.adapters.wechatpay_v2.simulator.ledger import Ledger
from payport.adapters.wechatpay_v2.simulator.notices import Notices, accepts
from payport.adapters.wechatpay_v2.simulator.pages import MWEB_PATH, Pages
from payport.adapters.wechatpay_v2.simulator.payer import Payer
from payport.adapters.wechatpay_v2.simulator.service import HANDLERS, Quirks, Service
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

IN_PROCESS_URL = "https://wechatpay.simulator"
_API_KEY = "payport0simulated0wechat0pay0key"
_NOTIFY_URL = "https://shop.example/wechatpay"


class WeChatPayV2Simulator(Simulator):
    """WeChat's side of API v2, stateful, answering and notifying with genuine signatures under the shared key.

    ``sign_type``: what :attr:`account` asks for. ``sub_mch_id``, ``sub_appid``: the account is a service provider's.
    ``notify_url``: where notices go; one of this machine is posted to. ``clock``: the true time (with time zone);
    :meth:`advance` moves the partner's own time on from it. ``balance_minor``: the merchant's money at first, in fen.

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS, where refunds and
    reversals then need the client certificate that :attr:`account` comes with::

        with WeChatPayV2Simulator().serve() as partner:
            gateway = Gateway(WeChatPayV2(partner.account), journal=...)

    Safe to use from many threads.
    """

    def __init__(
        self,
        sign_type: SignType = SignType.HMAC_SHA256,
        *,
        clock: Callable[[], datetime] | None = None,
        appid: str = "wx0123456789abcdef",
        mch_id: str = "1900000109",
        sub_appid: str | None = None,
        sub_mch_id: str | None = None,
        notify_url: str = _NOTIFY_URL,
        balance_minor: int = 100_000_000,
    ) -> None:
        super().__init__(accepts=accepts, in_process_url=IN_PROCESS_URL, clock=clock, asks_for_client=True)
        self._sign_type = sign_type
        self._notify_url = notify_url
        said = {"appid": appid, "mch_id": mch_id, "sub_appid": sub_appid, "sub_mch_id": sub_mch_id}
        self._books = Books(
            identity={name: value for name, value in said.items() if value is not None}, balance_minor=balance_minor
        )
        self._service = Service(
            books=self._books,
            api_key=_API_KEY,
            faults=self.faults,
            clock=self.clock,
            mweb_url=lambda prepay_id: f"{self.url}{MWEB_PATH}?prepay_id={prepay_id}&package=1037687096",
            demands_certificate=lambda: self.served,
        )
        self._cashier = Cashier(self._service)
        self._pages = Pages(self._cashier, self._publish)
        self.notices = Notices(self._service, self._courier.take)
        self.payer = Payer(self._cashier, self._publish)
        self.ledger = Ledger(self._books, self._settle)

    @property
    def account(self) -> WeChatPayV2Account:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        identity = self._books.identity
        return WeChatPayV2Account(
            appid=identity["appid"],
            mch_id=identity["mch_id"],
            sub_appid=identity.get("sub_appid"),
            sub_mch_id=identity.get("sub_mch_id"),
            api_key=Secret(_API_KEY),
            sign_type=self._sign_type,
            notify_url=self._notify_url,
            site_url="https://shop.example",
            base_url=self.url,
            trust=self.trust,
        )

    @property
    def trust(self) -> Trust:
        """How to trust the loopback server, and the merchant's client certificate."""
        from payport.sdk.testing.certificates import client_identity, loopback_certificates  # noqa: PLC0415 - makes keys
        from payport.sdk.tls import ClientCertificate, Trust  # noqa: PLC0415 - loads ssl

        chain_file = client_identity("Payport simulated merchant").chain_file
        return Trust(
            ca_data=loopback_certificates().authority, client_certificate=ClientCertificate(chain_file=chain_file)
        )

    @property
    def quirks(self) -> Quirks:
        """The oddities of the messages; assign other :class:`Quirks` to switch some on."""
        return self._service.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        self._service.quirks = quirks

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the endpoint after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: an endpoint, or the cashier's pages."""
        if incoming.path.lstrip("/") not in HANDLERS:
            return Delivery(self._pages.visit(incoming))
        delivery = self._service.handle(incoming)
        self._publish()
        return delivery

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the files it refers to, by name, for a gateway in another process while this one runs.

        The client certificate stays where this process keeps it, as TLS reads it from a file.
        """
        return settings_files(self.account)

    @property
    def now(self) -> datetime:
        """The partner's time."""
        return self._service.now()

    def advance(self, seconds: float) -> None:
        """Move the partner's time on: orders end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def fund(self, balance_minor: int) -> None:
        """Set the merchant's balance, in fen."""
        with self._books.lock:
            self._books.balance_minor = balance_minor

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (payments, refunds, closings); how many there were."""
        self._service.settle()
        with self._books.lock:
            finished = self._payments(succeed=succeed) + self._refunds(succeed=succeed)
        self._publish()
        return finished

    def _payments(self, *, succeed: bool) -> int:
        slow = [row for row in self._books.orders.values() if row.slow or row.closing]
        for row in slow:
            if row.closing:
                row.closing, row.status = False, OrderStatus.CLOSED if succeed else row.status
            elif succeed:
                self._books.charge(row, self.now)
            else:
                row.status = OrderStatus.FAILED
            row.slow = False
        return len(slow)

    def _refunds(self, *, succeed: bool) -> int:
        slow = [
            (row, refund)
            for row in self._books.orders.values()
            for refund in row.refunds.values()
            if refund.status is RefundStatus.PROCESSING
        ]
        for row, refund in slow:
            if succeed:
                self._books.give_back(row, refund, self.now)
            else:
                refund.status = RefundStatus.CLOSED
                self._books.tell_refund(row, refund)
        return len(slow)

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)
