"""``async def`` functions: how a call suspends, and who is told what when it is cancelled.

A hit does not suspend. A miss is computed by a task of its own, which belongs to nobody's
cancellation: it is cancelled when the last one who waits for it has gone. Whoever waits does so in
the event loop that it runs in; nothing here belongs to a loop beyond one call.

- asyncio, and anyio on top of it: as above. The function runs in a copy of the context of the task
  that asked first: it sees that task's context variables, and what it sets stays its own.
- trio, and anyio on top of it: the function runs in the task that asked first. If that one is
  cancelled, another one that waits begins anew. Background refreshes (``refresh_after``) do not
  happen there: nothing may start a task that no nursery holds.
- Any other loop, or a coroutine driven by hand: hits are served and results kept, but a call
  computes rather than wait for another one.
"""
