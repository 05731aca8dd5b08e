"""What both gateways have in common besides their verbs: whose they are, and views that may do less."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payport.schemas.order import Order
    from payport.schemas.outcome import NotSent
    from payport.sdk.adapter import Adapter, SupportsPay
    from payport.sdk.breaker import BreakerState
    from payport.sdk.desk import Desk
    from payport.sdk.journal.store import Journal
    from payport.sdk.verbs import GatewayVerb

AdapterT_co = TypeVar("AdapterT_co", bound="Adapter", covariant=True)
MethodT = TypeVar("MethodT")
NativeT = TypeVar("NativeT")


class Front(Generic[AdapterT_co]):
    """The part of a gateway that waits for nothing."""

    _adapter: AdapterT_co
    _desk: Desk

    @property
    def adapter(self) -> AdapterT_co:
        """The adapter."""
        return self._adapter

    @property
    def journal(self) -> Journal:
        """The journal, for tools that read it."""
        return self._desk.around.journal

    @property
    def permitted(self) -> frozenset[GatewayVerb]:
        """The verbs that may be used here."""
        return self._desk.permitted

    def permitting(self, *verbs: GatewayVerb, actor: str = "") -> Self:
        """The same gateway for somebody who may do no more than this; ``actor``: who, for the audit trail.

        Another verb raises :class:`payport.sdk.NotPermitted`. What was not permitted here is not permitted there
        either. Closing the view leaves the gateway open; closing the gateway closes its views. It keeps honest code to
        its part, and is no wall against code that wants to get around it.

        Raises :class:`payport.sdk.ConfigurationError` for a verb that there is not.
        """
        view = copy(self)
        vars(view)["_desk"] = self._desk.permitting(verbs, actor)
        return view

    def prepare(
        self: Front[SupportsPay[MethodT, NativeT]], order: Order, method: MethodT, connection: object
    ) -> str | NotSent:
        """Write the intent in the application's own transaction on ``connection``; ``resume`` sends it after commit.

        ``connection``: a DBAPI or SQLAlchemy connection to the database that holds the journal. Answers the
        operation's id.
        """
        return self._desk.prepare(self._adapter, order, method, connection)

    def breakers(self) -> Sequence[BreakerState]:
        """How the circuit breakers before this account stand; empty without."""
        return self._desk.breakers()
