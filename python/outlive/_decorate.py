"""From options and a function to the memoised function."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable

from . import _bound, _core, _manners, _naming, _options, _parameters, _refresh
from ._answering import answering
from ._digest import short
from ._exceptions import KeyCollisionWarning
from ._identity import Identity, body_of, has_no_name, likeness_of, look_alike
from ._later import import_for_calls
from ._layers import layers
from ._registration import Registration
from ._secret import Digester
from ._typing import TYPE_CHECKING
from ._warnings import warn
from ._wrappers import native_of

if TYPE_CHECKING:
    from typing import Any

    from ._cache_state import CacheState

# The functions of each file by name: several Cache objects may share it.
_named: weakref.WeakKeyDictionary[
    _core.CacheFile, weakref.WeakValueDictionary[str, _core.Memoised]
] = weakref.WeakKeyDictionary()

_KEY_OPTIONS = {"key", "ignore", "secret", "name", "version", "each", "batch"}
_OF_CACHES = dict.fromkeys(
    ("path", "app", "mode", "durability", "max_bytes", "clock", "on_store_error"), "Cache(...)"
)
_ALL_OPTIONS = _KEY_OPTIONS | (_options.OPTION_NAMES - {"clock"})
#: What a memoised function has, whether it suspends or not.
CONTROLS = (
    *("cache_info", "cache_clear", "cache_parameters", "cache_key", "cache_contains"),
    *("peek", "put", "forget", "forget_where", "map", "amap", "sample"),
    *("explain", "provenance", "receipts"),
)
#: What may stand in the ``__dict__`` of a memoised function and is its own alone.
_OF_ONE_LAYER = (
    *(*CONTROLS, "refresh"),
    *("_outlive_native", "_outlive_face", "_outlive_owner"),
)
#: What is noted in an entry of its own line.
_NOTED = ("tags", "cost", "meta", "depends")


def bare(cache: CacheState, function: Any, given: dict[str, Any]) -> _core.Memoised:
    """Return ``function`` memoised with checked options, without its ``async`` face."""
    memoised = _native(cache, function, given, _own(given))
    _take_over(memoised, function)
    return memoised


def decorate(cache: CacheState, function: Any, given: dict[str, Any]) -> Any:
    """Return ``function`` memoised, or a decorator if no function is given yet.

    Raises:
        TypeError: ``function`` or an option is of a kind that cannot work.
        ValueError: an option has a value that means nothing.
    """
    _options.refuse_unknown(given, _ALL_OPTIONS, "memoise", _OF_CACHES)
    own = _own(given)
    _options.refuse_meaningless(_options.checked(cache.options, own), own, "memoise")
    cache.refuse_limits("memoise", maxsize=own.get("maxsize"))
    for option in _NOTED if cache.is_drop_in else ():
        if own.get(option) is not None and (option != "cost" or callable(own["cost"])):
            raise TypeError(
                f"{option}= needs a cache of your own: the drop-in's file has no place for what it "
                "notes"
            )
    _manners.refuse_batch(cache, given)
    if function is None:
        return functools.partial(_decorate, cache, given=given)
    return _decorate(cache, function, given)


def _own(given: dict[str, Any]) -> dict[str, Any]:
    """The options that do not concern keys."""
    return {name: value for name, value in given.items() if name not in _KEY_OPTIONS}


def _decorate(cache: CacheState, function: Any, given: dict[str, Any]) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorate(cache, function.__func__, given))
    _refuse(function)
    import_for_calls()
    _manners.refuse_stream(cache, function, given)
    return _faced(bare(cache, function, given))


def _faced(memoised: _core.Memoised) -> Any:
    """Return what users call: the native object, or its stand-in if calls suspend."""
    shown: Any = memoised
    registration, function = memoised._outlive_registration, memoised.function
    if registration.manner == "batch":
        from . import _batches

        each, batch = registration.given["each"], registration.given.get("batch")
        shown = _batches.face(memoised, function, CONTROLS, each, batch)
    elif registration.manner in _manners.STREAMS:
        from . import _streams

        shown = _streams.face(memoised, function, CONTROLS)
    elif memoised._outlive_manager.suspends:
        from ._async import face

        shown = face.face(memoised, function, CONTROLS)
    registration.face = weakref.ref(shown)
    return shown


def _resample(memoised: _core.Memoised, index: int) -> Any:
    """Return the same function memoised for another answer to each call.

    Raises:
        TypeError: keys do not name the function.
    """
    registration = memoised._outlive_registration
    cache, given = registration.cache, registration.given
    if cache.is_drop_in and given.get("key", "first") != "all":
        raise TypeError(
            f"sample({index}) of {memoised.name}: keys of the drop-in are first arguments and have "
            'no place for an index; use a cache of your own, or @memoise(key="all")'
        )
    again = _native(cache, memoised.function, given, registration.own, sample=index)
    again._outlive_registration.sampled = memoised, index
    _take_over(again, memoised.function)
    return _faced(again)


def _take_over(memoised: _core.Memoised, function: Callable[..., Any]) -> None:
    """Copy the attributes of ``function`` as ``functools.wraps`` does, without our own."""
    functools.update_wrapper(memoised, function)
    for name in _OF_ONE_LAYER:
        memoised.__dict__.pop(name, None)


def _refresher(memoised: _core.Memoised) -> Any:
    """What computes results of ``memoised`` in the background."""
    if not memoised._outlive_manager.suspends:
        return _refresh.Refresher(weakref.ref(memoised), _refresh.in_thread)
    from ._async import refresh  # not sooner: asyncio takes longer to import than outlive

    return _refresh.Refresher(weakref.ref(memoised), refresh.in_task)


def _refuse(function: Any) -> None:
    if isinstance(function, property):
        raise TypeError("memoise stands below @property, next to the function")
    if isinstance(function, type):
        raise TypeError(
            f"memoise takes a function, not the class {function.__qualname__}, which would be no "
            "class any more and share its instances: memoise a function that makes one"
        )
    if isinstance(function, int):
        raise TypeError(
            f"memoise takes a function, not {function}; did you mean maxsize={function}?"
        )
    if not callable(function):
        kind = type(function).__name__
        raise TypeError(f"memoise takes a function, not {kind}; options are given by name")


def twin(memoised: _core.Memoised) -> _core.Memoised:
    """Return the same function memoised once more, in the file that its cache works on now."""
    registration = memoised._outlive_registration
    _, sample = registration.sampled or (None, 0)
    cache, given = registration.cache, registration.given
    again = _native(cache, memoised.function, given, registration.own, sample=sample)
    _take_over(again, memoised.function)
    again._outlive_registration.face = registration.face
    return again


def _native(
    cache: CacheState,
    function: Callable[..., Any],
    given: dict[str, Any],
    own: dict[str, Any],
    *,
    sample: int = 0,
) -> _core.Memoised:
    rule = given.get("key") or ("first" if cache.is_drop_in else "all")
    if callable(rule):
        answering(rule, "key")
    elif rule not in ("first", "all"):
        raise ValueError(f"key={rule!r}: must be 'first', 'all' or a callable of the arguments")
    _refuse_idle_roles(rule, given)
    version = given.get("version")
    ignore, secret = given.get("ignore", ()), given.get("secret", ())
    left_out = _parameters.names_of(ignore, "ignore") | _parameters.names_of(secret, "secret")
    name = _naming.full_name(function, given.get("name"), version, left_out)
    shared = _naming.version_mark(version)
    rules = _parameters.KeyRules(
        name=name,
        value_name=shared if cache.is_drop_in else name,
        flat=cache.is_drop_in,
        rule=rule,
        digest=Digester(cache.core, name),
        identity=_identity_of(cache, function, given),
        sample=_naming.sample_mark(sample),
    )
    rules.read(function, ignore, secret)
    registration = Registration(cache, given, own)
    registration.manner, registration.resample = _manners.manner_of(function, given), _resample
    registration.fixed = _manners.fixed_options(registration.manner)
    memoised = _core.Memoised(
        function,
        cache.core,
        name=name,
        body=_naming.body_mark(function),
        keys=rules,
        options=_options.Options(),
        manner=_manners.native_manner(function, registration.manner),
        registration=registration,
    )
    if rule == "all":
        registration.shown = [name for name, _, role, *_ in rules.params if role == _core.KEYED]
    registration.refresher = _refresher(memoised)
    registration.memoised = registration.face = weakref.ref(memoised)
    cache.renew_options(memoised)
    cache.add(memoised)
    if sample:
        return memoised
    if _is_memoised_here(cache, name, function):
        _tell_twice(cache, name)
    elif not (cache.is_drop_in and rule == "first"):
        _meet_namesake(cache, name, memoised, shares=given.get("name") is not None)
    return memoised


def _refuse_idle_roles(rule: Any, given: dict[str, Any]) -> None:
    """Refuse ``ignore=`` and ``secret=`` beside a callable that makes the whole key."""
    for option in ("ignore", "secret") if callable(rule) else ():
        if given.get(option):
            raise TypeError(
                f"{option}= does nothing beside a callable as key=, whose result is the whole key: "
                "leave out there what makes no difference or must not be seen"
            )


def _is_memoised_here(cache: CacheState, name: str, function: Callable[..., Any]) -> bool:
    """Whether ``function`` is, or wraps, one that is memoised in the same file under ``name``."""

    def is_here(layer: Any) -> bool:
        native = native_of(layer)
        if not isinstance(native, _core.Memoised) or native.name != name:
            return False
        return native._outlive_registration.cache.core.file is cache.core.file

    return any(map(is_here, layers(function)))


def _tell_twice(cache: CacheState, name: str) -> None:
    message = (
        f"{name} is memoised twice in {cache.label}, under the same keys, so one of the two "
        "decorators does nothing: remove it, or give it another cache or a name= of its own"
    )
    warn(KeyCollisionWarning.__name__, message)


def _identity_of(
    cache: CacheState, function: Callable[..., Any], given: dict[str, Any]
) -> Identity | None:
    """What tells the function from others of its name; None if ``name=`` settles it."""
    if given.get("name") is not None:
        return None
    identity = Identity(cache.core, function)
    return identity if identity.is_needed else None


def _meet_namesake(cache: CacheState, name: str, memoised: _core.Memoised, *, shares: bool) -> None:
    """Set an older function of this name aside: if it is called after all, it warns.

    Its results are kept apart, unless ``name=`` says that both are one.

    Most are never called again: a cell was run again, or a module was loaded again.
    """
    function = memoised.function
    named = _named.setdefault(cache.core.file, weakref.WeakValueDictionary())
    # Lambdas of one name are many, and told apart by their bodies.
    other = None if has_no_name(function) else named.get(name)
    named[name] = memoised
    if other is not None and other.function is not function:
        old, new = (_what_it_is(each.function) for each in (other, memoised))
        if old != new:
            _set_aside(other, "" if shares else short(f"{old}"), memoised)
    likeness = None if shares else likeness_of(function)
    if likeness is not None:
        alike = f"{name} {likeness}"
        other, named[alike] = named.get(alike), memoised
        if other is not None and look_alike(other.function, function):
            _set_aside(other, "", memoised)


def _set_aside(memoised: _core.Memoised, mark: str, by: _core.Memoised) -> None:
    for each in (memoised, *memoised._outlive_registration.samples()):
        each._outlive_manager.set_aside(mark, by)


def _what_it_is(function: Any) -> tuple[str, list[int]]:
    """What tells functions of one name apart, as far as their keys do not."""
    return body_of(function), _bound.unkeyed(function)
