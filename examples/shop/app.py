"""The shop: one journal, one gateway for each partner, a few routes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Annotated, Never, cast

from examples.shop import pages
from examples.shop.partners import Partner
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from payport.schemas import ActionRequired, AppParameters, Money, Order, Payer, PostForm, QrCode, Redirect
from payport.schemas.outcome import PayOutcome
from payport.sdk import Gateway, Journal
from payport.sdk.adapter import SupportsComplete, SupportsPay


class Shop:
    """What the routes work with. ``base``: the shop's own address, for the payer's return."""

    def __init__(self, partners: Mapping[str, Partner], journal: Journal, base: str) -> None:
        self.partners = partners
        self.base = base
        self._journal = journal
        self._numbers = count(1)
        self._gateways = {
            name: Gateway(partner.adapter, journal=journal, sinks=()) for name, partner in partners.items()
        }
        for name, gateway in self._gateways.items():
            self._listen(partners[name], gateway)

    def close(self) -> None:
        """Close the gateways; journal and simulators are the caller's."""
        for gateway in self._gateways.values():
            gateway.close()

    def buy(self, name: str) -> tuple[str, PayOutcome[object]]:
        """A new order for tea, and what its first attempt came to."""
        partner = self.partners[name]
        ref = f"TEA{next(self._numbers):06d}"
        order = Order(
            ref=ref,
            amount=Money.of("12.34", partner.currency),
            subject="Tea",
            payer=Payer(ip="127.0.0.1"),
            return_url=f"{self.base}/orders/{ref}",
        )
        return ref, self._gateways[name].pay(order, cast("Never", partner.method))

    def look(self, ref: str, returned: Mapping[str, str]) -> PayOutcome[object] | None:
        """How an order stands: the partner is told to go on where it waits for us, else asked. ``None``: no such."""
        operations = self._journal.read(lambda session: session.operations(ref))
        if not operations:
            return None
        gateway = next(each for each in self._gateways.values() if each.adapter.account == operations[-1].account)
        if hasattr(gateway.adapter, "plan_complete"):
            return cast("Gateway[SupportsComplete[object]]", gateway).complete(ref, returned)
        return gateway.query(ref).outcome

    def cashier(self, name: str) -> str:
        """The simulator's page of what waits to be paid."""
        return f"{self.partners[name].simulator.url}/"

    @staticmethod
    def _listen(partner: Partner, gateway: Gateway[SupportsPay[Never, object]]) -> None:
        partner.simulator.deliver_to(lambda raw: gateway.receive(raw).acknowledgement)


def application(shop: Shop) -> FastAPI:
    """The routes."""
    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    def front() -> str:
        return pages.front({name: partner.title for name, partner in shop.partners.items()})

    @app.post("/orders")
    def buy(partner: Annotated[str, Form()]) -> Response:
        if partner not in shop.partners:
            raise HTTPException(404)
        ref, outcome = shop.buy(partner)
        if not isinstance(outcome, ActionRequired):
            return RedirectResponse(f"/orders/{ref}", 303)
        match outcome.action:
            case Redirect(url=url):
                return RedirectResponse(url, 303)
            case PostForm() as form:
                return HTMLResponse(form.html())
            case QrCode() | AppParameters() as action:
                return HTMLResponse(pages.checkout(ref, action, shop.cashier(partner)))

    @app.api_route("/orders/{ref}", methods=["GET", "POST"], response_class=HTMLResponse)
    def order(ref: str, request: Request) -> str:
        outcome = shop.look(ref, dict(request.query_params))
        if outcome is None:
            raise HTTPException(404)
        return pages.status(ref, outcome)

    return app
