"""The stores, each with what it promises; a test of the contract runs for all that keep it."""

from __future__ import annotations

import itertools
import shelve
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.servers import Server


@dataclass(frozen=True)
class Kind:
    """A kind of store, and what it lacks."""

    name: str
    #: What a cache file of it is called; None: there is none.
    file: str | None = None
    #: The server that keeps it; None: there is none.
    engine: str | None = None
    #: What each cache of it is made with.
    options: dict[str, Any] = field(default_factory=dict)
    #: Whether results outlive the process.
    persists: bool = True
    #: Makes the mapping in a folder that is the store; None: the store is outlive's own.
    mapping: Callable[[Path], Any] | None = None

    @property
    def keeps_order(self) -> bool:
        """Whether entries are listed in the order in which they came."""
        return self.engine is None and self.mapping is None

    @property
    def has_limits(self) -> bool:
        """Whether ``maxsize=`` and ``max_bytes=`` can be had."""
        return self.engine is None and self.mapping is None

    @property
    def limited_by(self) -> str:
        """Who has limits instead: a word of the refusal."""
        return "mapping" if self.engine is None else "maxmemory"


def _in_files(folder: Path) -> Any:
    """What fsspec makes of a folder here, or of a bucket far away."""
    return pytest.importorskip("fsspec").get_mapper(f"file://{folder}/entries", create=True)


def _of_zict(folder: Path) -> Any:
    return pytest.importorskip("zict").File(str(folder / "zict"))


def _of_diskcache(folder: Path) -> Any:
    return pytest.importorskip("diskcache").Cache(str(folder / "diskcache"))


def _shelf(folder: Path) -> Any:
    return shelve.open(str(folder / "shelf"))


def _over(name: str, mapping: Callable[[Path], Any], **options: Any) -> Kind:
    return Kind(name, options=options, mapping=mapping)


def _server(engine: str, **options: Any) -> Kind:
    name = engine + (" without memory" if options else "")
    return Kind(name, engine=engine, options=options)


KINDS = [
    Kind("json", "cache.json"),
    Kind("sqlite", "cache.db"),
    Kind("sqlite without memory", "cache.db", options={"near": 0}),
    _server("redis"),
    _server("redis", near=0),
    _server("valkey"),
    Kind("memory", persists=False),
    _over("fsspec", _in_files),
    _over("zict without memory", _of_zict, near=0),
    _over("diskcache", _of_diskcache),
    _over("shelve without memory", _shelf, near=0),
]


def doubling(cache: Cache, **options: Any) -> tuple[Any, list[Any]]:
    """A function that is memoised in ``cache``, and what it was called with."""
    calls: list[Any] = []

    @cache.memoise(name="double", **options)
    def double(x: Any) -> Any:
        calls.append(x)
        return [x, x]

    return double, calls


class Place:
    """Where caches of one kind are made, all on one file or under one name of a server."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._open: list[Cache] = []

    def __call__(self, **options: Any) -> Cache:
        """Make a cache; one in memory is made once."""
        if not (self.kind.persists or self._open):
            self._open.append(Cache(None, **options))
        elif self.kind.persists:
            self._open.append(self._make(self.kind.options | options))
        return self._open[-1]

    def _make(self, options: dict[str, Any]) -> Cache:
        raise NotImplementedError

    def close(self) -> None:
        """End what a process would, and have the next cache read what is kept, from another place."""
        while self._open:
            self._open.pop().close()

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """The keys, sorted if the store does not keep their order."""
        return list(keys) if self.kind.keeps_order else sorted(keys)

    def left(self) -> list[str]:
        """The names of what is there beside results."""
        return []

    def contents(self) -> list[bytes]:
        """All that anybody could read there."""
        return []


class Folder(Place):
    """The folder of a file."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        """Have caches made in ``folder``."""
        super().__init__(kind)
        self.folder = folder

    def _make(self, options: dict[str, Any]) -> Cache:
        assert self.kind.file is not None
        return Cache(self.folder / self.kind.file, **options)

    def close(self) -> None:
        """Have the files in another folder."""
        super().close()
        new = self.folder / "later"
        new.mkdir()
        for path in self._files():
            path.rename(new / path.name)
        self.folder = new

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())

    def left(self) -> list[str]:
        """The files beside that of the cache."""
        return [path.name for path in self._files() if path.name != self.kind.file]

    def contents(self) -> list[bytes]:
        """All files."""
        return [path.read_bytes() for path in self._files()]


class Mapped(Place):
    """A mapping that somebody else keeps in a folder."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        """Have mappings made in ``folder``."""
        super().__init__(kind)
        self._folder = folder
        self._mapping: Any = None

    def _opened(self) -> Any:
        assert self.kind.mapping is not None
        if self._mapping is None:
            self._mapping = self.kind.mapping(self._folder)
        return self._mapping

    def _make(self, options: dict[str, Any]) -> Cache:
        return Cache(store=self._opened(), **options)

    def close(self) -> None:
        """Have another mapping of the same entries."""
        super().close()
        if hasattr(self._mapping, "close"):
            self._mapping.close()
        self._mapping = None

    def contents(self) -> list[bytes]:
        """All names and values."""
        mapping = self._opened()
        return [part for name in mapping for part in (name.encode(), bytes(mapping[name]))]


class Name(Place):
    """A name on a server, which is reached over TCP and its Unix socket in turn."""

    _numbers = itertools.count()

    def __init__(self, kind: Kind, server: Server) -> None:
        """Have caches made under a name of their own."""
        super().__init__(kind)
        self.server, self.name = server, f"name{next(self._numbers)}"
        self._urls = itertools.cycle([server.url, server.socket_url])
        self._url = next(self._urls)

    def _make(self, options: dict[str, Any]) -> Cache:
        return Cache(self._url, name=self.name, **options)

    def close(self) -> None:
        """Have the server reached by another way, so that nothing in this process answers for it."""
        super().close()
        self._url = next(self._urls)

    def _own(self, keys: Iterable[bytes]) -> list[bytes]:
        start = f"outlive:{self.name}:".encode()
        return [key for key in keys if key.startswith(start)]

    def left(self) -> list[str]:
        """The leases of computations."""
        return [key.decode() for key in self._own(self.server.leases())]

    def contents(self) -> list[bytes]:
        """All keys and values."""
        client, keys = self.server.client(), self._own(self.server.stored())
        return [*keys, *(client.dump(key) for key in keys)]


def _place(kind: Kind, folder: Path, shared_servers: Callable[[str], Server]) -> Place:
    if kind.engine is not None:
        return Name(kind, shared_servers(kind.engine))
    if kind.mapping is not None:
        return Mapped(kind, folder)
    return Place(kind) if kind.file is None else Folder(kind, folder)


def _fixture(kinds: Iterable[Kind]) -> Any:
    def place(
        request: pytest.FixtureRequest, tmp_path: Path, shared_servers: Callable[[str], Server]
    ) -> Iterator[Place]:
        made = _place(request.param, tmp_path, shared_servers)
        yield made
        made.close()

    return pytest.fixture(params=list(kinds), ids=lambda kind: str(kind.name))(place)


#: Makes caches of each kind of store.
place = _fixture(KINDS)
#: The same, of each kind whose results outlive the process.
lasting = _fixture(kind for kind in KINDS if kind.persists)
#: The same, of each kind that keeps the order of entries.
ordered = _fixture(kind for kind in KINDS if kind.keeps_order)
#: The same, of each kind that has limits.
limited = _fixture(kind for kind in KINDS if kind.has_limits)
#: The same, of each kind that has none.
unlimited = _fixture(kind for kind in KINDS if not kind.has_limits)
