"""A process that calls as often as a shared limit lets it: ``python -m tests.support.limited_callers``.

Takes the URL of Redis, rate, burst and seconds. Prints ``ready``, waits for a line, calls for so long, and prints when
each call went, on the machine's clock.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from time import monotonic, sleep

from payport.sdk.hosting import Asked
from payport.sdk.limits import Limiter, SharedStore
from payport.sdk.message import AskAgain, Purpose, SendFailure, WireRequest
from payport.sdk.profile import CallLimit
from payport.sdk.secrets import Secret

REQUEST = WireRequest(endpoint="pay", moves_money=True, method="POST", url="https://corner/", headers={}, content=b"")


def call_for(limiter: Limiter, seconds: float) -> list[float]:
    """When each call went."""
    sent: list[float] = []
    until_s = monotonic() + seconds
    while (now_s := monotonic()) < until_s:
        answer = limiter.admit(Asked("corner", "corner:1", REQUEST, until_s - now_s, Purpose.MOVE, now_s))
        if isinstance(answer, SendFailure):
            continue
        sleep(answer.after_s if isinstance(answer, AskAgain) else answer or 0.0)
        if not isinstance(answer, AskAgain):
            sent.append(monotonic())
    return sent


def main(url: str, rate_per_s: str, burst: str, seconds: str) -> None:
    """One of several."""
    limit = CallLimit(name="account", rate_per_s=float(rate_per_s), burst=float(burst))
    with closing(SharedStore(Secret(url), timeout_s=2.0)) as store:
        limiter = Limiter("corner:1", [limit], store=store)
        limiter.left()  # connected
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sent = call_for(limiter, float(seconds))
        sys.stdout.write(json.dumps({"sent": sent, "news": [event.name for event in store.news]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
