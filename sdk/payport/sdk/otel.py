"""Traces and metrics by OpenTelemetry's conventions. Needs the extra ``otel``; the application sets the SDK up.

Each verb is a span, below the span that its caller had open; each HTTP request of it is a child of kind *client*. In
the payment's path a verb is only noted. A thread makes its spans a moment later, with their own times, so that neither
what spans cost nor an exporter that hangs is felt by a payment. While a verb runs, its caller's span stays current.

Nothing of it is sent to the partner: no request has a ``traceparent``. No attribute holds a reference, an amount, a
path or a word of the partner: paths and queries name orders and payers, so ``url.full`` ends at the host.

Source: OpenTelemetry semantic conventions 1.40, "HTTP client spans" and "HTTP metrics".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from payport.schemas.outcome import ActionRequired, Authorized, Declined, NotSent, Pending, Succeeded, Unknown
from payport.sdk import exchange
from payport.sdk.background import Background
from payport.sdk.errors import ConfigurationError
from payport.sdk.events import EventSink, Level, ObserverFailed, SdkEvent, StructlogSink, emit_safely
from payport.sdk.exchange import Exchange, Moment
from payport.sdk.forks import follow_forks
from payport.sdk.hosting import AsyncHosting, Exchanged, SyncHost
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.operations.querying import Observed
from payport.sdk.settings import OpenTelemetrySettings
from payport.sdk.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from payport.sdk.adapter import Adapter

T = TypeVar("T")

VERBS = {
    name: name
    for name in (
        "pay", "query", "wait", "complete", "capture", "cancel", "refund", "payout", "receive", "resume", "adopt",
        "native",
    )
} | {"resolve_ref": "resolve"}  # fmt: skip
"""What becomes a span: the names of operations, and what the port calls them."""

BOUNDARIES_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets that the conventions advise for the time of a request."""

EVERY_S = 0.1
"""How long verbs wait for their spans: seldom enough to make many at once, which costs half as much of each."""

MAX_WAITING = 4096
"""So many verbs may wait; later ones are dropped, and told."""

SLOW_S = 2.0
"""What takes longer becomes a trace in any case."""

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"})
_PORTS = {"https": 443, "http": 80}
_UNSENT = frozenset({FailureKind.REFUSED, FailureKind.DEADLINE})
_NANO = 1_000_000_000
_UNANSWERED = (NotSent, Unknown)
_OUTCOMES: Mapping[type, str] = {
    Succeeded: "succeeded",
    Authorized: "authorized",
    Pending: "pending",
    ActionRequired: "action_required",
    Declined: "declined",
    NotSent: "not_sent",
    Unknown: "unknown",
}


class _Origin(NamedTuple):
    """Where requests go. ``url``: what may be told of their URLs."""

    host: str
    port: int
    url: str


class _Request(NamedTuple):
    """What is told of one request."""

    method: str
    origin: _Origin
    endpoint: str
    status: int
    error: str
    begun_s: float
    ended_s: float


class _Verb(NamedTuple):
    """What is told of one verb. ``under``: what its caller had open."""

    name: str
    partner: str
    account: str
    under: Context
    begun: Moment
    ended_s: float
    outcome: str
    error: str
    requests: Sequence[_Request]


class OpenTelemetry:
    """A sink that shows verbs and requests as spans, and measures requests. Pass it in a gateway's ``sinks``.

    ``tracer_provider``, ``meter_provider``: by default the application's global ones, also when they are set later.
    ``sinks``: who is told when verbs had to be dropped because an exporter hangs; by default a warning in the log.
    ``one_in``: of verbs that went well, within :data:`SLOW_S`, and are no part of a trace of the caller's, one in so
    many becomes a trace; 1 for all of them. The others always become one, and everything is measured.
    What is noted becomes spans within a tenth of a second, when a gateway closes, and when the process ends.

    Raises :class:`payport.sdk.ConfigurationError` when the extra is not installed.
    """

    least = Level.WARNING

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        sinks: Sequence[EventSink] | None = None,
        one_in: int = OpenTelemetrySettings().one_in,
    ) -> None:
        if one_in < 1:
            raise ValueError(f"one_in must be at least 1, got {one_in}")
        try:
            from opentelemetry import context, metrics, trace  # noqa: PLC0415 - the extra "otel"
        except ImportError as error:
            raise ConfigurationError('OpenTelemetry is not installed; run: pip install "payport[otel]"') from error
        self._trace, self._current = trace, context.get_current
        self._tracer = trace.get_tracer("payport", __version__, tracer_provider)
        meter = metrics.get_meter("payport", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=BOUNDARIES_S,
        )
        self._events = meter.create_counter(
            "payport.events", unit="{event}", description="Events of level warning and above."
        )
        self._sinks = (StructlogSink(least=Level.WARNING),) if sinks is None else tuple(sinks)
        self._one_in, self._well = one_in, 0
        self._begin()
        follow_forks(in_child=self._begin)
        self._background = Background(self._show_all, every_s=EVERY_S, name="payport-otel")

    def _begin(self) -> None:
        """With nothing noted: what a parent process noted is shown by the parent."""
        self._waiting: deque[_Verb] = deque()
        self._dropped = self._told = 0

    @property
    def dropped(self) -> int:
        """How many verbs of this process were not shown, because an exporter did not take them."""
        return self._dropped

    def drive(self, work: Exchange[T], host: SyncHost, adapter: Adapter) -> T:
        """Run an operation, and show it."""
        verb = VERBS.get(getattr(work, "__name__", ""))
        if verb is None:
            return exchange.drive(work, host)
        begun = host.around.clock.moment()
        try:
            answer = exchange.drive(work, host)
        except BaseException as error:
            self._note(verb, host, adapter, begun, error)
            raise
        self._note(verb, host, adapter, begun, answer)
        return answer

    async def adrive(self, work: Exchange[T], host: AsyncHosting, adapter: Adapter) -> T:
        """Run an operation, and show it."""
        verb = VERBS.get(getattr(work, "__name__", ""))
        if verb is None:
            return await exchange.adrive(work, host)
        begun = host.around.clock.moment()
        try:
            answer = await exchange.adrive(work, host)
        except BaseException as error:
            self._note(verb, host, adapter, begun, error)
            raise
        self._note(verb, host, adapter, begun, answer)
        return answer

    def __call__(self, event: SdkEvent, /) -> None:
        """Count a warning or worse."""
        self._events.add(1, {"payport.event": event.name, "payport.partner": getattr(event, "partner", "")})

    def flush(self) -> None:
        """Show what was noted by now. Waits five seconds at most for an exporter that hangs."""
        self._background.hurry()

    def _note(self, verb: str, host: SyncHost | AsyncHosting, adapter: Adapter, begun: Moment, answer: object) -> None:
        """Note a verb that is over. ``answer``: what it returned or raised. Never raises."""
        try:
            if len(self._waiting) >= MAX_WAITING:
                self._dropped += 1
                return
            outcome, error = _told(answer)
            requests = [_request(each) for each in host.exchanged or () if _left(each.reply)]
            ended_s = host.around.clock.moment().monotonic_s
            self._waiting.append(
                _Verb(verb, adapter.partner, adapter.account, self._current(), begun, ended_s, outcome, error, requests)
            )
            self._background.ask()
        except Exception:  # noqa: BLE001, S110 - `suppress` would cost every call three calls more
            pass

    def _show_all(self) -> None:
        while self._waiting:
            with suppress(Exception):
                self._show(self._waiting.popleft())
        if self._dropped > self._told:
            self._told = self._dropped
            event = ObserverFailed(observer="otel", error="no room", waiting=0, dropped=self._dropped)
            emit_safely(self._sinks, event)

    def _is_worth_a_trace(self, verb: _Verb) -> bool:
        """Decided when it is over: of what goes well some are enough, and most of what tracing costs is theirs."""
        if verb.error or verb.ended_s - verb.begun.monotonic_s > SLOW_S:
            return True
        if self._trace.get_current_span(verb.under).get_span_context().is_valid:
            return True  # whoever began that trace has decided
        self._well += 1
        return self._well % self._one_in == 1 % self._one_in

    def _show(self, verb: _Verb) -> None:
        if not self._is_worth_a_trace(verb):
            for request in verb.requests:
                self._measure(request, verb.under)
            return
        begun_ns = int(verb.begun.utc.timestamp() * _NANO)
        about = {"payport.partner": verb.partner, "payport.account": verb.account}
        if verb.outcome:
            about["payport.outcome"] = verb.outcome
        if verb.error:
            about["error.type"] = verb.error
        span = self._tracer.start_span(
            f"payport.{verb.name}", context=verb.under, start_time=begun_ns, attributes=about
        )
        inside = self._trace.set_span_in_context(span, verb.under)
        for request in verb.requests:
            labels = self._measure(request, inside)
            if span.is_recording():
                self._show_request(request, labels, inside, begun_ns, verb.begun.monotonic_s)
        if verb.error:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(begun_ns + int((verb.ended_s - verb.begun.monotonic_s) * _NANO))

    def _measure(self, request: _Request, inside: Context) -> Mapping[str, str | int]:
        host, port, _ = request.origin
        labels: dict[str, str | int] = {
            "http.request.method": request.method,
            "server.address": host,
            "server.port": port,
            "payport.endpoint": request.endpoint,
        }
        if request.status:
            labels["http.response.status_code"] = request.status
        if request.error:
            labels["error.type"] = request.error
        self._duration.record(request.ended_s - request.begun_s, labels, inside)
        return labels

    def _show_request(
        self, request: _Request, labels: Mapping[str, str | int], inside: Context, verb_ns: int, verb_s: float
    ) -> None:
        span = self._tracer.start_span(
            _span_name(request.method, request.endpoint),
            context=inside,
            kind=self._trace.SpanKind.CLIENT,
            start_time=verb_ns + int((request.begun_s - verb_s) * _NANO),
            attributes={**labels, "url.full": request.origin.url},
        )
        if request.error:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(verb_ns + int((request.ended_s - verb_s) * _NANO))


def _told(answer: object) -> tuple[str, str]:
    """The outcome, and what went wrong. Of an error its class alone: a message may say what the caller gave."""
    if isinstance(answer, BaseException):
        return "", type(answer).__qualname__
    outcome = cast("Observed[object]", answer).outcome if isinstance(answer, Observed) else answer
    wrong = outcome.cause.kind.value if isinstance(outcome, _UNANSWERED) else ""
    return _OUTCOMES.get(type(outcome), ""), wrong


def _left(reply: WireReply | SendFailure) -> bool:
    """Whether there was a request at all: what was refused here, or came too late, was none."""
    return isinstance(reply, WireReply) or reply.may_have_left or reply.kind not in _UNSENT


def _request(exchanged: Exchanged) -> _Request:
    """What may be told of a request: nothing that it holds but where it went."""
    request, reply = exchanged.request, exchanged.reply
    if isinstance(reply, WireReply):
        status, error = reply.status, str(reply.status) if reply.status >= 400 else ""
    else:
        status, error = 0, reply.kind.value
    method = request.method if request.method in _METHODS else "_OTHER"
    return _Request(method, _origin(request.url), request.endpoint, status, error, *exchanged[2:])


@lru_cache(maxsize=1024)
def _span_name(method: str, endpoint: str) -> str:
    """``POST alipay.trade.pay``; some partners' names of endpoints have the method in front already."""
    verb = "HTTP" if method == "_OTHER" else method
    return endpoint if endpoint.startswith(f"{verb} ") else f"{verb} {endpoint}"


def _origin(url: str) -> _Origin:
    """Host and port. Only these are looked at: paths are as many as orders."""
    scheme, _, rest = url.partition("://")
    return _origin_of(scheme, rest.partition("/")[0].partition("?")[0])


@lru_cache(maxsize=64)
def _origin_of(scheme: str, authority: str) -> _Origin:
    parts = urlsplit(f"{scheme}://{authority}")
    host, port = parts.hostname or "", parts.port or _PORTS.get(scheme, 0)
    return _Origin(host, port, f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/REDACTED")
