"""Receive notifications beside a Flask application: one line puts the door in front of it."""

from __future__ import annotations

import logging
import tempfile
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrShown
from payport.sdk import Gateway
from payport.sdk.web import WsgiNotifications


def application(gateway: Gateway[Alipay]) -> Flask:
    """The shop's application."""
    app = Flask(__name__)

    @app.get("/orders/<ref>")
    def order(ref: str) -> dict[str, str]:
        history = gateway.history(ref)
        return {"ref": ref, "state": history[-1].state.value if history else "unknown"}

    app.wsgi_app = WsgiNotifications(gateway).before(app.wsgi_app, "/notify/alipay")  # type: ignore[method-assign, assignment]  # Flask's own way
    return app


def main() -> None:
    """A server on this machine, an order, and a payer."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line per request
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
    ):
        server = make_server("127.0.0.1", 0, application(gateway), threaded=True)
        serving = Thread(target=server.serve_forever)
        serving.start()
        order = Order(
            ref="SHOP10010001",
            amount=Money.of("12.34", "CNY"),
            subject="Tea",
            notify_url=f"http://127.0.0.1:{server.server_port}/notify/alipay",  # yours is https and public
        )
        outcome = gateway.pay(order, QrShown())
        if isinstance(outcome, ActionRequired):
            partner.payer.open(outcome.action)
            partner.wait_delivered()
        gateway.deliver(lambda change: print("the order changed:", change.ref, change.kind, change.state))
        server.shutdown()
        serving.join()
        server.server_close()


if __name__ == "__main__":
    main()
