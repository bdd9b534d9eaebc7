"""The shape of a function of many items: which parameter takes them, and what comes back."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from .._classes.annotations import returned


class Shape:
    """How calls of one function are split into items, and results put together again."""

    def __init__(self, function: Callable[..., Any], name: str, each: Any, batch: Any) -> None:
        """Find the parameter that takes the items.

        Args:
            function: The function.
            name: What it is called in messages.
            each: The name of the parameter.
            batch: How many items it takes at most in one call; None: any number.

        Raises:
            TypeError: ``each`` is no name of a parameter that can take items.
        """
        if not isinstance(each, str):
            raise TypeError(f"each= takes the name of a parameter, not {type(each).__name__}")
        self.name, self.batch, self._function = name, batch, function
        self._each = each
        parameters = list(inspect.signature(function).parameters.values())
        self._at = next((n for n, p in enumerate(parameters) if p.name == each), -1)
        if self._at < 0:
            known = ", ".join(parameter.name for parameter in parameters) or "none"
            raise TypeError(f"each= names {each!r}, which is no parameter (there are: {known})")
        kind = parameters[self._at].kind
        if kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise TypeError(f"each={each!r}: items are given as one list, and this takes many")
        if kind is inspect.Parameter.KEYWORD_ONLY:
            self._at = len(parameters)
        self._gives_dict: bool | None = None

    def items(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the items of a call.

        Raises:
            TypeError: the call has none.
        """
        if len(args) > self._at:
            given = args[self._at]
        elif self._each in kwargs:
            given = kwargs[self._each]
        else:
            bound = inspect.signature(self._function).bind(*args, **kwargs)  # raises Python's words
            bound.apply_defaults()
            given = bound.arguments.get(self._each)
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise TypeError(f"{self.name}: {self._each}= takes a list of items, not {given!r:.60}")
        return list(given)

    def call(
        self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call with ``value`` in the place of the items."""
        if len(args) > self._at:
            return (*args[: self._at], value, *args[self._at + 1 :]), kwargs
        return args, kwargs | {self._each: value}

    def take_apart(self, items: list[Any], given: Any) -> list[tuple[Any] | None]:
        """Return the result of each item in a tuple of one, None for an item without a result.

        Raises:
            TypeError: the function gives no results of items.
            ValueError: the function gives a wrong number of them.
        """
        if isinstance(given, Mapping):
            return [(given[item],) if item in given else None for item in items]
        # A set has no order that could tell whose result is whose.
        if isinstance(given, (str, bytes, set, frozenset)) or not (
            isinstance(given, Sized) and isinstance(given, Iterable)
        ):
            raise TypeError(
                f"{self.name} must return a list with the result of each item, or a dict by item, "
                f"not {type(given).__name__}; nothing of this call is kept"
            )
        if len(given) != len(items):
            raise ValueError(
                f"{self.name} was given {len(items)} items and returned {len(given)} results: one "
                "for each, in the same order, or a dict by item; nothing of this call is kept"
            )
        return [(result,) for result in given]

    def expect(self, given: Any) -> None:
        """Refuse a dict from a function whose annotation does not say that it returns one.

        Raises:
            TypeError: the next call, whose items may all be kept, would return a list.
        """
        if isinstance(given, Mapping) and not self.gives_dict:
            raise TypeError(
                f"{self.name} returns a dict, and a call whose items are all kept must know that: "
                "annotate the function with `-> dict[...]`; the results are kept"
            )

    def lacking(self, items: list[Any]) -> ValueError:
        """Return the error for items that the function returned no result for."""
        shown = ", ".join(f"{item!r:.60}" for item in items[:3])
        more = f" and {len(items) - 3} more" if len(items) > 3 else ""
        return ValueError(
            f"{self.name} returned no result for {shown}{more}; those that it returned are kept"
        )

    def put_together(self, items: list[Any], results: list[Any]) -> Any:
        """Return the results in the shape that the function returns."""
        return dict(zip(items, results, strict=True)) if self.gives_dict else results

    @property
    def gives_dict(self) -> bool:
        """Whether the function's annotation says that it returns a dict."""
        if self._gives_dict is None:
            annotation = returned(self._function)
            origin = typing.get_origin(annotation) or annotation
            self._gives_dict = isinstance(origin, type) and issubclass(origin, Mapping)
        return self._gives_dict
