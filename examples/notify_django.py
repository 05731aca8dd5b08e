"""Receive notifications beside a Django project: the door stands before ``get_wsgi_application()`` in ``wsgi.py``."""

from __future__ import annotations

import tempfile
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrShown
from payport.sdk import Gateway
from payport.sdk.web import WsgiNotifications


class Quiet(WSGIRequestHandler):
    """No line per request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


def application(gateway: Gateway[Alipay]) -> WSGIApplication:
    """What a project's ``wsgi.py`` holds, with one view."""

    def order(_: HttpRequest, ref: str) -> JsonResponse:
        history = gateway.history(ref)
        return JsonResponse({"ref": ref, "state": history[-1].state.value if history else "unknown"})

    urls = (path("orders/<str:ref>", order),)
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=urls, SECRET_KEY="an example has none to keep")
    return WsgiNotifications(gateway).before(get_wsgi_application(), "/notify/alipay")


def main() -> None:
    """A server on this machine, an order, and a payer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
        make_server("127.0.0.1", 0, application(gateway), handler_class=Quiet) as server,
    ):
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


if __name__ == "__main__":
    main()
