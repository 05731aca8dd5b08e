"""Decoders of files that somebody writes by hand, or brings along: settings, partner records, contracts, archives."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from tests.support.audit_chains import BEGIN, FIRST, KEY, MemoryTrail, chain_of

from payport.sdk.audit.archiving import Archive, check_archive, check_order, write_archive
from payport.sdk.audit.heads import read_heads
from payport.sdk.audit.signing import PublicKeys
from payport.sdk.errors import AuditError, ConfigurationError
from payport.sdk.openapi import Document, MalformedDocument
from payport.sdk.records_file import read_records
from payport.sdk.settings_file import read as read_settings
from proof.decoders.audit import HEAD
from proof.decoders.decoder import Decoder, Read, Sample, as_text, decoder
from proof.mutating import Form

SETTINGS = b"""# a comment
[account.shop]
partner = "alipay"
app_id = "2021000000000000"
private_key = "env:SHOP_KEY"
window = 3

[journal]
url = "sqlite:///payments.db"
durability = "full"

[timeouts]
deadline_s = 10.0
"""
WATCHFUL = b"""[account.shop]
partner = "stripe"
[account.shop.limits.account]
rate_per_s = 40
[limits]
redis = "env:SHOP_KEY"
hosts = 4
[breaker]
share = 0.5
[scorecards]
response_s = 2.0
time_zone = "Asia/Shanghai"
[otel]
enabled = true
[alerts.sink.duty]
type = "mail"
password = "env:SHOP_KEY"
user = "file:payport.toml"
[audit]
key = "env:SHOP_KEY"
heads = "heads.jsonl"
former_keys = ["a"]
[alerts]
unknown_s = 900
[alerts.sink.desk]
type = "webhook"
step = 1
[watch]
payer_key = "env:SHOP_KEY"
[watch.amount_jump]
times = 10
hold = true
[role.cashier]
verbs = ["pay", "query"]
"""
VARIABLES = b"JOURNAL__URL=sqlite:///a.db\nTIMEOUTS__DEADLINE_S=3\nACCOUNT__SHOP__PARTNER=alipay"
RECORDS = b"""[partner.alipay]
company = "Alipay.com"
block_when_ended = true
[partner.alipay.licence]
number = "Z1"
valid_until = 2030-05-02
[partner.alipay.agreement]
number = "A-17"
response_h = 2
availability = 0.999
[[partner.alipay.contacts]]
duty = "faults"
name = "Li Lei"
"""
RECORDS_JSON = b'{"partner":{"a":{"licence":{"number":"Z","valid_until":"2030-05-02"},"contacts":[{"duty":"B"}]}}}'
CONTRACT = (
    b'{"info":{"version":"1"},"paths":{"/a/{b}":{"get":{"x":{"nullable":true,"type":"string"}}}},"openapi":"3.0.3"}'
)
NESTED = (
    *(b"[" * 3000, b"a=" + b"[" * 3000, b"a." * 200 + b"b=1", b"[a]\n[a]\n"),
    *(b"2026-02-30", b"nan", b"file:\\u0000", b"'''"),
)
"""What TOML may stumble over."""


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="payport-proof-"))


def from_file(name: str, read: Callable[[Path], object]) -> Read:
    """What reads a file, fed any bytes."""

    def written(data: bytes) -> object:
        place = _folder() / name
        place.write_bytes(data)
        return read(place)

    return written


def variables(data: bytes) -> object:
    """Environment variables, one a line."""
    lines = (line.partition("=") for line in data.decode("latin-1").split("\n"))
    return read_settings(None, {f"PAYPORT_{name}": value for name, _, value in lines})


def contract(place: Path) -> object:
    """An OpenAPI document, with its routes."""
    return Document.load(place).routes


@cache
def archived() -> tuple[Archive, bytes, bytes]:
    """An archive of a few records: its manifest, the manifest's bytes and those of the file."""
    trail = MemoryTrail(list(chain_of(5)))
    with tempfile.TemporaryDirectory() as folder:
        later, four = FIRST + timedelta(days=1), FIRST + timedelta(seconds=4)
        made = write_archive(trail, trail.chain, BEGIN, four, Path(folder), key=KEY, now=later, library="1.0.0")
        assert made is not None
        return made, made.path.read_bytes(), made.path.with_name(made.file).read_bytes()


def manifest(place: Path) -> object:
    """A manifest, and what is wrong with it and its file."""
    made, _, content = archived()
    (place.parent / made.file).write_bytes(content)
    found = Archive.read(place)
    return list(check_archive(found, PublicKeys([KEY.public]))), list(check_order([found, found]))


def records(place: Path) -> object:
    """The records of an archive whose manifest is genuine."""
    made, _, _ = archived()
    return list(replace(made, file=place.name, path=place).rows())


def compressed(data: bytes) -> object:
    """The same, where what is compressed is spoilt."""
    return _RECORDS(gzip.compress(data, 1))


def heads(place: Path) -> object:
    """A file of heads: a line that is none is said to be none, and one of somebody else is not believed."""
    keys = PublicKeys([KEY.public])
    return [head and head.is_signed_by(keys) for _, head in read_heads(place)]


_RECORDS = from_file("records.gz", records)
_SETTINGS = from_file("payport.toml", lambda place: read_settings(place, {"SHOP_KEY": "x"}))
WRONG = (ConfigurationError,)
ROWS = archived()[2]
DECODERS = (
    decoder("settings file", _SETTINGS, SETTINGS, WATCHFUL, declared=WRONG, words=NESTED),
    decoder("settings of the environment", variables, VARIABLES, declared=WRONG),
    decoder("partner records, TOML", from_file("a.toml", read_records), RECORDS, declared=WRONG, words=NESTED),
    decoder("partner records, JSON", from_file("a.json", read_records), RECORDS_JSON, declared=WRONG, form=Form.JSON),
    decoder("contract", from_file("b.json", contract), CONTRACT, declared=(MalformedDocument,), form=Form.JSON),
    decoder(
        "audit: archive's manifest",
        from_file("manifest.json", manifest),
        archived()[1],
        declared=(AuditError,),
        form=Form.JSON,
    ),
    Decoder(
        name="audit: archive",
        samples=[Sample(ROWS, _RECORDS), Sample(gzip.decompress(ROWS), compressed)],
        declared=(AuditError,),
    ),
    decoder("audit: heads", from_file("heads.jsonl", heads), f"{HEAD}\n{HEAD}\n".encode(), form=Form.JSON),
    decoder("audit: public key", as_text(lambda text: PublicKeys([text])), KEY.public.encode(), declared=WRONG),
)
