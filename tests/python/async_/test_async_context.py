"""Context variables of memoised coroutines, and what a program without them pays."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
from typing import Any

import pytest

from outlive import Cache


def test_context_variables() -> None:
    """The function sees the context variables of the task whose call is computed."""
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    @Cache().memoise
    async def asked_by(x: int) -> str:
        await asyncio.sleep(0)
        return user.get()

    async def main(name: str, x: int) -> str:
        user.set(name)
        return await asked_by(x)

    async def both() -> Any:
        return await asyncio.gather(main("ann", 1), main("bob", 2))

    assert asyncio.run(both()) == ["ann", "bob"]


def test_context_variables_that_the_function_sets() -> None:
    """What the function sets is seen by the caller that led it, as after a plain ``await``."""
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="none")

    @Cache().memoise
    async def traced(x: int) -> int:
        trace.set(f"set by {x}")
        await asyncio.sleep(0)
        if x < 0:
            raise ValueError(x)
        return x

    async def main() -> list[str]:
        seen = [trace.get()]
        await traced(1)
        seen.append(trace.get())
        with pytest.raises(ValueError, match="-1"):
            await traced(-1)
        return [*seen, trace.get()]

    assert asyncio.run(main()) == ["none", "set by 1", "set by -1"]


def test_no_asyncio_for_sync_programs() -> None:
    """A program that memoises no async function does not pay for importing asyncio."""
    code = "import sys, outlive; outlive.Cache().memoise(lambda: 1, name='f')(); "
    code += "sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
