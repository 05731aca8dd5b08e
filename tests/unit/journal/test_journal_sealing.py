"""What is sealed opens with a key that was given, for the row it was sealed for, unchanged, and not otherwise."""

from __future__ import annotations

import base64
import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.journal_records import ACCOUNT, NOW, REQUEST, TEN, intend, notice, sealing_key

from payport.schemas import AppParameters
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation, State, evolve
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.journal.session import Session
from payport.sdk.secrets import Secret

OLD, NEW = sealing_key(), sealing_key()


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_was_sealed_opens(plain: bytes, row: str) -> None:
    """Any bytes, any row; never the same text twice."""
    keys = SealingKeys([NEW])
    sealed = keys.seal(plain, row)
    assert plain == keys.open(sealed, row)
    assert sealed != keys.seal(plain, row)
    assert len(plain) < 4 or plain not in sealed


def test_every_flipped_bit_is_noticed() -> None:
    """In the head, the nonce, the text and the tag."""
    keys = SealingKeys([NEW])
    sealed = keys.seal(b"request", "operation 1")
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(JournalError, match="operation 1"):
            keys.open(bytes(flipped), "operation 1")


@pytest.mark.parametrize("length", [0, 1, 9, 21, 30])
def test_what_is_cut_short_is_noticed(length: int) -> None:
    """At every border of its parts."""
    keys = SealingKeys([NEW])
    with pytest.raises(JournalError):
        keys.open(keys.seal(b"request", "operation 1")[:length], "operation 1")


def test_a_seal_belongs_to_its_row() -> None:
    """What is moved to another row does not open there."""
    keys = SealingKeys([NEW])
    with pytest.raises(JournalError, match="belongs to another row"):
        keys.open(keys.seal(b"request", "operation 1"), "operation 2")


def test_keys_can_be_replaced() -> None:
    """The first seals, all open; without the old one its rows say which key they need."""
    sealed = SealingKeys([OLD]).seal(b"request", "row")
    both = SealingKeys([NEW, OLD])
    assert both.open(sealed, "row") == b"request"
    assert SealingKeys([NEW]).open(both.seal(b"request", "row"), "row") == b"request"
    with pytest.raises(JournalError, match=sealed[1:9].hex()):
        SealingKeys([NEW]).open(sealed, "row")


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "not base64 !",
        "ключ",
        base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(),
        base64.b64encode(bytes(32)).decode()[:-1],
    ],
)
def test_a_wrong_key_is_refused_and_not_shown(text: str) -> None:
    """The message says how to make one."""
    with pytest.raises(ConfigurationError, match=r"base64 text of 32 random bytes.*python -c") as refused:
        SealingKeys([Secret(text)])
    assert text not in str(refused.value)
    assert refused.value.__cause__ is None


def test_no_key_at_all_is_a_mistake() -> None:
    """An empty list is not "no sealing"."""
    with pytest.raises(ConfigurationError, match="no sealing key"):
        SealingKeys([])


def test_keys_do_not_leave() -> None:
    """Not by repr, pickle or copy."""
    keys = SealingKeys([NEW])
    assert NEW.reveal() not in repr(keys)
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(keys)


@pytest.fixture
def url(file_url: str) -> str:
    """A file, whose bytes can be looked at."""
    return file_url


def test_nothing_sealed_lies_in_the_file_in_the_clear(url: str, journal: Journal, tmp_path: Path) -> None:
    """Neither as it is nor in base64; another key's journal says which row it cannot read."""
    journal.write(intend())
    journal.write(lambda session: session.add_notice(notice(raw=b"raw body of the notice")))
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"SHOP0001/pay//1" in on_disk
    for secret in (REQUEST, b"auth_code", b"raw body", base64.b64encode(REQUEST), base64.b64encode(b"raw body of the")):
        assert secret not in on_disk

    with Journal.open(url, sealing_key=[OLD, NEW]) as other:
        with pytest.raises(JournalError, match="operation SHOP0001/pay//1 was sealed with another key"):
            other.read(lambda session: session.operation("SHOP0001/pay//1"))
        with pytest.raises(JournalError, match=f"notice event1 of {ACCOUNT} was sealed with another key"):
            other.read(lambda session: session.notices(ACCOUNT))


SECRET = AppParameters(payload="pi_1_secret_2", fields={"client_secret": "pi_1_secret_2"})


def offer(session: Session) -> Operation:
    """The attempt is offered to the payer."""
    current = session.operation("SHOP0001/pay//1")
    assert current is not None
    offered = evolve(current, state=State.ACTION, action=SECRET)
    return session.save(offered, source="reply", detail={}, now=NOW)


def settle(session: Session) -> Operation:
    """It is paid."""
    current = session.operation("SHOP0001/pay//1")
    assert current is not None
    paid = evolve(current, state=State.SUCCEEDED, settled=TEN, settled_at=NOW)
    return session.save(paid, source="notice", detail={}, now=NOW)


def test_an_action_is_sealed_and_read_again(url: str, journal: Journal, tmp_path: Path) -> None:
    """Whoever has it may go on with the payment: it lies on the disk like a request, and comes back to who has the key.

    A journal without the key does not see it, and does not lose it.
    """
    journal.write(intend())
    journal.write(offer)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"SHOP0001/pay//1" in on_disk
    assert b"_secret_" not in on_disk
    with Journal.open(url) as keyless:
        seen = keyless.read(lambda session: session.operation("SHOP0001/pay//1"))
        assert seen is not None
        assert (seen.state, seen.action) == (State.ACTION, None)
        keyless.write(lambda session: session.save(evolve(seen, asked=1), source="query", detail={}, now=NOW))
    again = journal.read(lambda session: session.operation("SHOP0001/pay//1"))
    assert again is not None
    assert (again.asked, again.action) == (1, SECRET)
    assert [step.request for step in again.steps] == [REQUEST]


@pytest.mark.parametrize("sealed", [True, False])
def test_an_action_is_dropped_when_it_is_over(tmp_path: Path, sealed: bool) -> None:
    """Nobody needs it any more, sealed or not."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    with Journal.open(url, sealing_key=sealing_key() if sealed else None) as journal:
        journal.write(intend())
        assert journal.write(offer).action == SECRET
        assert journal.write(settle).action is None
        read = journal.read(lambda session: session.operation("SHOP0001/pay//1"))
        assert read is not None
        assert (read.state, read.action) == (State.SUCCEEDED, None)
