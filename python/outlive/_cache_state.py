"""The private state of a ``Cache``: the native cache, the defaults, and the functions in it."""

from __future__ import annotations

import time
from _weakref import ref  # weakref itself takes a while to import

from . import _arguments, _modes, _options, _registry
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    from . import _core
    from ._classes.owners import CacheClasses
    from ._hooks import Hooks
    from ._receipts import Receipts

    class KeptReceipts(Protocol):
        """The part of ``_kept_receipts.KeptReceipts`` used here; that module imports this one."""

        def write(self) -> None:
            """Append what was counted since the last time."""
            ...

        def all_runs(self) -> dict[str, Receipts]:
            """Return what all runs did, this one included."""
            ...


class ClassOwner:
    """Leads the native cache to the classes of a ``CacheState`` without keeping it alive."""

    def __init__(self, state: ref[CacheState]) -> None:
        self._state = state

    @property
    def classes(self) -> CacheClasses:
        """Return the classes of all functions that are memoised there."""
        state = self._state()
        assert state is not None, "its native cache is in use"
        return state.classes


class CacheState:
    """The private state of one ``Cache`` object."""

    #: Whether a key is the first argument alone and functions share entries.
    is_drop_in = False

    def __init__(self, core: _core.Cache, options: _options.Options) -> None:
        """Start with the native cache of a file, and the defaults of its functions."""
        self.core = core
        self.options = options
        self._functions: dict[ref[_core.Memoised], None] = {}
        self._memory: _core.Cache | None = None
        #: The class and the arguments that rebuild the ``Cache`` object in another process.
        self.made_by: tuple[type, dict[str, Any]]
        #: Its identifier there, once one of its functions was sent to another process.
        self.identifier: str | None = None
        self._classes: CacheClasses | None = None
        #: What is called for hits, misses and stores, and which of them raised and was told.
        self.hooks: Hooks | None = None
        self.told_hooks: set[str] = set()
        #: What is counted across runs, if anything is.
        self.kept_receipts: KeptReceipts | None = None
        core.know_classes(ClassOwner(ref(self)))

    @property
    def classes(self) -> CacheClasses:
        """The classes of all functions that are memoised here."""
        if self._classes is None:
            from ._classes.owners import CacheClasses

            self._classes = CacheClasses(self)
        return self._classes

    @property
    def path(self) -> str | None:
        """The file, or None for a cache in memory."""
        return None if self.core.path is None else str(self.core.path)

    @property
    def has_file(self) -> bool:
        """Whether the results are in a file of this host."""
        return self.core.path is not None and not self.core.file.is_server

    @property
    def label(self) -> str:
        """The file as messages name it."""
        carrier = self.core.file.carrier
        return self.path or (carrier.label if carrier else "a cache in memory")

    @property
    def visible(self) -> _core.Cache:
        """The native cache that users see; in mode "off", a memory of its own."""
        return self._aside() if _modes.of(self.core) == "off" else self.core

    @property
    def entries(self) -> _core.Entries:
        """The entries that the mapping shows."""
        return self.visible.entries

    def _aside(self) -> _core.Cache:
        if self._memory is None:
            self._memory = _registry.core_of(None, False, self.is_drop_in)
            self._memory.mode = "on"
        return self._memory

    def set_limits(self, *, maxsize: Any, max_bytes: Any) -> None:
        """Set the limits that act when this object stores a result, each a limit or ``UNCHANGED``.

        Raises:
            ValueError: another object on the same file has another one, or it is on a server.
        """
        given = {"maxsize": maxsize, "max_bytes": max_bytes}
        now = zip(given.items(), self.core.limits.get(), strict=True)
        wanted = {name: old if new is _options.UNCHANGED else new for (name, new), old in now}
        is_limited = any(value is not None for value in wanted.values())
        if is_limited:
            self.refuse_limits("Cache", **wanted)
        for other in _registry.sharing(self.core) if is_limited else ():
            for (name, value), known in zip(wanted.items(), other.limits.get(), strict=True):
                if None not in (value, known) and value != known:
                    raise ValueError(
                        f"{name}={value}: {self.label} is already in use here with {name}={known} "
                        "by another Cache object; give both the same, or one of them none"
                    )
        self.core.limits.set(**wanted)

    def refuse_limits(self, of: str, **limits: object) -> None:
        """Refuse limits where nobody could keep them; ``of`` is what they are given to.

        Raises:
            ValueError: there is a limit, and the results are on a server or in a mapping.
        """
        given = [name for name, value in limits.items() if value is not None]
        if given and self.core.file.is_server:
            raise ValueError(
                f"{of}: {given[0]}= is not kept on a server, where every entry would have to be "
                "counted: the server's own maxmemory and maxmemory-policy say how much there may "
                "be, and ttl= how long it stays"
            )
        if given and self.core.file.carrier is not None:
            raise ValueError(
                f"{given[0]}={limits[given[0]]}: outlive cannot limit {self.label}; use a limit of "
                "its own (zict's LRU, diskcache's size_limit), or a database: Cache('x.db')"
            )

    def set_near(self, near: int | None) -> None:
        """Set how many bytes of a database may be in memory; None leaves it unchanged.

        Raises:
            ValueError: another object on the same file has another number.
        """
        if near is None:
            return
        file = self.core.file
        if file.near not in (None, near):
            raise ValueError(
                f"near={near}: {self.label} is already in use here with near={file.near} by "
                "another Cache object; give both the same, or one of them none"
            )
        file.near = near

    def set_store_errors(self, reaction: str) -> None:
        """Set what happens when the server cannot be used: for all objects on it, if one raises.

        Raises:
            ValueError: it is neither "warn" nor "raise", or "raise" is said of a file.
        """
        _options.one_of(reaction, ("warn", "raise"), "on_store_error")
        if reaction == "raise":
            if not self.core.file.is_server:
                raise ValueError("on_store_error='raise' is for a cache on a server")
            self.core.file.raises = True

    def limit(self, *, maxsize: Any, max_bytes: Any) -> None:
        """Set limits as ``set_limits`` does, and drop what exceeds them."""
        self.set_limits(maxsize=maxsize, max_bytes=max_bytes)
        self.core.trim()

    def set_mode(self, mode: str) -> None:
        """Set the mode from now on; save everything before one that writes nothing."""
        if mode in ("off", "readonly", "frozen") and self.core.is_loaded:
            self.core.close()
        self.core.mode = mode

    def add(self, memoised: _core.Memoised) -> None:
        """Remember a function that is memoised here, as long as it lives."""
        self._functions[ref(memoised, self._functions.pop)] = None

    def disown(self, memoised: _core.Memoised) -> None:
        """Forget a function that has had its day, whoever may still hold it."""
        self._functions.pop(ref(memoised), None)

    def functions(self) -> list[_core.Memoised]:
        """The functions that are memoised here and alive."""
        found = [reference() for reference in list(self._functions)]
        return [memoised for memoised in found if memoised is not None]

    def now(self) -> float:
        """Return the time in seconds since 1970, by the clock of the cache."""
        clock = self.options.clock or time.time
        return clock()

    def release(self) -> None:
        """Empty the tables of hits of all functions."""
        for memoised in self.functions():
            memoised._outlive_manager.release()

    def reconfigure(self, options: Mapping[str, Any]) -> None:
        """Change the defaults, also of functions that were memoised before."""
        self.options = _options.checked(self.options, options)
        for memoised in self.functions():
            self.renew_options(memoised)

    def renew_options(self, memoised: _core.Memoised) -> None:
        """Give ``memoised`` the present defaults, and its own options on top."""
        registration = memoised._outlive_registration
        options = _options.checked(self.options, registration.own)
        self.refuse_limits("memoise", maxsize=options.maxsize)
        registration.options = options
        registration.refresher.set_pause(options.refresh_after)
        options = options.replace(**registration.fixed)
        errors = None
        if options.cache_errors:
            from ._kept_errors import KeptErrors  # it needs inspect, which few imports do

            errors = KeptErrors(options.cache_errors, memoised.name)
        noted = None
        if options.tags or callable(options.cost) or options.meta or options.depends:
            from ._noted import noter  # few functions note anything

            noted = noter(options, memoised.name)
        changes = {"errors": errors, "refresher": registration.refresher, "noted": noted}
        memoised._outlive_manager.set_options(options.replace(**changes))

    def tagged(self, tag: str) -> list[str]:
        """Return the keys of all entries with this tag."""
        import json

        found = []
        for key, notes in self.visible.facts.notes():
            tags = json.loads(notes).get("tags")
            if isinstance(tags, list) and tag in tags:
                found.append(key)
        return found

    def count(self, memoised: _core.Memoised) -> int:
        """Count the entries of ``memoised``."""
        return self.entries.count_of(memoised._outlive_manager.key_start())

    def clear(self, memoised: _core.Memoised) -> None:
        """Forget all entries of ``memoised``."""
        self.entries.recall()
        if self.core.file.is_server and self.entries.clear_named(self.start_of(memoised)):
            return
        # First: a result kept before this is among the entries; one that comes later is not kept.
        self.entries.outdate(_arguments.literal(self.start_of(memoised)) + "*")
        for key in self.keys_of(memoised):
            self.entries.remove(key)

    def keys_of(self, memoised: _core.Memoised) -> list[str]:
        """Return the keys of ``memoised`` that name it."""
        return self.entries.keys_of(self.start_of(memoised))

    def start_of(self, memoised: _core.Memoised) -> str:
        """Return what the keys of ``memoised`` begin with."""
        return memoised._outlive_manager.key_start()


class DropInState(CacheState):
    """The state of the drop-in, whose functions share all entries."""

    is_drop_in = True

    def start_of(self, memoised: _core.Memoised) -> str:
        """Return what the keys of ``memoised`` with key="all" begin with: only those name it."""
        return f"outlive:{memoised.name}("

    def count(self, memoised: _core.Memoised) -> int:  # noqa: ARG002 - functions share
        """Count all entries: the functions share them."""
        return len(self.entries)

    def clear(self, memoised: _core.Memoised) -> None:  # noqa: ARG002 - functions share
        """Forget all entries: which function made them is not known."""
        self.entries.clear()
        self.release()
