"""Why a call is answered from the cache, or computed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from . import _arguments, _core, _modes, _naming
from ._explanation import Explanation
from ._facts import Fact, fact_of
from ._nearest import nearest
from ._spans import ago, moment, span

if TYPE_CHECKING:
    from ._cache_state import CacheState
    from ._options import Options


class Registered(Protocol):
    """The members of ``Registration`` that are used here."""

    cache: CacheState
    given: dict[str, Any]
    #: The function's own on top of the defaults of its cache.
    options: Options
    not_kept: dict[int, str]

    @staticmethod
    def code_note(function: Any) -> tuple[str | None, bytes | None]:
        """Return what results record about the code of ``function``."""
        ...


class Explainer:
    """Explains one call of a function."""

    def __init__(self, registration: Registered, memoised: _core.Memoised, key: str) -> None:
        """Take the key of the call."""
        self._registration, self._memoised, self._key = registration, memoised, key
        self._state = registration.cache
        self._options = registration.options
        self._now = self._state.now()

    def explain(self) -> Explanation:
        """Return whether the call is a hit, and why."""
        core = self._state.core
        mode = _modes.of(core)
        if mode == "off":
            return self._miss("mode", "is computed: the mode is 'off', which keeps nothing")
        found = self.of_entry()
        if mode == "refresh":
            miss = self._miss("mode", "is computed anew: the mode is 'refresh'")
            return replace(found, is_hit=False, reason=miss.reason, why=miss.why)
        if found.reason != "never seen":
            return found
        return self._unseen()

    def of_entry(self) -> Explanation:
        """Return the explanation of the entry alone, in no time; "never seen" if there is none."""
        fact = fact_of(self._state.core, self._key)
        if fact is None:
            return self._miss("never seen", "was never seen here")
        if fact.is_error:
            return self._of_error(fact)
        value = self._state.core.entries.previous(self._key)
        if value is None and self._state.core.facts.text(self._key) not in ("null", None):
            return self._of(fact, "damaged", "is kept, but no value can be made of it", hit=False)
        return self._of_result(fact, value)

    def _of_result(self, fact: Fact, value: Any) -> Explanation:
        ttl, age = self._ttl(value), abs(self._now - (fact.created or 0.0))
        made = self._made(fact)
        expires = None if ttl is None or fact.created is None else fact.created + ttl
        if ttl is not None and not age < ttl:
            since = self._now - age + ttl
            when = f"expired {ago(since, self._now)} ({made}; ttl {span(ttl)})"
            return self._of(fact, "expired", when, expires=expires, hit=False)
        other = self._other_code(fact)
        if other is not None and other[1]:
            return self._of(fact, other[0], f"{made} by {other[2]}", hit=False)
        by = f" by {other[2]}" if other else ""
        good = "" if expires is None else f", and is good for {span(expires - self._now)}"
        if not fact.is_storable:
            kept = f"{made}{by}; the file cannot hold it, so it is kept in this process only"
            return self._of(fact, "in memory", kept, expires=expires, hit=True)
        late = self._options.refresh_after
        if late is not None and not age < late:
            due = f"{made}{by}, is served, and is made anew in the background"
            return self._of(fact, "refreshing", due, expires=expires, hit=True)
        return self._of(fact, "kept", f"{made}{by}{good}", expires=expires, hit=True)

    def _ttl(self, value: Any) -> float | None:
        ttl: Any = self._options.ttl
        if _modes.of(self._state.core) == "frozen":
            return None
        if not callable(ttl):
            return None if ttl is None else float(ttl)
        of_result: Any
        try:
            of_result = ttl(value)
        except Exception:  # a result of unknown age is served to nobody
            return 0.0
        return None if of_result is None else float(of_result)

    def _other_code(self, fact: Fact) -> tuple[str, bool, str] | None:
        """The reason, whether it makes a miss, and a description, if other code made the result."""
        if self._state.is_drop_in or fact.code is None:
            return None
        mine, script = self._registration.code_note(self._memoised.function)
        # The first character stands for the minor version of Python: two versions are never
        # compared.
        if mine is None or mine == fact.code or mine[0] != fact.code[0]:
            return None
        here = None if not script else json.loads(script)["script"]
        theirs = fact.notes.get("script", here)
        if script is not None and (not script or theirs != here):
            return "other program", True, "another program that has a function of this name"
        policy = self._options.on_code_change
        words = f"other code ({fact.code}; it is {mine} now)"
        return None if policy == "ignore" else ("other code", policy == "recompute", words)

    def _of_error(self, fact: Fact) -> Explanation:
        made = self._made(fact)
        errors = self._options.cache_errors
        if errors:
            from ._kept_errors import KeptErrors

            payload = json.loads(self._state.core.facts.text(self._key) or "null")
            age = self._now - (fact.created or 0.0)
            error = KeptErrors(errors, self._memoised.name).unpack(payload, age)
            if error is not None:
                raised = f"raises the kept {type(error).__name__} ({made})"
                return self._of(fact, "kept", raised, hit=True)
        return self._of(fact, "expired", f"raised, and is tried again ({made})", hit=False)

    def _unseen(self) -> Explanation:
        """Explain why there is no entry, as far as the kept keys tell."""
        not_kept = self._registration.not_kept.get(hash(self._key))
        if not_kept is not None:
            return self._miss("not kept", f"was not kept at its last call here: {not_kept}")
        for reason, words in self._namesakes():
            return self._miss(reason, words)
        start = self._state.start_of(self._memoised)
        near = nearest(self._key, start, self._state.core.entries.keys_of(start))
        return replace(self._miss("never seen", "was never seen here"), nearest=near)

    def _namesakes(self) -> Iterator[tuple[str, str]]:
        """The same call of another version of the function, or of one with another closure."""
        name, given = self._memoised.name, self._registration.given
        mark = _naming.version_mark(given.get("version"))
        base = name.removesuffix(mark) if mark else name
        before, found, arguments = self._key.partition(f"{name}(")
        if not found:
            return
        pattern = "*".join(map(_arguments.literal, (f"{before}{base}", _call(arguments))))
        rows, _ = self._state.core.facts.rows(pattern=pattern, limit=20)
        for fact in (Fact(*row) for row in rows):
            rest = fact.key.removeprefix(f"{before}{base}").removesuffix(_call(arguments))
            version, _, closure = rest.partition("(")
            made = self._made(fact)
            if version[:1] not in ("", "@") or closure[:1] not in ("", "~"):
                continue  # a function or an argument whose name begins or ends like this one
            if version != mark:
                shown = f"version {version[1:]}" if version else "no version"
                yield "other version", f"is kept of {shown} ({made}), and this is another"
            elif closure:
                yield "other closure", f"is kept ({made}), but the function closed over others then"

    def _made(self, fact: Fact) -> str:
        if fact.created is None:
            return "was made at an unknown time"
        took = "" if fact.took is None else f" in {span(fact.took)}"
        return f"was made {ago(fact.created, self._now)}{took}"

    def _miss(self, reason: str, why: str) -> Explanation:
        return Explanation(self._memoised.name, self._key, False, reason, why)

    def _of(
        self, fact: Fact, reason: str, why: str, *, hit: bool, expires: float | None = None
    ) -> Explanation:
        explanation = Explanation(self._memoised.name, self._key, hit, reason, why)
        made, until = moment(fact.created), moment(expires)
        return replace(explanation, created=made, took=fact.took, code=fact.code, expires=until)


def _call(arguments: str) -> str:
    """The arguments in a key and the parenthesis, without the mark of a closure."""
    if not arguments.startswith("~"):
        return arguments
    _, comma, rest = arguments.partition(", ")
    return rest if comma else ")"
