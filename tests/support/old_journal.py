"""A journal as an older version left it: its tables by that version's migration alone, its rows byte for byte.

Rows are written out here, since a newer version must read what the older one wrote, not what the newer would write.
"""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

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

_OPERATION = (
    "payport_operation (seq, id, ref, verb, account, partner_ref, version, state, standing, due_at, body, sealed)"
)

ROWS: dict[str, dict[str, list[tuple[object, ...]]]] = {
    "0001": {
        "payport_debt (ref, body)": [("SHOP0001", _debt("SHOP0001")), ("SHOP0002", _debt("SHOP0002"))],
        _OPERATION: [
            (1, "SHOP0001/pay//1", "SHOP0001", "pay", "testpay:1001", "SHOP0001a1", 1, "pending", 1, _AT,
             _operation("SHOP0001", _PENDING), _SEALED_REQUEST),
            (2, "SHOP0002/pay//1", "SHOP0002", "pay", "testpay:1001", "SHOP0002a1", 1, "succeeded", 0, _AT,
             _operation("SHOP0002", _SUCCEEDED), None),
        ],
        "payport_transition (id, operation, version, state, at, delivered, body)": [
            (1, "SHOP0001/pay//1", 0, "doubt", _AT, 1, _lesson("intent")),
            (2, "SHOP0001/pay//1", 1, "pending", _AT, 0, _lesson("reply", '"code":"10003"')),
            (3, "SHOP0002/pay//1", 0, "doubt", _AT, 1, _lesson("intent")),
            (4, "SHOP0002/pay//1", 1, "succeeded", _AT, 0, _lesson("reply", '"code":"10000"')),
        ],
        "payport_notice (id, partner, account, event_id, partner_ref, applied, body, sealed)": [
            (1, "testpay", "testpay:1001", "event1", "SHOP0001a1", 0, _NOTICE, _SEALED_NOTICE),
        ],
    },
}  # fmt: skip
"""By the schema that was there: what was written into it. A version that changes the schema adds its own."""


def write_old_journal(path: Path, revision: str) -> None:
    """Make the file as the version with this schema did."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(path)) as file, file:
        for table, rows in ROWS[revision].items():
            marks = ", ".join("?" * len(rows[0]))
            file.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
