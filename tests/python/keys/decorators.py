"""Decorators that tests put between memoise and a function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def retry(function: Callable[..., Any]) -> Any:
    """Pass all arguments on, as stamina and tenacity do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper
