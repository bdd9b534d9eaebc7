"""Methods of every kind: what of the instance is in the key, and that it is not kept alive."""

from __future__ import annotations

import functools
import gc
import inspect
import weakref
from typing import Any

import pytest

from outlive import Cache
from support.programs import untyped


class Account:
    """An instance with a key of its own."""

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0

    def __memo_key__(self) -> str:
        return self.name


def test_an_instance_with_a_memo_key_is_part_of_the_key() -> None:
    """With __memo_key__, instances with the same key share entries, others do not."""
    cache = Cache(None)

    class User(Account):
        @cache.memoise
        def shout(self, word: str) -> str:
            self.calls += 1
            return self.name + word

    ada, too, bob = User("ada"), User("ada"), User("bob")
    assert [u.shout("!") for u in (ada, too, bob, ada)] == ["ada!", "ada!", "bob!", "ada!"]
    assert (ada.calls, too.calls, bob.calls) == (1, 0, 1)
    assert User.shout(bob, word="!") == "bob!"
    assert bob.calls == 1


def test_subclasses_do_not_share_entries() -> None:
    """The class of the instance is part of the key: a subclass may answer differently."""
    cache = Cache(None)

    class Base(Account):
        @cache.memoise
        def kind(self) -> str:
            return type(self).__name__

    class Derived(Base): ...

    assert (Base("a").kind(), Derived("a").kind()) == ("Base", "Derived")


def test_an_ignored_instance_is_not_part_of_the_key() -> None:
    """With ignore=("self",) all instances share entries."""
    cache = Cache(None)

    class Client:
        @cache.memoise(ignore=("self",))
        def get(self, uri: str) -> int:
            return id(self)

    first, second = Client(), Client()
    assert first.get("a") == second.get("a") == id(first)
    assert first.get(uri="b") == first.get("b")


def test_an_instance_that_says_nothing_is_refused() -> None:
    """Without either, a TypeError names the method, self, and the two remedies."""
    cache = Cache(None)

    class Client:
        @cache.memoise
        def get(self, uri: str) -> str:
            return uri

    with pytest.raises(TypeError) as caught:
        Client().get("a")
    message = str(caught.value)
    assert "Client.get" in message
    assert 'ignore=("self",)' in message
    assert "__memo_key__" in message


@pytest.mark.parametrize("ignore", [(), ("self",)])
def test_no_instance_is_kept_alive(ignore: tuple[str, ...]) -> None:
    """Neither keys nor hits keep an instance alive, with __memo_key__ or ignored."""
    cache = Cache(None)

    class User(Account):
        @cache.memoise(ignore=ignore)
        def get(self, uri: str, *, page: int = 1) -> str:
            return uri

    def use() -> weakref.ref[User]:
        user = User("ada")
        for _ in range(3):
            assert user.get("a") == User.get(user, "a") == user.get(uri="a", page=1) == "a"
        bound = user.get
        assert bound("a") == "a"
        return weakref.ref(user)

    gone = use()
    gc.collect()
    assert gone() is None


def test_a_memo_key_that_changes_is_seen() -> None:
    """The instance is asked at each call: when its key changes, so does the call's."""
    cache = Cache(None)

    class User(Account):
        @cache.memoise
        def get(self) -> str:
            return self.name

    user = User("ada")
    assert user.get() == user.get() == "ada"
    user.name = "bob"
    assert user.get() == "bob"


def test_class_methods() -> None:
    """A class method's class is part of the key, with the decorator above or below."""
    cache = Cache(None)

    class Base:
        @classmethod
        @cache.memoise
        def below(cls, x: int) -> str:
            return f"{cls.__name__}{x}"

        @cache.memoise
        @classmethod
        def above(cls, x: int) -> str:
            return f"{cls.__name__}{x}"

    class Derived(Base): ...

    for _ in range(2):
        assert (Base.below(1), Derived.below(1), Derived().below(1)) == (
            "Base1",
            "Derived1",
            "Derived1",
        )
        assert (Base.above(1), Derived.above(1), Base().above(x=1)) == (
            "Base1",
            "Derived1",
            "Base1",
        )
    assert len(cache) == 4


def test_static_methods() -> None:
    """A static method has no instance: its arguments are the key, decorated above or below."""
    cache = Cache(None)
    calls = []

    class Tools:
        @staticmethod
        @cache.memoise
        def below(x: int) -> int:
            calls.append(x)
            return x

        @cache.memoise(ttl="1h")
        @staticmethod
        def above(x: int) -> int:
            calls.append(x)
            return x

    for _ in range(2):
        assert Tools.below(1) == Tools().below(1) == 1
        assert Tools.above(2) == 2
    assert calls == [1, 2]


def test_properties() -> None:
    """A property over a memoised function computes once for each key."""
    cache = Cache(None)

    class User(Account):
        @property
        @cache.memoise
        def size(self) -> int:
            self.calls += 1
            return len(self.name)

    user = User("ada")
    assert (user.size, user.size, User("ada").size, user.calls) == (3, 3, 3, 1)


def test_decorating_a_property_is_refused() -> None:
    """memoise above @property cannot work, and the error says where it belongs."""
    with pytest.raises(TypeError, match="below @property"):
        Cache(None).memoise(property(lambda self: 1))  # type: ignore[call-overload]


def test_bound_methods_are_told_apart_by_their_instance() -> None:
    """A bound method's instance is part of its name, so those of two instances do not share."""
    cache = Cache(None)

    class User(Account):
        def get(self, x: int) -> str:
            return f"{self.name}{x}"

        @classmethod
        def made(cls, x: int) -> str:
            return f"{cls.__name__}{x}"

    class Derived(User): ...

    ada, bob = (cache.memoise(User(name).get) for name in ("ada", "bob"))
    assert (ada(1), bob(1), ada(1)) == ("ada1", "bob1", "ada1")
    first, second = (cache.memoise(kind.made) for kind in (User, Derived))
    assert (first(1), second(1)) == ("User1", "Derived1")
    assert cache.memoise("a,b".split)(",") == ["a", "b"]
    assert cache.memoise("a;b".split)(",") == ["a;b"]


def test_a_bound_method_of_an_instance_without_a_key_needs_a_name() -> None:
    """A bound method whose instance has no key is refused; the message suggests a name."""

    class Client:
        def get(self, uri: str) -> str:
            return uri

    with pytest.raises(TypeError, match=r"get.*name="):
        Cache(None).memoise(Client().get)
    assert Cache(None).memoise(name="get")(Client().get)("a") == "a"


def test_instances_of_dataclasses_and_slots() -> None:
    """Instances without a __dict__ work as any other."""
    cache = Cache(None)

    class Slotted:
        __slots__ = ()

        @cache.memoise(ignore=("self",))
        def get(self, x: int) -> int:
            return x

    assert Slotted().get(1) == Slotted().get(x=1) == 1


def test_methods_look_like_methods() -> None:
    """inspect, wraps and getattr see a memoised method as they see any other."""

    class Client:
        @Cache(None).memoise(ignore=("self",))
        def get(self, uri: str) -> str:
            """Get it."""
            return uri

    client = untyped(Client())
    bound = client.get
    assert inspect.ismethod(bound)
    assert list(inspect.signature(client.get).parameters) == ["uri"]
    assert client.get.__doc__ == "Get it."
    assert client.get.__self__ is client
    assert functools.partial(client.get, "a")() == "a"
    assert client.get == client.get
    assert client.get.cache_info().misses == 1


def test_control_of_methods_goes_through_the_class() -> None:
    """Single calls of a method are controlled as Class.method.peek(instance, ...)."""

    class User(Account):
        @Cache(None).memoise
        def get(self, uri: str) -> str:
            return self.name + uri

    user = User("ada")
    user.get("a")
    bound: Any = user.get
    for control in (bound.peek, bound.forget, bound.cache_key, bound.cache_contains, bound.refresh):
        with pytest.raises(TypeError, match=r"Class\.method\.peek\(instance"):
            control("a")
    assert bound.cache_info().misses == 1
    assert User.get.peek(user, "a") == "adaa"
    assert User.get.forget(user, "a")
    assert not User.get.cache_contains(user, "a")


def test_a_function_with_a_second_name_in_a_class_is_no_method() -> None:
    """Controls of a function that a class borrows take the function's own arguments."""
    double: Any = Cache(None).memoise(lambda x: 2 * x)

    class Tools:
        twice = double

    assert double(4) == 8 and double.peek(4) == 8 and Tools.twice.peek(4) == 8


def test_an_ignored_instance_is_ignored_with_its_class() -> None:
    """With ``ignore=("self",)`` a subclass has the results of the class that defines the method."""

    class Base:
        url = "base"

        @Cache(None).memoise(ignore=("self",))
        def get(self, path: str) -> str:
            return self.url + path

    class Derived(Base):
        url = "derived"

    assert [Base().get("/x"), Derived().get("/x")] == ["base/x", "base/x"]
