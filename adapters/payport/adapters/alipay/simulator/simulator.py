"""Alipay's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from payport.adapters.alipay.account import AlipayAccount, AlipayCertificates
from payport.adapters.alipay.certificates import root_cert_sn
from payport.adapters.alipay.simulator import backoffice
from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.cashier import Cashier
from payport.adapters.alipay.simulator.configuration import settings_files
from payport.adapters.alipay.simulator.counter import Counter
from payport.adapters.alipay.simulator.gate import Gate, read_parameters
from payport.adapters.alipay.simulator.keys import Leaf, authority, first_leaf, new_leaf, pair
from payport.adapters.alipay.simulator.ledger import Ledger
from payport.adapters.alipay.simulator.notices import Notices
from payport.adapters.alipay.simulator.payer import Payer
from payport.adapters.alipay.simulator.replies import Quirks
from payport.adapters.alipay.simulator.rows import TransferStatus
from payport.adapters.alipay.simulator.service import CERTIFICATE_DOWNLOAD, HANDLERS, PAGES, Service
from payport.schemas.events import Acknowledgement
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    pass

GATEWAY_PATH = "/gateway.do"
IN_PROCESS_URL = "https://alipay.simulator"
_ENCRYPTION_KEY = "cGF5cG9ydC1zaW11bGF0ZQ=="


def _accepts(answer: Acknowledgement) -> bool:
    """Alipay takes nothing but these seven bytes for an acknowledgement."""
    return (answer.status, answer.body) == (200, b"success")


class AlipaySimulator(Simulator):
    """Alipay's side, stateful, with its own keys, answering and notifying with genuine signatures.

    ``mode``: ``key`` (public key), ``certificate``, or ``pinned`` (certificates whose root file does not anchor them,
    as in the sandbox). ``charset``: what :attr:`account` asks for, ``utf-8`` or ``gbk``. ``encryption``: contents
    encrypted. ``clock``: the true time (with time zone); :meth:`advance` moves the partner's own time on from it.
    ``balance_minor``: what the merchant's account holds at first, in fen.

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS::

        with AlipaySimulator().serve() as partner:
            gateway = Gateway(Alipay(partner.account), journal=...)

    Safe to use from many threads.
    """

    def __init__(
        self,
        mode: Literal["key", "certificate", "pinned"] = "key",
        *,
        charset: str = "utf-8",
        encryption: bool = False,
        clock: Callable[[], datetime] | None = None,
        app_id: str = "9021000000000001",
        seller_id: str = "2088000000000001",
        balance_minor: int = 100_000_000,
    ) -> None:
        self.mode = mode
        super().__init__(accepts=_accepts, in_process_url=IN_PROCESS_URL, clock=clock)
        self._charset = charset
        self._encryption_key = _ENCRYPTION_KEY if encryption else None
        self._tree = None if mode == "key" else authority(anchored=mode == "certificate")
        self._alipay_key = pair("alipay")
        self._configured = None if self._tree is None else first_leaf(self._tree)
        leaves: dict[str, Leaf] = {} if self._configured is None else {self._configured.sn: self._configured}
        self._books = Books(
            app_id=app_id, seller_id=seller_id, balance_minor=balance_minor, code_url="https://qr.alipay.simulator/"
        )
        self._service = Service(
            books=self._books,
            gate=self._gate(app_id),
            faults=self.faults,
            clock=self.clock,
            key=self._alipay_key,
            leaves=leaves,
            cert_sn=None if self._configured is None else self._configured.sn,
        )
        self._cashier = Cashier(self._service)
        self._counter = Counter(self._cashier, self._publish)
        self.notices = Notices(app_id, lambda: self._service.key, self._service.now, self._courier.take)
        self.payer = Payer(self._cashier, self._publish)
        self.ledger = Ledger(self._books, self._settle)

    @property
    def account(self) -> AlipayAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        application = pair("application")
        served = self.served
        certificates = None
        if self._tree is not None and self._configured is not None:
            certificates = AlipayCertificates(
                application=self._tree.application,
                alipay=self._configured.pem,
                root=self._tree.root_bundle,
                pinned=self.mode == "pinned",
            )
        return AlipayAccount(
            app_id=self._books.app_id,
            private_key=Secret(application.private_pem()),
            alipay_public_key=self._alipay_key.public_base64() if certificates is None else None,
            certificates=certificates,
            seller_id=self._books.seller_id,
            gateway_url=f"{self.url}{GATEWAY_PATH}",
            charset=self._charset,
            encryption_key=None if self._encryption_key is None else Secret(self._encryption_key),
            trust=self.trust if served else None,
        )

    @property
    def quirks(self) -> Quirks:
        """The oddities of the replies; assign other :class:`Quirks` to switch some on."""
        return self._service.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        self._service.quirks = quirks

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the method's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: the gateway itself, or the cashier's pages."""
        if incoming.path != GATEWAY_PATH:
            return Delivery(self._counter.visit(incoming))
        params = read_parameters(incoming)
        if params.get("method") in PAGES:
            return Delivery(self._counter.enter(params))
        delivery = self._service.handle(params)
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
        """Move the partner's time on: orders end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def fund(self, balance_minor: int) -> None:
        """Set the merchant's balance, in fen."""
        with self._books.lock:
            self._books.balance_minor = balance_minor

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (payments, refunds, transfers); how many there were."""
        finished = backoffice.process(self._service, succeed=succeed)
        self._publish()
        return finished

    def move_transfer(self, out_biz_no: str, status: TransferStatus = TransferStatus.RETURNED) -> None:
        """A transfer reaches another state by itself; by default the payee's bank sends it back after all.

        Raises ``KeyError`` when there is no such transfer, ``ValueError`` when its money is back already.
        """
        backoffice.move_transfer(self._service, out_biz_no, status)
        self._publish()

    def rotate_certificate(self, *, new_key: bool = False) -> str:
        """Alipay renews its certificate: another number, the same key unless asked otherwise. Gives the number.

        The configured one stays valid for what it signed; an unknown number is to be fetched from the gateway.
        """
        if self._tree is None:
            raise ValueError("there is no certificate in public-key mode")
        if new_key:
            self._service.key = pair("alipay-next")
        leaf = new_leaf(self._tree, self._service.key)
        self._service.leaves[leaf.sn] = leaf
        self._service.cert_sn = leaf.sn
        return leaf.sn

    def _moved(self, url: str) -> None:
        self._books.code_url = f"{url}/qr/"

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)

    def _gate(self, app_id: str) -> Gate:
        download = frozenset({CERTIFICATE_DOWNLOAD}) if self._tree is not None else frozenset[str]()
        return Gate(
            app_id=app_id,
            key=pair("application").public,
            app_cert_sn=None if self._tree is None else self._tree.application_sn,
            root_cert_sn=None if self._tree is None else root_cert_sn(self._tree.root_bundle),
            encryption_key=self._encryption_key,
            methods=frozenset(HANDLERS) | PAGES | download,
        )
