"""Verify a whole trail: its chains, the signed heads, and that every transition has its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from payport.sdk.audit.chain import SHARED_CHAINS, Chain, Flaw, FlawKind, Row
from payport.sdk.audit.heads import SignedHead, read_heads
from payport.sdk.audit.signing import PublicKeys
from payport.sdk.audit.trail import BATCH, Trail
from payport.sdk.audit.walking import Walk

Progress = Callable[[int], None]
"""Told how many records were looked at."""


@dataclass(slots=True, kw_only=True)
class Verification:
    """One look at a trail, which may be written to meanwhile. Memory does not grow with the number of records.

    ``heads``: a file of signed heads, ``keys``: whose signatures count. The counts are those of what :meth:`flaws` has
    gone through.
    """

    trail: Trail
    heads: Path | None = None
    keys: PublicKeys | None = None
    records: int = 0
    heads_seen: int = 0
    heads_archived: int = 0
    """Heads about records that are not in the journal any more."""
    chains: Sequence[Chain] = field(default_factory=list[Chain])

    def flaws(self, progress: Progress = lambda _: None) -> Iterator[Flaw]:
        """Everything that is wrong, each as soon as it is found; nothing when the trail is whole."""
        self.chains = self.trail.chains()
        yield from self._check_chains()
        for chain in self.chains:
            yield from self._check_chain(chain, progress)
        if self.heads is not None and self.keys is not None:
            yield from self._check_heads(self.heads, self.keys)
        yield from check_transitions(self.trail)

    def _check_chains(self) -> Iterator[Flaw]:
        """Whether the chains themselves are there: without its row nobody would look at a chain's records."""
        numbers = [chain.chain for chain in self.chains]
        if numbers not in ([0], list(range(SHARED_CHAINS))):
            yield Flaw(FlawKind.MISSING, f"the journal has lost chains of its audit trail: it has {numbers}")
        for number in range(SHARED_CHAINS):
            if number not in numbers and self.trail.rows(number, 0, 1):
                yield Flaw(FlawKind.INSERTED, "there are records of a chain that the journal does not have", number)

    def _check_chain(self, chain: Chain, progress: Progress) -> Iterator[Flaw]:
        """Up to the head as it is now: what others write meanwhile is left for the next time."""
        walk = Walk(chain.dropped, chain.chain)
        last, end = chain.dropped.seq, chain.head.seq
        while last < end:
            rows = self.trail.rows(chain.chain, last, min(BATCH, end - last))
            if not rows or rows[0].seq != last + 1:
                dropped = (self._chain(chain.chain) or chain).dropped
                if dropped.seq >= end:
                    return  # all of it was archived while we were on the way
                if dropped.seq > last:
                    walk, last = Walk(dropped, chain.chain), dropped.seq
                    continue
            if not rows:
                break
            for row in rows:
                if row.seq <= end:
                    yield from walk.step(row)
                    self.records += 1
            last = rows[-1].seq
            progress(self.records)
        for row in self._beyond(chain):
            yield from walk.step(row)
        yield from walk.end(chain.head)

    def _beyond(self, chain: Chain) -> Sequence[Row]:
        """A record and the head move in one transaction, so none is ever seen behind a head that is read later."""
        behind = self.trail.rows(chain.chain, chain.head.seq, BATCH)
        now = self._chain(chain.chain) or chain
        return [row for row in behind if row.seq > now.head.seq]

    def _chain(self, number: int) -> Chain | None:
        return next((each for each in self.trail.chains() if each.chain == number), None)

    def _check_heads(self, path: Path, keys: PublicKeys) -> Iterator[Flaw]:
        checking = HeadCheck(self.trail, keys)
        for number, head in read_heads(path):
            self.heads_seen += 1
            yield from checking.step(f"line {number} of {path.name}", head)
        yield from checking.end()
        self.heads_archived = checking.archived


class HeadCheck:
    """Compares signed heads with the chains, and tells of each chain the worst that they show."""

    def __init__(self, trail: Trail, keys: PublicKeys) -> None:
        self._trail = trail
        self._keys = keys
        self._chains = {(each.start, each.chain): each for each in trail.chains()}
        self._beyond: dict[int, SignedHead] = {}
        self._against: dict[int, SignedHead] = {}
        self._strange = 0
        self._newest: dict[int, int] = {}
        self.archived = 0

    def step(self, where: str, head: SignedHead | None) -> Iterator[Flaw]:
        """The next head. ``where``: what a message calls it."""
        if head is None:
            yield Flaw(FlawKind.UNREADABLE, f"{where} is no signed head")
            return
        if not head.is_signed_by(self._keys):
            why = "its signature is wrong" if self._keys.knows(head.key) else f"key {head.key} is not trusted"
            yield Flaw(FlawKind.FORGED, f"{where} does not count: {why}", head.chain, head.head.seq)
            return
        chain = self._chains.get((head.start, head.chain))
        if chain is None:
            self._strange += 1
            return
        self._newest[head.chain] = max(self._newest.get(head.chain, 0), head.head.seq)
        if head.head.seq < chain.dropped.seq:
            self.archived += 1
        elif head.head.seq > chain.head.seq:
            self._note(self._beyond, head, newest=True)
        elif (found := self._hash(chain, head.head.seq)) != head.head.hash:
            if found is None and self._left(chain, head.head.seq):
                self.archived += 1
            else:
                self._note(self._against, head, newest=False)

    def end(self) -> Iterator[Flaw]:
        """After the last head."""
        for number, head in self._beyond.items():
            chain = self._chains[head.start, number]
            what = (
                f"the end was cut off: at {head.at} chain {chain.name} had {head.head.seq} records, "
                f"now it has {chain.head.seq}"
            )
            yield Flaw(FlawKind.CUT_OFF, what, number, chain.head.seq + 1)
        for number, head in self._against.items():
            what = f"the chain was written anew: its record {head.head.seq} is not the one signed for at {head.at}"
            yield Flaw(FlawKind.REWRITTEN, what, number, head.head.seq)
        for chain in self._chains.values():
            # the record that tells of a head comes right behind what the head is about
            newest = self._newest.get(chain.chain, 0)
            if newest < chain.signed - 1:
                what = (
                    f"the newest heads of chain {chain.name} are missing: one was signed about record "
                    f"{chain.signed - 1} or a later one, the last here is about record {newest}"
                )
                yield Flaw(FlawKind.MISSING, what, chain.chain, newest + 1)
        if self._strange:
            what = f"{self._strange} heads are about chains that this journal does not have: it is another one"
            yield Flaw(FlawKind.REWRITTEN, what)

    def _hash(self, chain: Chain, seq: int) -> bytes | None:
        return chain.dropped.hash if seq == chain.dropped.seq else self._trail.hash_at(chain.chain, seq)

    def _left(self, chain: Chain, seq: int) -> bool:
        """Whether a record was taken out since this check began."""
        return any(each.chain == chain.chain and each.dropped.seq >= seq for each in self._trail.chains())

    @staticmethod
    def _note(heads: dict[int, SignedHead], head: SignedHead, *, newest: bool) -> None:
        known = heads.get(head.chain)
        if known is None or (head.head.seq > known.head.seq) is newest:
            heads[head.chain] = head


def check_transitions(trail: Trail) -> Iterator[Flaw]:
    """That every transition of the journal has exactly one record (invariant I12 of the simulator's checker)."""
    for operation, version in trail.untold():
        yield Flaw(FlawKind.UNTOLD, f"version {version} of {operation} has no record")
    for operation, version in trail.unfounded():
        yield Flaw(FlawKind.UNFOUNDED, f"version {version} of {operation} has several records, or is in no journal")
