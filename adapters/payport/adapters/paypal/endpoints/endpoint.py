"""One endpoint of PayPal, typed: the request and reply it speaks, and the one way to call any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, StringConstraints

from payport.adapters.paypal.adapter import PayPal
from payport.adapters.paypal.calls import Call, Reply, ask_paypal
from payport.adapters.paypal.reading.fields import Unreadable, parsed, refusal
from payport.adapters.paypal.wire import Wire
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

Number: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
"""One of PayPal's numbers."""
RequestId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,108}$")]
"""What PayPal recognises a repetition by: the caller keeps it, and gives the same one when asking again."""
Instant: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9:]+)$")
]
"""RFC 3339, seconds needed."""

_IN_PATH = re.compile(r"\{([a-z_]+)\}")


class Request(BaseModel):
    """The base of all requests, in PayPal's own spelling. Says which field is wrong, never what stood in it.

    ``echoed``: the field whose value the reply repeats as its own number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)
    echoed: ClassVar[str | None] = None


RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)


@dataclass(frozen=True, slots=True)
class PayPalEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One operation of PayPal's REST API for ``gateway.native``.

    ``name``: PayPal's name of it. ``path``: with the request's fields in braces; the others become the query of a GET
    or the body of a POST. ``repeats``: the field of the reply that must be what the request names.
    ``Succeeded`` says that the call was carried out; what became of the money stands in the reply's ``status``.
    """

    name: str
    verb: Literal["GET", "POST"]
    path: str
    reply: type[ReplyT_co]
    repeats: str = "id"
    moves_money: bool = False

    @property
    def partner(self) -> str:
        """``"paypal"``."""
        return "paypal"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Send under a token, read, compare with what was asked."""
        if not isinstance(adapter, PayPal):
            raise ConfigurationError(f"{self.name} goes through the PayPal adapter, not {type(adapter).__name__}")
        fields = request.model_dump(exclude_none=True)
        answer = yield from ask_paypal(adapter, self._call(fields), deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return _refused(answer)
        try:
            reply = parsed(self.reply, answer.node)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")
        asked = fields.get(request.echoed) if request.echoed is not None else None
        if asked is not None and getattr(reply, self.repeats, None) != asked:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"{self.repeats} is not the one that was asked about")
        return Answer(reply)

    def _call(self, fields: Mapping[str, object]) -> Call:
        inside = set(_IN_PATH.findall(self.path))
        path = self.path.format(**{name: quote(str(fields[name]), safe="") for name in inside})
        request_id = fields.get("request_id")
        rest = {name: value for name, value in fields.items() if name not in inside and name != "request_id"}
        if self.verb == "GET" and rest:
            path = f"{path}?{urlencode(rest)}"
        return Call(
            endpoint=self.name,
            verb=self.verb,
            path=path,
            body=rest if self.verb == "POST" else None,
            request_id=request_id if isinstance(request_id, str) else None,
            moves_money=self.moves_money,
        )


def _refused(answer: Reply) -> Observation:
    told = refusal(answer)
    if told.state is not State.ACTION:
        return told
    return Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=answer.verdict.reason,
        partner_code=told.partner_code,
        message=told.message,
    )
