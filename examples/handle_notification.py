"""Receive the partner's notifications over HTTP: hand the raw bytes to the gateway, answer what it says."""

from __future__ import annotations

import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrCode, QrShown, RawNotification, Rejected, Verified
from payport.sdk import Gateway


def handler(gateway: Gateway[Alipay]) -> type[BaseHTTPRequestHandler]:
    """A handler for the standard library's server; any framework that gives raw bytes does as well."""

    class Notifications(BaseHTTPRequestHandler):
        """Takes what the partner posts."""

        def do_POST(self) -> None:
            """Verify, keep, apply, acknowledge: all of it in ``receive``."""
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            query = self.path.partition("?")[2]
            match gateway.receive(RawNotification(body=body, headers=dict(self.headers), query=query)):
                case Verified(event=event, first_seen=first_seen, acknowledgement=answer):
                    print("genuine:", event.kind.value, event.status, event.ref, "new" if first_seen else "seen before")
                case Rejected(kind=kind, detail=detail, acknowledgement=answer):
                    print("refused:", kind.value, detail)
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """No line per request."""

    return Notifications


def main() -> None:
    """A shop with an address for notifications, and a payer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
        ThreadingHTTPServer(("127.0.0.1", 0), handler(gateway)) as server,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        order = Order(
            ref="SHOP10010001",
            amount=Money.of("12.34", "CNY"),
            subject="Tea",
            notify_url=f"http://127.0.0.1:{server.server_port}/alipay",  # yours is https and public
        )
        partner.notices.copies = 2  # partners deliver at least once
        outcome = gateway.pay(order, QrShown())
        if isinstance(outcome, ActionRequired) and isinstance(outcome.action, QrCode):
            partner.payer.scan(outcome.action.text)
            partner.wait_delivered()
        gateway.deliver(lambda change: print("the order changed:", change.ref, change.kind, change.state))
        server.shutdown()


if __name__ == "__main__":
    main()
