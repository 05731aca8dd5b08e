"""A process is killed between the partner's charge and its answer; a new one finds out what happened."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

from payport.sdk.cli.demo.stage import AdapterT, PartnerT, Stage
from payport.sdk.cli.demo.till import DEADLINE_S
from payport.sdk.host_clock import SystemClock
from payport.sdk.operations.setup import LEASE_MARGIN_S

_TILL = "payport.sdk.cli.demo.till"
_WAIT_S = 30.0


def killed_between_commit_and_answer(stage: Stage[PartnerT, AdapterT]) -> None:
    """A child process pays over TLS; it is killed when the partner has charged and before it answers."""
    play = stage.play.till
    assert play is not None, "the play names no till"
    order = stage.order(play.amount, "Rice")
    began, dead = Event(), Event()
    till: subprocess.Popen[bytes] | None = None

    def kill(endpoint: str) -> None:
        if endpoint == play.endpoint and began.wait(_WAIT_S) and till is not None:
            till.kill()
            till.wait()
            dead.set()

    stage.say(f"Another process, a till, begins to pay {order.ref} ({order.amount}) over TLS, in the same journal.")
    stage.partner.on_commit = kill
    with stage.console.status("the till starts, and pays"):
        till = subprocess.Popen(  # noqa: S603 - our own module, started by this very interpreter
            [sys.executable, "-m", _TILL, str(stage.config), stage.play.partner, order.ref], stderr=subprocess.PIPE
        )
        began.set()
        _, complaint = till.communicate(timeout=_WAIT_S)
    stage.partner.on_commit = None
    stage.lease_until_s = SystemClock().moment().monotonic_s + DEADLINE_S + LEASE_MARGIN_S
    if not stage.expect(dead.is_set(), f"the till ended before it could be killed: {complaint.decode()}"):
        return
    name = stage.play.name
    stage.say(f"{name} charged; the till (process {till.pid}) was killed before the answer: status {till.returncode}.")
    stage.charges(order.ref, 1)
    open_ones = [operation.id for operation in stage.gateway.open_operations()]
    stage.expect(bool(open_ones), "the journal does not know the order of the killed till")
    stage.say(f"Our journal, written before the first byte left, knows what is open: {', '.join(open_ones)}.")
    stage.say(f"The dead till held the right to send for it; that ends by itself within {LEASE_MARGIN_S:.0f} s or so.")


def settled_after_restart(stage: Stage[PartnerT, AdapterT]) -> None:
    """``payport resume`` in a new process settles what the dead one left."""
    clock = SystemClock()
    with stage.console.status("") as status:
        while (left_s := stage.lease_until_s - clock.moment().monotonic_s) > 0:
            status.update(f"the dead till's right to send ends in {left_s:.0f} s")
            clock.sleep(min(left_s, 0.5))
        status.update("payport resume runs")
        resumed = subprocess.run(  # noqa: S603 - our own command, started by this very interpreter
            [sys.executable, "-m", "payport.sdk.cli", "resume", "--config", str(stage.config)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=_WAIT_S,
        )
    stage.say("$ payport resume --config payport.toml")
    stage.say(f"{resumed.stdout}{resumed.stderr}".rstrip())
    still = [operation.id for operation in stage.gateway.open_operations()]
    stage.expect(resumed.returncode == 0 and not still, "payport resume left something open")
    stage.say(f"Still open: {', '.join(still) or 'nothing'}.")
