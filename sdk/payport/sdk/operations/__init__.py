"""The money path: one exchange per verb of the port, written once for sync and async.

``validate -> intend (journal) -> admit -> sign -> send -> authenticate -> decode -> bind -> settle -> return``:
``intend`` is in :mod:`.intending`; admission, signing, sending, authenticating and decoding are one step of an adapter,
tried by :mod:`.carrying`, which also binds and settles; :mod:`.resolver` goes on where an answer is missing.
"""
