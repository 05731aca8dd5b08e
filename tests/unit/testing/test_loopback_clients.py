"""The loopback server knows its callers by their client certificates, where it asks for them."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.support.certificates import Authority

from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.testing import Delivery, FaultPlan, Incoming
from payport.sdk.testing.certificates import client_identity, loopback_certificates
from payport.sdk.testing.server import LoopbackServer
from payport.sdk.tls import ClientCertificate, Trust
from payport.sdk.transport.http import HttpTransport


def who_calls(trust: Trust, *, asks_for_client: bool = True) -> str | SendFailure:
    """What the server makes of a caller."""

    def answer(incoming: Incoming) -> Delivery:
        return Delivery(WireReply(200, (), (incoming.client or "nobody").encode()))

    with LoopbackServer(answer, FaultPlan(), asks_for_client=asks_for_client) as server:
        host = server.url.removeprefix("https://")
        transport = HttpTransport(trust, frozenset({host}))
        request = WireRequest(
            endpoint="who", moves_money=False, method="GET", url=f"{server.url}/", headers={}, content=b""
        )
        reply = transport.send(request, 5.0)
        transport.close()
    return reply.content.decode() if isinstance(reply, WireReply) else reply


def trusting(chain_file: str | None = None, key_file: str | None = None) -> Trust:
    """Trust in the loopback authority, with a certificate of our own."""
    client = ClientCertificate(chain_file=chain_file, key_file=key_file) if chain_file else None
    return Trust(ca_data=loopback_certificates().authority, client_certificate=client)


def test_a_caller_is_known_by_the_certificate_it_holds() -> None:
    """Its fingerprint stands beside the request; another caller has another one."""
    till, office = client_identity("till"), client_identity("office")
    assert who_calls(trusting(till.chain_file)) == till.fingerprint
    assert who_calls(trusting(office.chain_file)) == office.fingerprint != till.fingerprint


def test_no_certificate_is_needed() -> None:
    """What to make of a caller without one is the handler's business, as some paths need one and others do not."""
    assert who_calls(trusting()) == "nobody"
    assert who_calls(trusting(client_identity("till").chain_file), asks_for_client=False) == "nobody"


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    """In the handshake, or with TLS 1.3 just after it."""
    stranger = Authority(tmp_path).issue("stranger")
    refused = who_calls(trusting(stranger.chain_file, stranger.key_file))
    assert isinstance(refused, SendFailure)
    assert refused.kind in (FailureKind.TLS, FailureKind.CONNECTION_LOST)


def test_the_key_is_for_this_user_alone() -> None:
    """It is made once for each name, and lies in a folder of its own until the process ends."""
    identity = client_identity("till")
    assert client_identity("till") is identity
    assert stat.S_IMODE(Path(identity.chain_file).parent.stat().st_mode) == 0o700
