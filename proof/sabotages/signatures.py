"""Sabotages of what makes a message authentic."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

_BELIEVED = frozenset({"I9"})

SABOTAGES = (
    Sabotage(
        what="any signature under a reply of Alipay's is believed",
        cut=Cut("adapters.alipay.envelope:_authentic", "if not signing.reply_is_authentic(split, keys):", "if False:"),
        breaks=_BELIEVED,
        partners=("alipay",),
    ),
    Sabotage(
        what="any signature under a notice of Alipay's is believed",
        cut=Cut(
            "adapters.alipay.notices:open_notice",
            "if not forms.notice_is_authentic(form, alipay.keys.current(now.utc.timestamp())):",
            "if False:",
        ),
        breaks=_BELIEVED,
        partners=("alipay",),
    ),
    Sabotage(
        what="any signature of WeChat's is believed",
        cut=Cut(
            "adapters.wechatpay.verifying:authenticate",
            "if not signing.is_authentic(seal, body, key.key):",
            "if False:",
        ),
        breaks=_BELIEVED,
        partners=("wechatpay",),
    ),
    Sabotage(
        what="any signature of version 2 of WeChat's interface is believed",
        cut=Cut(
            "adapters.wechatpay_v2.envelope:distrust",
            "if not signing.is_authentic(fields, account.api_key.reveal(), account.believed):",
            "if False:",
        ),
        breaks=_BELIEVED,
        partners=("wechatpay_v2",),
    ),
    Sabotage(
        what="any signature of UnionPay's is believed",
        cut=Cut(
            "adapters.unionpay.envelope:why_not_authentic",
            'return None if signing.rsa_is_authentic(fields, codec, key) else "its signature is not UnionPay\'s"',
            "return None",
        ),
        breaks=_BELIEVED,
        partners=("unionpay",),
    ),
    Sabotage(
        what="any signature under a webhook of Stripe's is believed",
        cut=Cut(
            "adapters.stripe.notices:open_notice",
            "if not is_authentic(signature, raw.body, [secret.reveal() for secret in stripe.config.webhook_secrets]):",
            "if False:",
        ),
        breaks=_BELIEVED,
        partners=("stripe",),
    ),
    Sabotage(
        what="any signature under a webhook of PayPal's is believed",
        cut=Cut(
            "adapters.paypal.notices:_authentic",
            "if key.verify(transmission.message(webhook_id, body), transmission.signature):",
            "if True:",
        ),
        breaks=_BELIEVED,
        partners=("paypal",),
    ),
    Sabotage(
        what="any signature under a webhook of Adyen's is believed",
        cut=Cut(
            "adapters.adyen.notices:_check_signature", "if not is_authentic(message, signature, keys):", "if False:"
        ),
        breaks=_BELIEVED,
        partners=("adyen",),
    ),
)
