"""Decoders of the audit trail: canonical JSON, records, heads."""

from __future__ import annotations

from payport.sdk.audit.canonical import canonical_text, parse_canonical
from payport.sdk.audit.heads import SignedHead
from payport.sdk.audit.record import read_record
from proof.decoders.decoder import as_text, decoder
from proof.mutating import Form

HEX = "ab" * 32
RECORD = canonical_text(
    {
        "chain": 1,
        "detail": {"method": "qr_shown", "n": 1},
        "object": {"account": "a:1", "operation": "A/pay//1", "partner": "alipay", "ref": "A", "version": 2},
        "origin": {"host": "till", "library": "0.1.0", "process": 7},
        "result": "succeeded",
        "seq": 3,
        "v": 1,
        "what": "pay",
        "when": "2026-01-31T12:00:00.123456Z",
        "who": "worker",
    }
)
HEAD = canonical_text(
    {
        "at": "2026-01-31T12:00:00.000000Z",
        "chain": 1,
        "hash": HEX,
        "key": "k",
        "seq": 9,
        "signature": "AA==",
        "start": HEX,
        "v": 1,
    }
)  # fmt: skip

DECLARED = (ValueError,)
DECODERS = (
    decoder("audit: canonical JSON", as_text(parse_canonical), RECORD.encode(), declared=DECLARED, form=Form.JSON),
    decoder("audit: record", as_text(read_record), RECORD.encode(), declared=DECLARED, form=Form.JSON),
    decoder("audit: head", as_text(SignedHead.read), HEAD.encode(), declared=DECLARED, form=Form.JSON),
)
