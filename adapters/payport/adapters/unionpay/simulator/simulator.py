"""UnionPay's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.unionpay.account import (
    Encoding,
    SignMethod,
    UnionPayAccount,
    UnionPayAuthority,
    UnionPayKey,
)
from payport.adapters.unionpay.calls import FILES, FRONT
from payport.adapters.unionpay.simulator.books import Books
from payport.adapters.unionpay.simulator.cashier import Cashier
from payport.adapters.unionpay.simulator.configuration import settings_files
from payport.adapters.unionpay.simulator.counter import Counter
from payport.adapters.unionpay.simulator.gate import Gate, read_fields, read_file_request
from payport.adapters.unionpay.simulator.keys import authority, encryption_leaf, merchant_leaf, unionpay_leaf
from payport.adapters.unionpay.simulator.ledger import Ledger
from payport.adapters.unionpay.simulator.notices import Notices
from payport.adapters.unionpay.simulator.payer import Payer
from payport.adapters.unionpay.simulator.rows import Status
from payport.adapters.unionpay.simulator.seals import Seal
from payport.adapters.unionpay.simulator.service import KINDS, Service
from payport.schemas.events import Acknowledgement
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    pass

GATEWAY_PATH = "/gateway/api/"
FILES_PATH = "/files/"
IN_PROCESS_URL = "https://unionpay.simulator"
NOTIFY_URL = "https://merchant.simulator/unionpay"
SECRET_KEY = "88888888"  # noqa: S105 - the key of a simulator
RESEND_AFTER_S = (0.05, 0.1, 0.2, 0.4)
"""UnionPay sends up to five times, minutes apart: as many times, but sooner."""


def _accepts(answer: Acknowledgement) -> bool:
    """UnionPay does not look at the body; a redirect counts as received, too."""
    return answer.status in (200, 302)


class UnionPaySimulator(Simulator):
    """UnionPay's side, stateful, with its own authority, answering and notifying with genuine signatures.

    ``sign_method``: ``01`` (certificates), ``11`` or ``12`` (a shared key, SHA-256 or SM3). ``encoding``: what
    :attr:`account` sends. ``clock``: the true time (with time zone); :meth:`advance` moves UnionPay's own time on.

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS::

        with UnionPaySimulator().serve() as partner:
            gateway = Gateway(UnionPay(partner.account), journal=...)

    Safe to use from many threads.
    """

    def __init__(
        self,
        sign_method: SignMethod = "01",
        *,
        encoding: Encoding = "UTF-8",
        clock: Callable[[], datetime] | None = None,
        mer_id: str = "777290058100001",
    ) -> None:
        self.sign_method: SignMethod = sign_method
        super().__init__(accepts=_accepts, in_process_url=IN_PROCESS_URL, clock=clock, resend_after_s=RESEND_AFTER_S)
        self._encoding: Encoding = encoding
        self._renewals = 1
        self._seal = Seal(
            sign_method=sign_method,
            secret=SECRET_KEY,
            unionpay=unionpay_leaf(1),
            merchant=merchant_leaf(mer_id),
        )
        self._books = Books(mer_id=mer_id, code_url="https://qr.unionpay.simulator/")
        self._service = Service(
            books=self._books,
            gate=Gate(mer_id=mer_id, seal=self._seal, kinds=KINDS),
            seal=self._seal,
            faults=self.faults,
            clock=self.clock,
        )
        self._cashier = Cashier(self._service)
        self._counter = Counter(self._cashier, self._publish)

        self.notices = Notices(mer_id, self._seal, self._courier.take)
        self.payer = Payer(self._cashier, self._publish)
        self.ledger = Ledger(self._books, self._settle)

    @property
    def account(self) -> UnionPayAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        certified = self.sign_method == "01"
        tree, merchant = authority(), self._seal.merchant
        key = UnionPayKey(private_key=Secret(merchant.private_pem()), certificate=merchant.pem())
        return UnionPayAccount(
            mer_id=self._books.mer_id,
            key=key if certified else None,
            secret_key=None if certified else Secret(SECRET_KEY),
            sign_method=self.sign_method,
            authorities=(UnionPayAuthority(middle=tree.middle.pem(), root=tree.root.pem()),) if certified else (),
            encryption_certificate=encryption_leaf().pem(),
            notify_url=NOTIFY_URL,
            gateway_url=f"{self.url}{GATEWAY_PATH}",
            files_url=f"{self.url}{FILES_PATH}",
            encoding=self._encoding,
            trust=self.trust if self.served else None,
        )

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the endpoint's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    @property
    def query_lag_s(self) -> float:
        """How long after it was made a transaction is unknown to queries (code 34), in seconds."""
        return self._books.query_lag_s

    @query_lag_s.setter
    def query_lag_s(self, seconds: float) -> None:
        self._books.query_lag_s = seconds

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: gateway, file host, or the cashier's pages."""
        if incoming.path == FILES_PATH:
            return self._service.handle(FILES, read_file_request(incoming.body))
        if not incoming.path.startswith(GATEWAY_PATH):
            return Delivery(self._counter.visit(incoming))
        path, fields = incoming.path.removeprefix(GATEWAY_PATH), read_fields(incoming.body)
        if path == FRONT:
            return Delivery(self._counter.enter(fields))
        delivery = self._service.handle(path, fields)
        self._publish()
        return delivery

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the key files it refers to, by name, for a gateway in another process."""
        return settings_files(self.account)

    @property
    def now(self) -> datetime:
        """UnionPay's time."""
        return self._service.now()

    def advance(self, seconds: float) -> None:
        """Move UnionPay's time on: orders end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final; how many there were. Who must confirm on the phone is left alone."""
        self._service.settle()
        with self._books.lock:
            slow = [row for row in self._books.rows.values() if row.status is Status.PENDING and not row.opened]
            for row in slow:
                if succeed:
                    self._books.finish(row, self.now)
                else:
                    self._books.fail(row, "01", self.now)
        self._publish()
        return len(slow)

    def settle_with_defect(self, order_id: str) -> None:
        """From now on UnionPay says A6 of what it says 00 of: paid, and something about it is not in order."""
        with self._books.lock:
            for row in self._books.rows.values():
                if row.order_id == order_id:
                    row.defective = True

    def put_file(self, settle_date: str, content: bytes) -> None:
        """Have a file ready for download: ``settle_date`` as ``MMDD``."""
        with self._books.lock:
            self._books.files[settle_date] = content

    def rotate_certificate(self) -> str:
        """UnionPay renews its certificate, with another key; no merchant has to do anything. Gives the new number."""
        self._renewals += 1
        self._seal.unionpay = unionpay_leaf(self._renewals)
        return self._seal.unionpay.cert_id

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
