"""WeChat Pay's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.simulator import backoffice
from payport.adapters.wechatpay.simulator.books import Books, Parties
from payport.adapters.wechatpay.simulator.cashier import Cashier
from payport.adapters.wechatpay.simulator.configuration import settings_files
from payport.adapters.wechatpay.simulator.counter import Counter
from payport.adapters.wechatpay.simulator.gate import Gate
from payport.adapters.wechatpay.simulator.keys import API_V3_KEY, Cabinet, Mode, merchant_serial, pair
from payport.adapters.wechatpay.simulator.ledger import Ledger
from payport.adapters.wechatpay.simulator.notices import Notices, accepted
from payport.adapters.wechatpay.simulator.payer import Payer
from payport.adapters.wechatpay.simulator.quirks import Quirks
from payport.adapters.wechatpay.simulator.rows import RefundStatus, TransferState
from payport.adapters.wechatpay.simulator.service import Service
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    pass

IN_PROCESS_URL = "https://api.wechatpay.simulator"
IN_PROCESS_BACKUP_URL = "https://api2.wechatpay.simulator"
IN_PROCESS_PAGE_URL = "https://wx.wechatpay.simulator"


class WeChatPaySimulator(Simulator):
    """WeChat Pay's side, stateful, with its own keys, answering and notifying with genuine signatures.

    ``mode``: what it signs with: ``certificate``, ``public_key``, or ``both`` as while WeChat moves a merchant from one
    to the other. ``sub_mchid`` (and ``sub_appid``): the merchant is a service provider, this is its sub-merchant.
    ``clock``: the true time (with time zone); :meth:`advance` moves the partner's own time on from it.
    ``balance_minor``: what the merchant's account holds at first, in fen. A payment code says what the wallet behind
    it does (:class:`Wallet`).

    Calls are named by method and path as WeChat writes them, also where faults are planned::

        partner.faults.next(Fault.COMMIT_THEN_SILENCE, "POST /v3/pay/transactions/codepay")

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS with :meth:`serve`; it answers
    under any host name. Safe to use from many threads.
    """

    def __init__(
        self,
        mode: Mode = "certificate",
        *,
        clock: Callable[[], datetime] | None = None,
        mchid: str = "1900000109",
        appid: str = "wxd678efh567hg6787",
        app_appid: str | None = "wxa0000000000000app",
        mini_program_appid: str | None = "wxb0000000000mini",
        sub_mchid: str | None = None,
        sub_appid: str | None = None,
        notify_url: str | None = "https://shop.example/wechatpay",
        balance_minor: int = 100_000_000,
    ) -> None:
        super().__init__(accepts=accepted, in_process_url=IN_PROCESS_URL, clock=clock)
        self._notify_url = notify_url
        self._app_appid = None if sub_mchid is not None else app_appid
        self._mini_program_appid = None if sub_mchid is not None else mini_program_appid
        appids = {appid, self._app_appid, self._mini_program_appid}
        self._cabinet = Cabinet(mode, self.clock())
        self._books = Books(
            parties=Parties(
                mchid=mchid,
                appid=appid,
                appids=frozenset(one for one in appids if one is not None),
                sub_mchid=sub_mchid,
                sub_appid=sub_appid,
            ),
            balance_minor=balance_minor,
            api_url=IN_PROCESS_URL,
            page_url=IN_PROCESS_PAGE_URL,
        )
        self._service = Service(
            books=self._books,
            gate=Gate(
                mchid=mchid,
                serial_no=merchant_serial(),
                key=pair("merchant").public,
                cabinet=self._cabinet,
            ),
            cabinet=self._cabinet,
            faults=self.faults,
            clock=self.clock,
        )
        cashier = Cashier(self._service)
        self._counter = Counter(cashier, self._publish)
        self.notices = Notices(self._cabinet, self.clock, self._courier.take)
        self.payer = Payer(cashier, self._publish)
        self.ledger = Ledger(self._books, self._settle)

    @property
    def account(self) -> WeChatPayAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator, as of now."""
        parties, public = self._books.parties, self._cabinet.public
        has_public_key = self._cabinet.mode != "certificate"
        return WeChatPayAccount(
            mchid=parties.mchid,
            appid=parties.appid,
            private_key=Secret(pair("merchant").private_pem()),
            serial_no=merchant_serial(),
            api_v3_key=Secret(API_V3_KEY),
            platform_public_key=public.pair.public_pem() if has_public_key else None,
            platform_public_key_id=public.id if has_public_key else None,
            sub_mchid=parties.sub_mchid,
            sub_appid=parties.sub_appid,
            app_appid=self._app_appid,
            mini_program_appid=self._mini_program_appid,
            notify_url=self._notify_url,
            base_url=self.url,
            backup_url=self.backup_url,
            trust=self.trust if self.served else None,
        )

    @property
    def mode(self) -> Mode:
        """What it signs with now."""
        return self._cabinet.mode

    @property
    def backup_url(self) -> str:
        """The same books under another host name."""
        return f"https://localhost:{urlsplit(self.url).port}" if self.served else IN_PROCESS_BACKUP_URL

    @property
    def quirks(self) -> Quirks:
        """The oddities; assign other :class:`Quirks` to switch some on."""
        return self._books.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        self._books.quirks = quirks

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the call's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: the API itself, or the phone's pages."""
        if not incoming.path.startswith("/v3/"):
            return Delivery(self._counter.visit(incoming))
        delivery = self._service.handle(incoming)
        self._publish()
        return delivery

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the key files it refers to, by name, for a gateway in another process."""
        return settings_files(self.account)

    @property
    def now(self) -> datetime:
        """The partner's time."""
        return self._service.now()

    def advance(self, seconds: float) -> None:
        """Move the partner's time on: refunds are carried out, links end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def fund(self, balance_minor: int) -> None:
        """Set the merchant's balance, in fen."""
        with self._books.lock:
            self._books.balance_minor = balance_minor

    def name_payee(self, openid: str, name: str) -> None:
        """The true name of a payee: transfers to another name fail."""
        with self._books.lock:
            self._books.payee_names[openid] = name

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (payments, refunds, splits, transfers); how many there were.

        A transfer goes on to the payee, who must still confirm it. A refund that does not succeed is closed.
        """
        finished = backoffice.process(self._service, succeed=succeed)
        self._publish()
        return finished

    def move_refund(self, out_refund_no: str, status: RefundStatus = RefundStatus.ABNORMAL) -> None:
        """A refund reaches another state; by default the payer's account cannot take the money back.

        Raises ``KeyError`` when there is no such refund, ``ValueError`` when its money is back already.
        """
        backoffice.move_refund(self._service, out_refund_no, status)
        self._publish()

    def move_transfer(
        self, out_bill_no: str, state: TransferState = TransferState.FAIL, reason: str | None = None
    ) -> None:
        """A transfer reaches another state by itself; ``reason``: why it failed.

        Raises ``KeyError`` when there is no such transfer, ``ValueError`` when it is at its end.
        """
        backoffice.move_transfer(self._service, out_bill_no, state, reason)
        self._publish()

    def rotate_certificate(self, *, drop_old: bool = False) -> str:
        """WeChat goes over to a new certificate with a new key; gives its serial number.

        Older ones stay listed until dropped. Raises ``ValueError`` for a merchant with a public key only.
        """
        return self._cabinet.rotate(self.clock(), drop_old=drop_old).id

    def switch(self, mode: Mode) -> None:
        """Go on from certificates to ``both`` and then to the ``public_key``. There is no way back: ``ValueError``."""
        self._cabinet.switch(mode)

    def probe(self, times: int = 1) -> None:
        """Let the next answers carry WeChat's deliberately wrong signatures (``WECHATPAY/SIGNTEST/``)."""
        self._service.probes = times

    def _moved(self, url: str) -> None:
        self._books.api_url = self._books.page_url = url

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)
