"""The audit trail: who did what, when, with what result, from where, to what; and the proof that nobody changed it.

Nothing here knows a database. :mod:`.record` says what a record is, :mod:`.chain` and :mod:`.walking` how records prove
each other, :mod:`.heads` how the end is signed, :mod:`.archiving` and :mod:`.keeping` how old ones are kept and leave,
:mod:`.verifying` and :mod:`.reporting` what can be told of them. The journal writes them.
"""
