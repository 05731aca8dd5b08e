"""The sparse form of a record reads back as the record, and leaves out what stands at its default."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from payport.schemas.encoding import dump, load
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order
from payport.schemas.payment import Payment
from payport.schemas.sparse import sparse_text


def dump_sparse(record: object) -> dict[str, object]:
    """What stands in the text."""
    text = sparse_text(record)
    content = json.loads(text)
    assert isinstance(content, dict)
    assert text == json.dumps(content, separators=(",", ":")), "compact, and in ASCII"
    return content


ORDERS = st.builds(
    Order,
    ref=st.text("0123456789abcXYZ", min_size=8, max_size=28),
    amount=st.integers(1, 10**9).map(lambda minor: Money(minor, "CNY")),
    subject=st.just("Tea"),
    notify_url=st.none() | st.just("https://shop.example/notify"),
    payable_until=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    capture=st.sampled_from(CaptureMode),
    metadata=st.dictionaries(st.sampled_from("ab"), st.text("xyz", max_size=3)),
)


@given(ORDERS)
def test_it_reads_back_as_the_record(order: Order) -> None:
    """With any mixture of fields at their default and not."""
    assert order == load(dump_sparse(order), Order)


@given(ORDERS)
def test_it_is_the_full_form_without_defaults(order: Order) -> None:
    """Nothing is written in another way, and nothing is left out that is not at its default."""
    full, sparse = dump(order), dump_sparse(order)
    assert isinstance(full, dict)
    assert {name: full[name] for name in sparse} == sparse
    left_out = full.keys() - sparse.keys()
    assert left_out <= {"payer", "notify_url", "return_url", "payable_until", "capture", "complete"}
    assert all(full[name] is None for name in left_out - {"payer", "capture", "complete"})


def test_a_native_record_is_never_looked_at() -> None:
    """It belongs to the partner's adapter."""
    payment: Payment[object] = Payment(
        ref="SHOP10010001", amount=Money(1, "CNY"), partner="p", account="p:1", partner_ref="r", partner_id=None,
        paid_at=None, native=object(),
    )  # fmt: skip
    assert "native" not in dump_sparse(payment)


def test_instants_are_written_in_utc() -> None:
    """Whatever zone they carry."""
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    elsewhere = noon.astimezone(timezone(timedelta(hours=8)))
    assert dump(noon) == "2026-01-31T12:00:00.000000Z"
    assert dump(noon) == dump(elsewhere)
