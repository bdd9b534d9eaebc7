"""``async def`` functions: how a call suspends, and what its cancellation does.

A hit does not suspend. A task of its own computes a miss. The cancellation of a caller does not
reach it; it is cancelled when no caller waits for it any more. Callers wait in the event loops that
they run in; nothing here belongs to a loop beyond one call.

- asyncio, and anyio on top of it: as above. The function runs in a copy of the context of the task
  that asked first: it sees that task's context variables, and what it sets stays its own.
- trio, and anyio on top of it: the function runs in the task that asked first. If that one is
  cancelled, another waiting task starts anew. Background refreshes (``refresh_after``) do not
  happen there: nothing may start a task that no nursery holds.
- Any other loop, or a coroutine driven by hand: hits are served and results kept, but a call
  computes rather than wait for another one.
"""
