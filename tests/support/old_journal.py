"""A journal as an older version left it: its tables by that version's migrations alone, its rows byte for byte.

Rows are written out here, since a newer version must read what the older one wrote, not what the newer would write.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, column, create_engine, insert, table, text
from tests.support.databases import sqlalchemy_url

from payport.sdk.journal import schema
from payport.sdk.secrets import Secret

KEY = Secret(base64.b64encode(bytes(range(32))).decode())
"""The sealing key of the old journal."""
REQUEST = b'{"out_trade_no":"SHOP0001","auth_code":"281234567890123456"}'

_AT = 1769860800123456
_MONEY = '{"type":"Money","amount_minor":1000,"currency":"CNY"}'
_INSTANT = '"2026-01-31T12:00:00.123456Z"'


def _debt(ref: str) -> str:
    return f'{{"type":"Debt","ref":"{ref}","verb":"pay","amount":{_MONEY},"payee":"","created_at":{_INSTANT},"v":1}}'


def _operation(ref: str, moving: str) -> str:
    return (
        f'{{"type":"Operation","id":"{ref}/pay//1","ref":"{ref}","verb":"pay","partner":"testpay",'
        f'"account":"testpay:1001","partner_ref":"{ref}a1","identity":{{"out_trade_no":"{ref}a1"}},"amount":{_MONEY},'
        f'"method":"qr_shown","created_at":{_INSTANT},"library":"0.1.0","steps":[{{"type":"Step","name":"create",'
        f'"moves_money":true,"digest":"d1","replayable":true,"request":null}}],{moving},"v":1}}'
    )


def _lesson(source: str, detail: str = "") -> str:
    return f'{{"type":"Lesson","source":"{source}","detail":{{{detail}}},"v":1}}'


_PENDING = '"state":"pending","version":1,"partner_id":"2026013122001","ids":{}'
_SUCCEEDED = f'"state":"succeeded","version":1,"ids":{{}},"settled":{_MONEY},"settled_at":{_INSTANT}'
_NOTICE = (
    '{"type":"Notice","partner":"testpay","account":"testpay:1001","event":{"type":"Event","kind":"payment",'
    f'"id":"event1","partner_ref":"SHOP0001a1","partner_id":null,"status":"PAID","amount":{_MONEY},'
    f'"occurred_at":{_INSTANT},"ref":null}},"received_at":{_INSTANT},"v":1}}'
)

_SEALED_REQUEST = bytes.fromhex(
    "01e6aed464907de6cb02b2fa10fa0ae4ad958ffd9154adf28ca9da4d6b76cf84e4ae175612c4fe7e83df52de145c08e0"
    "7f5205b461712f7fb2ab62ee9a0012574d86948ce496fcefd531d7c20d3565c5ab49d3f79680c1e0d15e4e5f4c8cb8b4"
    "4a6676ab3942a899427378ef61f7786eff3480a02dd5a2ec5d9339d20f1647a9590b"
)
_SEALED_NOTICE = bytes.fromhex(
    "01e6aed464907de6cb26cf962239d220a5c500ff05fecbd04db0c226bbd3917d54ecd68ef4ebb7aac9ca39a7a591bb6289"
)


def _record(seq: int, version: int, result: str, detail: str, ref: str = "SHOP0001") -> tuple[str, int, str]:
    """A record of the audit trail about a transition: its operation, that one's version, and the body."""
    operation = f"{ref}/pay//1"
    body = (
        f'{{"chain":0,"detail":{{{detail}}},"object":{{"account":"testpay:1001","operation":"{operation}",'
        f'"partner":"testpay","ref":"{ref}","version":{version}}},'
        '"origin":{"host":"till-3","library":"0.1.0","process":4711},'
        f'"result":"{result}","seq":{seq},"v":1,"what":"pay","when":{_INSTANT},"who":"till-3"}}'
    )
    return operation, version, body


START = bytes(range(64, 96))
"""Where the audit trail of the old journal begins."""
RECORDS = [
    _record(1, 0, "doubt", '"amount":"10.00 CNY","source":"intent"'),
    _record(2, 1, "pending", '"from":"doubt","partner_id":"2026013122001","source":"reply"'),
    _record(3, 0, "doubt", '"amount":"10.00 CNY","source":"intent"', "SHOP0002"),
    _record(4, 1, "succeeded", '"from":"doubt","source":"reply"', "SHOP0002"),
]


def _chained() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    newest = START
    for number, (operation, version, body) in enumerate(RECORDS, 1):
        newest = hashlib.sha256(newest + body.encode()).digest()
        rows.append((number, _AT, operation, version, body, newest))
    return rows


_EXCHANGE = b"what went over the wire, sealed"
_INCIDENT = (
    '{"type":"Incident","id":1,"version":1,"kind":"mismatch","fault_class":"critical","title":"A partner answered '
    'about something else than was asked","runbook":"docs/alerts.md#mismatch","key":"mismatch/SHOP0001/pay//1",'
    '"summary":"testpay answered about SHOP0001 with another amount","partner":"testpay","account":"testpay:1001",'
    f'"ref":"SHOP0001","operation":"SHOP0001/pay//1","status":"acknowledged","opened_at":{_INSTANT},"last_at":{_INSTANT},'
    f'"response_s":1800.0,"recovery_s":14400.0,"acknowledged_at":{_INSTANT},"acknowledged_by":"Wen",'
    '"told":{"duty":"opened"},"claims":{},"v":1}'
)
_HOLD = (
    f'{{"type":"Hold","ref":"SHOP0003","partner":"testpay","account":"testpay:1001","amount":{_MONEY},'
    f'"rule":"payer_orders","reason":"3 payments in 1 min","held_at":{_INSTANT},"v":1}}'
)

_OPERATION = "payport_operation (id, ref, verb, account, partner_ref, version, state, standing, due_at, body, sealed)"

ROWS: dict[str, dict[str, list[tuple[object, ...]]]] = {
    "0001": {
        "payport_debt (ref, body)": [("SHOP0001", _debt("SHOP0001")), ("SHOP0002", _debt("SHOP0002"))],
        _OPERATION: [
            ("SHOP0001/pay//1", "SHOP0001", "pay", "testpay:1001", "SHOP0001a1", 1, "pending", 1, _AT,
             _operation("SHOP0001", _PENDING), _SEALED_REQUEST),
            ("SHOP0002/pay//1", "SHOP0002", "pay", "testpay:1001", "SHOP0002a1", 1, "succeeded", 0, _AT,
             _operation("SHOP0002", _SUCCEEDED), None),
        ],
        "payport_transition (operation, version, state, at, delivered, body)": [
            ("SHOP0001/pay//1", 0, "doubt", _AT, 1, _lesson("intent")),
            ("SHOP0001/pay//1", 1, "pending", _AT, 0, _lesson("reply", '"code":"10003"')),
            ("SHOP0002/pay//1", 0, "doubt", _AT, 1, _lesson("intent")),
            ("SHOP0002/pay//1", 1, "succeeded", _AT, 0, _lesson("reply", '"code":"10000"')),
        ],
        "payport_notice (partner, account, event_id, partner_ref, applied, body, sealed)": [
            ("testpay", "testpay:1001", "event1", "SHOP0001a1", 0, _NOTICE, _SEALED_NOTICE),
        ],
    },
    "0003": {
        "payport_audit (id, at, about, version, body, hash)": _chained(),
        "payport_audit_exchange (at, about, endpoint, digest, sealed)": [
            (_AT, "SHOP0002/pay//1", "trade.pay", hashlib.sha256(_EXCHANGE).hexdigest(), _EXCHANGE),
        ],
        "payport_audit_key (ref, sealed, erased_at)": [("SHOP0002", None, _AT)],
    },
    "0004": {
        "payport_measure (day, partner, account, endpoint, measure, number)": [
            ("2026-01-31", "testpay", "testpay:1001", "trade.pay", "judged", 2),
        ],
    },
    "0005": {
        "payport_incident (key, live, settled, version, body)": [
            ("mismatch/SHOP0001/pay//1", "mismatch/SHOP0001/pay//1", 0, 1, _INCIDENT),
        ],
        "payport_hold (ref, released, body)": [("SHOP0003", 0, _HOLD)],
        "payport_cursor (name, place)": [("watch", 4)],
    },
}  # fmt: skip
"""By the schema that brought the tables: what was written into them. A version that changes the schema adds its own.

Numbers that the database gives are left to it, so that it goes on counting behind them.
"""


def write_old_journal(url: str, revision: str) -> None:
    """Make an empty database a journal as the version with this schema did, with rows in every table that it had."""
    engine = create_engine(sqlalchemy_url(url))
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for since, tables in ROWS.items():
            if since <= revision:
                _write(connection, tables)
        if revision >= "0003":
            _set_chain(connection)
    engine.dispose()


def _write(connection: Connection, tables: dict[str, list[tuple[object, ...]]]) -> None:
    for called, rows in tables.items():
        name, _, listed = called.rstrip(")").partition(" (")
        names = listed.split(", ")
        into = insert(table(name, *(column(each) for each in names)))
        connection.execute(into, [dict(zip(names, row, strict=True)) for row in rows])


def _set_chain(connection: Connection) -> None:
    last = _chained()[-1]
    values = {"start": START, "seq": last[0], "hash": last[-1]}
    connection.execute(
        text(
            "UPDATE payport_audit_chain SET start = :start, dropped_hash = :start, seq = :seq, hash = :hash "
            "WHERE chain = 0"
        ),
        values,
    )
