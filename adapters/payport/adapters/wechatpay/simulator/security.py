"""Platform certificates to download, and the smoke test that moves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.adapters.wechatpay.simulator.books import Books
from payport.adapters.wechatpay.simulator.calls import Answer, Call, Refusal, wire_time, wrong
from payport.adapters.wechatpay.simulator.keys import seal

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.keys import Cabinet


def certificates(cabinet: Cabinet, call: Call, nonce: str) -> Answer:
    """Every certificate in use, each encrypted with the API v3 key. 404 for who has a public key only."""
    if call.query.get("algorithm_type", "RSA") not in ("RSA", "ALL"):
        raise Refusal("INVALID_REQUEST", "商户未开通国密")
    if cabinet.mode == "public_key":
        raise Refusal("RESOURCE_NOT_EXISTS", "无可用的平台证书,请在商户平台-API安全申请使用微信支付公钥", status=404)
    data: list[dict[str, object]] = []
    for index, key in enumerate(cabinet.certificates):
        assert key.pem is not None
        assert key.effective_at is not None
        assert key.expires_at is not None
        data.append(
            {
                "serial_no": key.id,
                "effective_time": wire_time(key.effective_at),
                "expire_time": wire_time(key.expires_at),
                "encrypt_certificate": seal(key.pem, nonce=nonce[index : index + 12], associated_data="certificate"),
            }
        )
    return Answer(fields={"data": data})


def echo(books: Books, call: Call) -> Answer:
    """Say again what was said, and notify when asked to: shows that keys, encryption and notices work."""
    message = call.need("/echo_message", longest=512)
    sealed = call.sensitive("/encrypted_echo_message")
    if sealed is not None and sealed != message:
        raise wrong("/encrypted_echo_message", None, "another message than echo_message")
    url = call.notify_url()
    if url is not None:
        books.tell("SECURITY.ECHO", "echo", "回显", {"echo_message": message}, {"notify_url": url}, call.now)
    return Answer(fields={"echo_message": message})
