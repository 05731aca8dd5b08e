"""OpenTelemetry: the names and units of the conventions, parents that are right, and no secret."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes, url_attributes
from opentelemetry.semconv.metrics import http_metrics
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from tests.support.canaries import Watch
from tests.support.corner import Corner, NoRoad, Wink
from tests.support.corner import order as corner_order
from tests.support.paths import order
from tests.support.telemetry import Scope

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Money, Order, Payer, QrScanned, QrShown
from payport.schemas.events import RawNotification
from payport.schemas.order import PayoutOrder
from payport.schemas.references import PartnerId
from payport.sdk.desk import Desk
from payport.sdk.errors import ReferenceConflict
from payport.sdk.exchange import Exchange, send, sleep
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.otel import BOUNDARIES_S, VERBS, OpenTelemetry
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock

MEMORY = "sqlite:///:memory:?durable=no"


def test_a_verb_is_a_span_and_its_request_a_client_span_below(
    gateway: Gateway[Alipay], partner: AlipaySimulator, scope: Scope
) -> None:
    """With exactly these attributes, named as the conventions have it."""
    gateway.pay(order("TRACE0000001"), QrShown())
    request, verb = scope.spans()
    assert (verb.name, verb.kind) == ("payport.pay", SpanKind.INTERNAL)
    assert (request.name, request.kind) == ("POST alipay.trade.precreate", SpanKind.CLIENT)
    assert request.parent is not None
    assert verb.context is not None
    assert (verb.context.span_id, verb.context.trace_id) == (request.parent.span_id, request.parent.trace_id)
    account = Alipay(partner.account).account
    about = {"payport.partner": "alipay", "payport.account": account}
    assert {**about, "payport.outcome": "action_required"} == verb.attributes
    assert request.attributes == {
        http_attributes.HTTP_REQUEST_METHOD: "POST",
        http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
        server_attributes.SERVER_ADDRESS: "alipay.simulator",
        server_attributes.SERVER_PORT: 443,
        url_attributes.URL_FULL: "https://alipay.simulator:443/REDACTED",
        "payport.endpoint": "alipay.trade.precreate",
    }
    assert StatusCode.UNSET is request.status.status_code
    assert request.start_time is not None
    assert request.end_time is not None
    assert request.start_time <= request.end_time


def test_metrics_have_the_names_units_and_buckets_of_the_conventions(
    gateway: Gateway[Alipay], partner: AlipaySimulator, scope: Scope
) -> None:
    """One histogram of requests in seconds."""
    gateway.pay(order("TRACE0000001"), QrShown())
    gateway.query("TRACE0000001")
    requests = scope.points(http_metrics.HTTP_CLIENT_REQUEST_DURATION)
    assert [point.count for point in requests if isinstance(point, HistogramDataPoint)] == [1, 1]
    point = requests[0]
    assert isinstance(point, HistogramDataPoint)
    assert tuple(point.explicit_bounds) == BOUNDARIES_S
    assert point.attributes == {
        http_attributes.HTTP_REQUEST_METHOD: "POST",
        http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
        server_attributes.SERVER_ADDRESS: "alipay.simulator",
        server_attributes.SERVER_PORT: 443,
        "payport.endpoint": "alipay.trade.precreate",
    }


@pytest.mark.parametrize(
    ("error", "outcome", "fault"),
    [
        ("502", "partner_fault", Fault.BAD_GATEWAY),
        ("connection_lost", "connection_lost", Fault.RESET),
        ("timed_out", "timed_out", Fault.SILENCE),
        (None, "unverified", Fault.BAD_SIGNATURE),
    ],
)
def test_what_goes_wrong_has_an_error_type(
    gateway: Gateway[Alipay], partner: AlipaySimulator, scope: Scope, error: str | None, outcome: str, fault: Fault
) -> None:
    """The status for a reply, the kind of failure without one; the cause of an Unknown on the verb."""
    partner.faults.next(fault)
    gateway.pay(order("TRACE0000001"), QrShown(), deadline_s=0.2)
    request, verb = scope.spans()
    assert request.attributes is not None
    assert verb.attributes is not None
    assert error == request.attributes.get(error_attributes.ERROR_TYPE)
    assert (StatusCode.UNSET if error is None else StatusCode.ERROR) is request.status.status_code
    assert ("unknown", outcome) == (verb.attributes["payport.outcome"], verb.attributes[error_attributes.ERROR_TYPE])
    assert StatusCode.ERROR is verb.status.status_code
    labels = scope.points(http_metrics.HTTP_CLIENT_REQUEST_DURATION)[0].attributes
    assert labels is not None
    assert error == labels.get(error_attributes.ERROR_TYPE)


def test_what_is_not_sampled_is_measured_all_the_same(partner: AlipaySimulator, scope: Scope) -> None:
    """Traces are for looking closely, metrics count everything; nothing is made of a trace that nobody keeps."""
    dark = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    dark.add_span_processor(SimpleSpanProcessor(scope.exporter))
    sink = OpenTelemetry(tracer_provider=dark, meter_provider=scope.meters)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        gateway.pay(order("TRACE0000001"), QrShown())
    assert scope.spans() == []
    assert [point.count for point in scope.points(http_metrics.HTTP_CLIENT_REQUEST_DURATION)] == [1]  # type: ignore[union-attr]  # a histogram


def test_of_what_goes_well_one_in_ten_is_a_trace(partner: AlipaySimulator, scope: Scope) -> None:
    """The first, the eleventh; every one is measured."""
    sink = OpenTelemetry(tracer_provider=scope.spans_of, meter_provider=scope.meters)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        for number in range(12):
            gateway.pay(order(f"TRACE{number:07d}"), QrShown())
    assert len(scope.spans(SpanKind.INTERNAL)) == len(scope.spans(SpanKind.CLIENT)) == 2
    assert [point.count for point in scope.points(http_metrics.HTTP_CLIENT_REQUEST_DURATION)] == [12]  # type: ignore[union-attr]  # a histogram


def test_trouble_and_what_the_caller_traces_is_always_a_trace(partner: AlipaySimulator, scope: Scope) -> None:
    """What cannot be told from a sample."""
    sink = OpenTelemetry(tracer_provider=scope.spans_of, meter_provider=scope.meters, one_in=1_000)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        gateway.pay(order("TRACE0000000"), QrShown())  # the first of a thousand
        gateway.pay(order("TRACE0000001"), QrShown())
        partner.faults.next(Fault.BAD_SIGNATURE)
        gateway.pay(order("TRACE0000002"), QrShown(), deadline_s=0.2)
        with scope.spans_of.get_tracer("shop").start_as_current_span("checkout"):
            gateway.pay(order("TRACE0000003"), QrShown())
    outcomes = [
        span.attributes["payport.outcome"]
        for span in scope.spans(SpanKind.INTERNAL)
        if span.name != "checkout" and span.attributes
    ]
    assert outcomes == ["action_required", "unknown", "action_required"]


def test_none_at_all_cannot_be_asked_for() -> None:
    """Who wants no traces leaves the provider out."""
    with pytest.raises(ValueError, match="one_in must be at least 1"):
        OpenTelemetry(one_in=0)


def test_what_was_never_sent_is_no_request(gateway: Gateway[Alipay], scope: Scope) -> None:
    """Time was up before: there is a verb, without a child and without a duration of a request."""
    gateway.pay(order("TRACE0000001"), QrShown(), deadline_s=0.0)
    (verb,) = scope.spans()
    assert verb.attributes is not None
    assert (verb.attributes["payport.outcome"], verb.attributes["error.type"]) == ("not_sent", "deadline")
    assert scope.points(http_metrics.HTTP_CLIENT_REQUEST_DURATION) == []


def test_what_a_verb_raises_is_told_by_its_class_alone(gateway: Gateway[Alipay], scope: Scope) -> None:
    """A message may hold what the caller gave."""
    gateway.pay(order("TRACE0000001"), QrShown())
    with pytest.raises(ReferenceConflict):
        gateway.pay(order("TRACE0000001", "99.99"), QrShown())
    verb = scope.spans()[-1]
    assert verb.attributes is not None
    assert verb.attributes["error.type"] == "ReferenceConflict"
    assert (verb.status.status_code, verb.status.description, verb.events) == (StatusCode.ERROR, None, ())
    assert not get_current_span().is_recording()


def test_warnings_are_counted(gateway: Gateway[Alipay], partner: AlipaySimulator, scope: Scope) -> None:
    """By their stable names."""
    partner.faults.next(Fault.RESET)
    gateway.pay(order("TRACE0000001"), QrShown())
    assert [point.attributes for point in scope.points("payport.events")] == [
        {"payport.event": "request.failed", "payport.partner": "alipay"}
    ]


def test_threads_do_not_mix_their_parents(gateway: Gateway[Alipay], scope: Scope) -> None:
    """Each verb hangs under the span that its own thread had open."""
    tracer = scope.spans_of.get_tracer("application")

    def work(number: int) -> None:
        with tracer.start_as_current_span(f"app {number}"):
            gateway.pay(order(f"TRACE{number:07d}"), QrShown())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert_three_deep(scope, 16)


@pytest.mark.anyio
async def test_tasks_do_not_mix_their_parents(partner: AlipaySimulator, scope: Scope, anyio_backend: str) -> None:
    """Under asyncio and trio, with all of them waiting for the journal and for each other."""
    tracer = scope.spans_of.get_tracer("application")
    transport = partner.async_transport()
    async with (
        AsyncGateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[scope.sink]) as gateway,
        anyio.create_task_group() as tasks,
    ):

        async def work(number: int) -> None:
            with tracer.start_as_current_span(f"app {number}") as mine:
                await gateway.pay(order(f"TRACE{number:07d}"), QrShown())
                assert mine is get_current_span()

        for number in range(16):
            tasks.start_soon(work, number)
    assert_three_deep(scope, 16)


def assert_three_deep(scope: Scope, number: int) -> None:
    """Application, verb, request: as many of each, each request and verb in its application's own trace."""
    by_id = {span.context.span_id: span for span in scope.spans() if span.context}
    chains = []
    for request in scope.spans(SpanKind.CLIENT):
        assert request.parent is not None
        verb = by_id[request.parent.span_id]
        assert verb.parent is not None
        chains.append((by_id[verb.parent.span_id].name, verb.name, request.name))
    expected = {(f"app {each}", "payport.pay", "POST alipay.trade.precreate") for each in range(number)}
    assert (expected, number) == (set(chains), len(chains))


def test_no_trace_is_told_to_the_partner(scope: Scope) -> None:
    """Who is who in our house is none of its business. Over real TLS, so with every header that goes out."""
    with (
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=MEMORY, sinks=[scope.sink]) as gateway,
        scope.spans_of.get_tracer("application").start_as_current_span("app"),
    ):
        gateway.pay(order("TRACE0000001"), QrShown())
        (request,) = partner.requests
    names = {name.lower() for name in request.headers}
    assert "content-type" in names
    assert not names & {"traceparent", "tracestate", "baggage", "b3"}


def test_no_attribute_holds_a_secret_or_a_person(
    gateway: Gateway[Alipay], partner: AlipaySimulator, scope: Scope, canaries: Watch
) -> None:
    """Payer, subject, metadata, codes and keys go over the wire, none of them into a span or a metric."""
    payer = Payer(id=canaries["open_id"], email="canary@example.org", ip="203.0.113.77")
    secret = Order(
        ref="TRACE0000001", amount=Money.of("12.34", "CNY"), subject=f"to {canaries['identity_number']}", payer=payer,
        metadata={"card": canaries["card_number"]},
    )  # fmt: skip
    gateway.pay(secret, QrScanned(auth_code=canaries["payment_code"]), deadline_s=1.0)
    gateway.query("TRACE0000001", deadline_s=1.0)
    gateway.receive(RawNotification(body=canaries["access_token"].encode(), headers={}, query=canaries["password"]))
    shown = json.dumps([json.loads(span.to_json()) for span in scope.spans()])
    data = scope.reader.get_metrics_data()
    assert data is not None
    shown += data.to_json()
    assert "payport.receive" in shown
    canaries.look_at(shown)
    key = partner.account.private_key.reveal()
    for value in ("canary@example.org", "203.0.113.77", "TRACE0000001", "12.34", "gateway.do", key[40:90], "sign="):
        assert value not in shown


def test_every_verb_has_its_span() -> None:
    """An operation that is renamed or wrapped would lose it in silence."""
    corner = Corner()
    sink = OpenTelemetry()
    whole = AnyVerb(corner)
    desk = Desk.open(
        whole,  # type: ignore[arg-type]  # as below
        MEMORY,
        sealing_key=None,
        sinks=[sink],
        admissions=(),
        retry=None,
        clock=None,
        deadline_s=1.0,
    )
    amount = Money.of("1.00", "EUR")
    calls: dict[str, Exchange[object]] = {
        "pay": desk.pay(corner, corner_order(), Wink(), 1.0),
        "query": desk.query(corner, "CORNER000001", 1.0),
        "wait": desk.wait(corner, "CORNER000001", 1.0),
        "complete": desk.complete(whole, "CORNER000001", {}, 1.0),  # type: ignore[arg-type]  # has every plan by name
        "capture": desk.capture(whole, "CORNER000001", None, "", 1.0, final=True),  # type: ignore[arg-type]  # as above
        "cancel": desk.cancel("CORNER000001", 1.0, reverse_paid=False),
        "refund": desk.refund(whole, "CORNER000001", "BACK", amount, "", 1.0),  # type: ignore[arg-type]  # as above
        "payout": desk.payout(whole, PayoutOrder(ref="CORNER000001", amount=amount, subject="x"), "", 1.0),  # type: ignore[arg-type]  # as above
        "receive": desk.receive(RawNotification(body=b"", headers={}, query="")),
        "resume": desk.resume(1.0),
        "resolve": desk.resolve("CORNER000001", 1.0),
        "adopt": desk.adopt(whole, "CORNER000001", PartnerId("1"), 1.0),  # type: ignore[arg-type]  # as above
        "native": desk.native(whole, None, 1.0),  # type: ignore[arg-type]  # never begun
    }
    assert {verb: verb for verb in calls} == {
        verb: VERBS.get(getattr(work, "__name__", "")) for verb, work in calls.items()
    }
    assert set(VERBS.values()) == set(calls)
    for each in calls.values():
        each.close()
    desk.close()


class AnyVerb:
    """Has an attribute of every name."""

    def __init__(self, corner: Corner) -> None:
        self.corner = corner

    def __getattr__(self, name: str) -> object:
        return getattr(self.corner, name, None)


def test_reading_the_journal_is_no_verb(scope: Scope) -> None:
    """Dashboards that look every second would bury the payments."""
    with Gateway(Corner(), journal=MEMORY, transport=NoRoad(), sinks=[scope.sink]) as gateway:
        gateway.open_operations()
        gateway.changes()
    assert scope.spans() == []


@pytest.mark.parametrize(
    ("name", "origin", "method", "url", "endpoint"),
    [
        ("GET /v3/x", "https://api.example:443", "GET", "https://api.example/v3/x?y=z", "GET /v3/x"),
        ("GET pay", "https://api.example:8443", "GET", "https://api.example:8443?ref=1", "pay"),
        ("HTTP pay", "https://api.example:443", "BREW", "https://api.example", "pay"),
        ("POST pay", "https://[::1]:8443", "POST", "https://[::1]:8443/a/b", "pay"),
        ("POST pay", "http://127.0.0.1:80", "POST", "http://127.0.0.1/", "pay"),
    ],
)
def test_where_it_went_and_what_it_is_called(
    scope: Scope, name: str, origin: str, method: str, url: str, endpoint: str
) -> None:
    """Host and port of any URL; a method that nobody knows is ``_OTHER``; times on the gateway's clock."""
    request = WireRequest(endpoint=endpoint, moves_money=False, method=method, url=url, headers={}, content=b"")
    time = Time()

    class Road(NoRoad):
        def send(self, request: WireRequest, timeout_s: float) -> WireReply:
            time.pass_by(0.25)
            return WireReply(204, (), b"")

    def pay() -> Exchange[object]:
        yield from sleep(0.5)
        return (yield from send(request, 9.0, "corner", "corner:1"))

    around = Surroundings(journal=None, clock=WorkerClock(time, "w"), sinks=[scope.sink])  # type: ignore[arg-type]  # none is read
    scope.sink.drive(pay(), SyncHost(around=around, transport=Road(), exchanged=[]), Corner())
    span, verb = scope.spans()
    assert span.attributes is not None
    host, _, port = origin.partition("://")[2].rpartition(":")
    assert (name, f"{origin}/REDACTED") == (span.name, span.attributes["url.full"])
    assert (host.strip("[]"), int(port)) == (span.attributes["server.address"], span.attributes["server.port"])
    assert ("_OTHER" if method == "BREW" else method) == span.attributes["http.request.method"]
    times = [(each.start_time or 0) - int(MORNING.timestamp() * 1e9) for each in (verb, span)]
    lasted = [(each.end_time or 0) - (each.start_time or 0) for each in (verb, span)]
    assert (times, lasted) == ([0, 500_000_000], [750_000_000, 250_000_000])
