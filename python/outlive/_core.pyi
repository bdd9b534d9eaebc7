"""The native half of outlive: users meet it as ``outlive.Cache`` and as decorated functions."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias, final

from ._async.leader import LeaderTask
from ._carrier import Carrier
from ._explanation import Explanation
from ._info import CacheInfo
from ._option_types import Mode
from ._options import Options
from ._parameters import KeyRules
from ._provenance import Provenance
from ._receipts import Receipts
from ._registration import Registration

__all__ = [
    "IGNORED",
    "IGNORED_BY_NAME",
    "KEYED",
    "MODES",
    "PAUSES",
    "SECRET",
    "SECRET_BY_NAME",
    "VERSION",
    "Cache",
    "CacheFile",
    "Entries",
    "Facts",
    "HelperScope",
    "Limits",
    "Manager",
    "Memoised",
    "PendingCall",
    "Salt",
    "Shape",
    "add_receipts",
    "after_fork_in_child",
    "canonical",
    "class_name",
    "copy_all",
    "copy_keys",
    "copy_news",
    "exiting",
    "first_key",
    "hand_over",
    "limit_results",
    "log_hits",
    "override_all",
    "read_receipts",
    "report",
    "shown_key",
]

#: The words for modes.
MODES: Final[tuple[Mode, Mode, Mode, Mode, Mode, Mode]]
#: What part a parameter takes in the key: its text, none, a digest.
KEYED: Final[int]
IGNORED: Final[int]
SECRET: Final[int]
IGNORED_BY_NAME: Final[int]
SECRET_BY_NAME: Final[int]
#: The version of the package, which Cargo.toml has.
VERSION: Final[str]
#: How a key held by another process is asked for again, in seconds: first and longest pause.
PAUSES: Final[tuple[float, float]]

#: Key, bytes, when it was made, how long that took, the code's digest, what else is noted (JSON),
#: whether it is an exception, whether the file can hold it: `outlive._facts.Fact`.
_Row: TypeAlias = tuple[str, int, float | None, float | None, str | None, bytes | None, bool, bool]
#: Entries, bytes, seconds that calls took, how many of these are known, times of the oldest and the
#: newest: `outlive._facts.Sum`.
_Total: TypeAlias = tuple[int, int, float, int, float | None, float | None]

@final
class CacheFile:
    """One file, or one cache in memory."""

    def __new__(
        cls,
        path: Path | str | None,
        *,
        ascii: bool,
        fsync: bool,
        page_size: int | None,
        carrier: Carrier | None,
        overridden: Callable[[Cache], str | None],
        warn: Callable[[str, str], None],
        server: str | None = None,
    ) -> CacheFile: ...
    @property
    def fsync(self) -> bool:
        """Whether every result is synced to the disk."""

    @property
    def is_database(self) -> bool:
        """Whether it is an SQLite database."""

    @property
    def is_server(self) -> bool:
        """Whether it is on a server, of which `path` is the URL."""

    @property
    def carrier(self) -> Carrier | None:
        """What carries entries to and from a mapping, if that is where they are."""

    @property
    def near(self) -> int | None:
        """How many bytes of a database may be in memory, if that was set."""

    @near.setter
    def near(self, most: int) -> None: ...
    @property
    def raises(self) -> bool:
        """Whether a call fails when the server cannot be used; else it goes on."""

    @raises.setter
    def raises(self, raises: bool) -> None: ...

@final
class Cache:
    """The native half of one `outlive.Cache` object: its mode and its limits."""

    def __new__(cls, file: CacheFile, *, mode: str) -> Cache: ...
    @property
    def file(self) -> CacheFile:
        """The part that it shares with the other objects on the same file."""

    @property
    def path(self) -> Path | str | None:
        """The file, None for a cache in memory, or the URL of a server without what is secret."""

    @property
    def mode(self) -> str:
        """The mode that holds where nothing overrides it."""

    @mode.setter
    def mode(self, word: str) -> None: ...
    @property
    def is_loaded(self) -> bool:
        """Whether the file was read, or its entries used."""

    @property
    def limits(self) -> Limits:
        """The limits that a store by this object enforces."""

    @property
    def entries(self) -> Entries:
        """The keys and the values."""

    @property
    def facts(self) -> Facts:
        """What is known of the entries beside their values."""

    @property
    def salt(self) -> Salt:
        """The salt of the digests of secrets."""

    def know_classes(self, owner: object) -> None:
        """Sets the owner of the classes of entries read without a function; the first stays."""

    def trim(self) -> None:
        """Evicts what exceeds the limits of this object."""

    def enter(self) -> None:
        """Notes that an override of the mode begins somewhere: hits look at it from now on."""

    def leave(self) -> None:
        """Notes that an override of the mode has ended."""

    def load(self) -> None:
        """Reads the file, unless that was done before."""

    def watch(self, *, hits: bool, misses: bool, stores: bool) -> None:
        """Sets which calls the hooks of this object are told of."""

    def sync(self) -> None:
        """Takes in what other processes did."""

    def set_fallback(self, fallback: Cache) -> None:
        """Looks up in another cache what this one lacks; to be called before the first use."""

    def save(self) -> bool:
        """Writes the file if anything changed; returns whether all that was computed is kept."""

    def trouble(self) -> str | None:
        """Why the store cannot be used as it should at this moment; None if it can."""

    def erase(self) -> bool:
        """Writes the file, and removes journals and copies of damaged files."""

    def close(self, *, ends: bool = False) -> bool:
        """Saves, and leaves the file to others if nothing is computed, or if the process ends."""

@final
class Entries:
    """The entries of a cache: its keys and values."""

    def keys(self) -> list[str]:
        """All keys in order."""

    def count_of(self, start: str) -> int:
        """How many keys begin with `start`, the name of a function and a parenthesis."""

    def keys_of(self, start: str) -> list[str]:
        """The keys that begin with `start`, the name of a function and a parenthesis, in order."""

    def previous(self, key: str) -> Any:
        """The result under `key`, fresh or not, for a call that replaces it; None if none."""

    def put_text(
        self,
        key: str,
        text: str,
        *,
        created: float | None,
        took: float | None = None,
        code: str | None = None,
        others: bytes | None = None,
    ) -> None:
        """Stores a value by its JSON text, with what is known of it."""

    def recall(self) -> None:
        """Restores entries dropped while the file was left alone, to be forgotten for good."""

    def clear_named(self, start: str) -> bool:
        """Forgets all entries whose keys begin with `start` in one step; False if there is none."""

    def outdate(self, pattern: str, *, tag: str | None = None) -> None:
        """Outdates what is being computed now for keys that match a pattern, in any process."""

    def remove(self, key: str) -> bool:
        """Forgets one entry; returns whether there was one."""

    def pop(self, key: str) -> Any:
        """Forgets one entry and returns its value: to one thread, if several ask."""

    def clear(self) -> None:
        """Forgets everything, in the file, too."""

    def __len__(self) -> int: ...
    def __contains__(self, key: str, /) -> bool: ...
    def __getitem__(self, key: str, /) -> Any: ...
    def __setitem__(self, key: str, value: Any, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...

@final
class Facts:
    """What is known of the entries of a cache, beside their values."""

    def rows(
        self,
        *,
        pattern: str | None = None,
        function: str | None = None,
        before: float | None = None,
        order: str | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> tuple[list[_Row], _Total]:
        """The first `limit` entries of a selection in an order, and the sum of all of it."""

    def bad(self) -> list[tuple[str, str]]:
        """The keys of all values that are not JSON, and what is wrong with each."""

    def row(self, key: str) -> _Row | None:
        """What is known of the entry of `key` beside its value; None if there is none."""

    def text(self, key: str) -> str | None:
        """The JSON text of the value of `key`; None if the file can hold none."""

    def walked(self) -> tuple[int, int]:
        """Of how many entries a store was asked by the last list or sum so far, and of how many."""

    def sums(
        self,
        *,
        pattern: str | None = None,
        function: str | None = None,
        before: float | None = None,
    ) -> list[tuple[str, _Total]]:
        """The sum of each function in a selection; without a name, of entries that name none."""

    def overview(self) -> tuple[list[tuple[str, _Total]], list[_Row | None]]:
        """The sum of each function, and the oldest, newest, largest and slowest entry."""

    def sum_of(self, start: str) -> _Total:
        """The sum of all entries whose key begins with `start`, as `count_of` takes it."""

    def histograms(
        self, *, sizes: list[float], times: list[float], durations: list[float]
    ) -> tuple[list[int], list[int], list[int]]:
        """How many entries have a size, a time and a duration between limits."""

    def notes(self) -> list[tuple[str, bytes]]:
        """The keys of all entries with further members, with those as JSON."""

    def made_before(self, time: float, name: str | None) -> list[str]:
        """The keys of all entries made before a time, by functions with a name."""

@final
class Salt:
    """The salt of a cache, for digests of secrets."""

    def get(self) -> str | None:
        """The salt; None if `offer` must make it first."""

    def offer(self, salt: str) -> str:
        """Proposes `salt`; returns the one in force, the same in all processes."""

@final
class Limits:
    """The limits of the whole cache that a store by one `Cache` object enforces."""

    def get(self) -> tuple[int | None, int | None]:
        """The limits: entries, bytes; None for no limit."""

    def set(self, *, maxsize: int | None, max_bytes: int | None) -> None:
        """Sets the limits; nothing is evicted before the next store."""

    def evictions(self) -> int:
        """The number of entries that were evicted, by any object."""

@final
class Manager:
    """Manages one memoised function for the Python half; users never meet it."""

    @property
    def suspends(self) -> bool:
        """Whether a call returns a `PendingCall` that says what to do next when it must compute."""

    def set_options(self, options: Options) -> None:
        """Sets how results are kept and served from now on."""

    def set_aside(self, mark: str, later: Memoised) -> None:
        """Keeps the results apart from those of a later function of this name; a call warns."""

    def mark_refresh(self, key: str, begins: bool) -> None:
        """Notes in the file that the result under a key is being refreshed, or no longer is."""

    def redirect(self, other: Memoised | None) -> None:
        """Makes ``other`` answer its calls from now on; None: it answers them itself again."""

    def key_start(self) -> str:
        """What the keys of all its entries begin with, as of now."""

    def counts(self) -> tuple[int, int, int]:
        """How many calls were served from the cache, computed, and found expired."""

    def evictions(self) -> int:
        """The number of evicted entries of this function."""

    def release(self) -> None:
        """Clears the table of hits."""

    def reset(self) -> None:
        """Sets the counters to zero and clears the table of hits."""

@final
class Memoised:
    """A function whose results are kept."""

    # The attributes that functools.wraps sets.
    __name__: str
    __qualname__: str
    __doc__: str | None
    __wrapped__: Callable[..., Any]

    def __new__(
        cls,
        function: Callable[..., Any],
        core: Cache,
        *,
        name: str,
        body: int,
        keys: KeyRules,
        options: Options,
        manner: str,
        registration: Registration,
    ) -> Memoised: ...
    @property
    def _outlive_registration(self) -> Registration:
        """Its own options and its place in the cache, as Python knows them."""

    @property
    def _outlive_manager(self) -> Manager:
        """What only the Python half does with the function."""

    def cache_info(self) -> CacheInfo:
        """Counts hits, misses and entries, in `functools`' order."""

    def receipts(self) -> Receipts:
        """Counts calls, and what hits saved."""

    def cache_clear(self) -> None:
        """Forgets all entries and sets the counters back."""

    def cache_parameters(self) -> dict[str, Any]:
        """The options that the function was decorated with."""

    @property
    def name(self) -> str:
        """`module.qualname`, or the text of `name=`."""

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself."""

    def forget_where(self, **arguments: Any) -> int:
        """Forgets the results of all calls with these arguments; returns how many there were."""

    def __dir__(self) -> list[str]: ...
    def __get_pydantic_core_schema__(self, _source: Any, handler: Any, /) -> Any:
        """The schema of the function itself, for pydantic."""

    def cache_key(self, *args: Any, **kwargs: Any) -> str:
        """The key text of a call with these arguments."""

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Why this call would be answered from the cache, or computed."""

    def provenance(self, *args: Any, **kwargs: Any) -> Provenance | None:
        """Who made the stored result of this call, and when; None if there is none."""

    def cache_contains(self, *args: Any, **kwargs: Any) -> bool:
        """Whether this call has a stored result that is fresh."""

    def peek(self, *args: Any, **kwargs: Any) -> Any:
        """The stored result of this call if it is fresh, else None; nothing is computed."""

    def put(self, result: Any, /, *args: Any, **kwargs: Any) -> None:
        """Keeps `result` as the result of a call with these arguments."""

    def forget(self, *args: Any, **kwargs: Any) -> bool:
        """Forgets the stored result of this call; returns whether there was one."""

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        """Computes this call anew and keeps the result, whatever is stored."""

    def look_up(self, missing: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The kept result of this call, counted as a hit; ``missing`` if it has to be computed."""

    def map(self, items: Any, /, **options: Any) -> Any:
        """Calls it with many items, several at once in threads; an iterator of the results."""

    def amap(self, items: Any, /, **options: Any) -> Any:
        """Does what `map` does in tasks of the running event loop; an asynchronous iterator."""

    def sample(self, index: int) -> Any:
        """The function for its `index`-th answer to each call, computed and kept separately."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __set_name__(self, owner: type, name: str, /) -> None: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...
    def __reduce__(self) -> str | tuple[Any, ...]: ...
    def __copy__(self) -> Memoised: ...
    def __deepcopy__(self, _memo: Any, /) -> Memoised: ...

@final
class PendingCall:
    """What a suspended call of an async function is to do next."""

    @property
    def target(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """The function, its positional arguments and its keywords."""

    @property
    def name(self) -> str:
        """`module.qualname` of the function, or the text of `name=`."""

    @property
    def key(self) -> str | None:
        """The key's text; None if the call bypasses the cache."""

    @property
    def leads(self) -> bool:
        """Whether other callers wait for what this call computes."""

    @property
    def waits(self) -> bool:
        """Whether another caller computes."""

    def retry(self) -> Any:
        """Look up and join once more: the result, or the next step."""

    def compute_unshared(self) -> None:
        """Stop waiting; compute without a flight."""

    def subscribe(self) -> PendingCall:
        """Join those who wait for this call, which leads."""

    def set_leader(self, task: LeaderTask) -> None:
        """Name the `LeaderTask` that computes."""

    def enter(self) -> Any:
        """Make the running context part of this computation; the token undoes it."""

    @staticmethod
    def enter_all(calls: list[PendingCall]) -> Any:
        """Make the running context part of the computations of all ``calls``, which are one."""

    @staticmethod
    def leave(token: Any) -> None:
        """Undo `enter`."""

    def is_busy(self) -> bool:
        """Whether another process computes this key and may be waited for. Takes the key if not."""

    def acquire(self) -> bool:
        """Keep other processes from computing this key, which is led; False if one of them does."""

    def is_missing(self) -> bool:
        """Whether there is still no result: another process may have brought it."""

    def note_previous(self) -> Any:
        """Note what this call is to replace; the token undoes it."""

    @staticmethod
    def leave_previous(token: Any) -> None:
        """Undo `note_previous`."""

    def begin(self) -> Any:
        """Count a call that is computed, and make it; what it returns is a source of pieces."""

    def ask(self, source: Iterator[Any]) -> Any:
        """Ask ``source`` for the next piece, as part of this computation."""

    def count(self) -> None:
        """Count a call that is computed."""

    def keep(self, value: Any) -> Any:
        """Keep the result, on disk before any caller gets it; return what the caller gets."""

    def fail(self, error: Exception) -> Any:
        """Return an older result if that may be served for this exception, else raise it."""

    def give_up(self) -> None:
        """Give up what is left to do: another waiting caller takes over."""

    def is_awaited(self) -> bool:
        """Whether a caller waits for this call, which leads."""

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, from whichever thread completes the computation."""

    def may_be_lost(self) -> bool:
        """Whether the leader is a task, whose loop may be gone."""

    def check_leader(self) -> bool:
        """Look whether the leader is gone; report the wait once; False if `wait=` is over."""

    @property
    def wait_limit(self) -> float | None:
        """The number of seconds that `wait=` allows."""

    def compute_beside(self) -> None:
        """Stop waiting; compute beside the leader, whose result has priority."""

    def outcome(self) -> tuple[Any] | None:
        """The outcome as a tuple of one, or None if this call must look again."""

    @property
    def is_away(self) -> bool:
        """Whether steps of this call that may wait are left to threads."""

    @property
    def is_unready(self) -> bool:
        """Whether the store must be made ready before the call can look."""

    @property
    def is_unsettled(self) -> bool:
        """Whether something waits to be written."""

    def prepare(self, wake: Callable[[], None]) -> None:
        """Begin to read what the store begins with, and what others announced."""

    def ask_for_key(self, wake: Callable[[], None]) -> None:
        """Begin to ask for the key of this call, which leads."""

    def found(self) -> tuple[Any] | None:
        """The result, as a tuple of one, that was there when the key was asked for."""

    def write(self, value: Any, wake: Callable[[], None]) -> tuple[Any] | None:
        """Begin to store a result; a tuple of what the caller gets if nothing is to be stored."""

    def written(self) -> Any:
        """Tell of what was stored, and return what the caller gets."""

    def settle(self, wake: Callable[[], None]) -> None:
        """Begin to write what waits."""

@final
class HelperScope:
    """Makes the work of helper threads part of what the thread that started them computes."""

    @staticmethod
    def of_thread() -> HelperScope | None:
        """The scope for helpers of this thread; None if the thread computes nothing."""

    def enter(self) -> None:
        """Make everything that runs in this context from now on part of it."""

def copy_all(into: Cache, other: Cache) -> None:
    """Copies all entries of `other`, with their times."""

def copy_keys(into: Cache, other: Cache, keys: list[str]) -> None:
    """Copies the entries of `other` under these keys, with their times."""

def copy_news(into: Cache, other: Cache) -> int:
    """Copies the entries of `other` that `into` lacks or has otherwise; returns how many."""

def override_all(begins: bool) -> None:
    """Notes that an override of the mode of all caches begins or ends."""

def first_key(value: Any) -> str:
    """The key text of a call of the drop-in with this first argument; a str is its own key text."""

def class_name(class_: type, /) -> str:
    """The name of the class of an instance, as keys have it."""

def canonical(value: Any, *, flat: bool = False) -> str:
    """The key text of one value; ``flat`` as it is written in the drop-in's file."""

class _Callbacks(Protocol):
    """What the native half asks of Python."""

    def pack(self, value: object, /) -> tuple[str, Any] | None: ...
    def unpack(self, tag: str, payload: Any, /) -> Any: ...
    def long_int(self, digits: str, /) -> int: ...
    def describe(self, value: object, /) -> tuple[str, Any] | None: ...
    def class_mark(self, cls: type, /) -> str: ...
    def check_frozen(self, core: Cache, /) -> None: ...
    def is_logging(self) -> bool: ...
    def namesake_mark(self, cls: type, /) -> str: ...
    def key_advice(self, value: object, name: str, /) -> str: ...
    def digest(self, data: bytes, /) -> str: ...
    def module_name(self, named: type, /) -> str: ...
    def store_error(self, why: str, /) -> BaseException: ...
    def cache_miss(self, core: Cache, function: str, start: str, key: str, /) -> BaseException: ...
    def enter_call(self, core: Cache, key: str | None, /) -> object: ...
    def leave_call(self, token: Any, /) -> None: ...

def hand_over(callbacks: _Callbacks | ModuleType) -> None:
    """Takes the functions that the native half calls; those of the first call stay."""

def limit_results(size: int) -> int:
    """For tests: sets how many bytes a stored result may have; returns the limit until now."""

def log_hits(on: bool) -> None:
    """Starts or stops logging the hits of all caches at level DEBUG; logging makes them slow."""

def shown_key(key: str) -> str:
    """A key text for messages and logs: quoted, and only the ends of a long one."""

def report(error: BaseException) -> None:
    """Hand ``error``, which has no caller to go to, to ``sys.unraisablehook``."""

def read_receipts(path: str) -> dict[str, tuple[int, int, int, float, float]]:
    """Returns what the file beside a cache says of each function, in the order of ``Receipts``."""

def add_receipts(path: str, news: Mapping[str, tuple[int, int, int, float, float]]) -> None:
    """Adds ``news`` to that file.

    Raises:
        OSError: it cannot be written, or is not this user's.
    """

def exiting() -> None:
    """Notes that the save at exit is done: results that come later are saved at once."""

def after_fork_in_child() -> None: ...

@final
class Shape:
    """What the native half knows of one class."""

    def __new__(
        cls,
        class_: type,
        kind: str,
        /,
        *,
        frozen: bool = False,
        dict: Any = None,
        slots: list[Any] = ...,
        copier: Callable[[Any], Any] | None = None,
    ) -> Shape: ...
    @property
    def frozen(self) -> bool:
        """Whether instances of immutable parts cannot change."""

    def make(self, dict: dict[str, Any] | None, slots: list[tuple[Any] | None]) -> Any:
        """A new instance with this `__dict__`, and with these values of its slots."""

    def slots(self, object: Any) -> list[tuple[Any] | None]:
        """The values of the slots of an instance, each in a tuple of one."""

    def dict(self, object: Any) -> dict[str, Any] | None:
        """The `__dict__` of an instance; None if it has none."""
