"""The interpreter's exit while a daemon thread is in code of the user's that outlive calls."""

from __future__ import annotations

import textwrap

import pytest

from support.programs import Scripts

#: What each thread does, by where its code is when the program ends: in `stay`.
WHERE = {
    "the body": "cache.memoise(stay)(1)",
    "the body, by keyword": "cache.memoise(stay)(n=1)",
    "the body, of a class": """
        class Callable:
            def __call__(self, n): stay()
        cache.memoise(Callable(), name="f")(1)
    """,
    "the body of a method": """
        class Shop:
            @cache.memoise(ignore=("self",))
            def price(self, n): stay()
        Shop().price(1)
    """,
    "the body of an inner call": """
        inner = cache.memoise(stay, name="inner")
        cache.memoise(lambda n: inner(n), name="f")(1)
    """,
    "the body, mode off": """
        with cache.mode("off"): cache.memoise(stay)(1)
    """,
    "the body of a batch": 'cache.memoise(lambda ids: stay(), each="ids")([1, 2])',
    "the body of a map": "next(iter(cache.memoise(stay).map([1, 2], workers=2)))",
    "a generator": """
        def pieces(n):
            yield 1
            stay()
        list(cache.memoise(pieces)(1))
    """,
    "another's call": """
        f = cache.memoise(stay)
        threading.Thread(target=f, args=(1,), daemon=True).start()
        inside.wait()
        f(1)
    """,
    "key=": "cache.memoise(lambda n: n, key=stay)(1)",
    "ttl=": "cache.memoise(lambda n: n, ttl=stay)(1)",
    "cache_if=": "cache.memoise(lambda n: n, cache_if=stay)(1)",
    "__memo_key__": """
        class Client:
            __memo_key__ = stay
        cache.memoise(lambda n: 1)(Client())
    """,
    "__memo_key__ of a secret": """
        class Token:
            __memo_key__ = stay
        cache.memoise(lambda n: 1, secret=("n",))(Token())
    """,
    "__getattr__ of a class": """
        class Meta(type):
            __getattr__ = stay
        class Client(metaclass=Meta): pass
        cache.memoise(lambda n: 1)(Client())
    """,
    "__getattr__ of a __memo_key__": """
        class Says:
            __getattr__ = stay
            def __call__(self): return 1
        class Client:
            __memo_key__ = Says()
        cache.memoise(lambda n: 1)(Client())
    """,
    "on_miss=": 'Cache("d.json", on_miss=stay).memoise(lambda n: n)(1)',
    "on_store=": 'Cache("d.json", on_store=stay).memoise(lambda n: n)(1)',
    "on_hit=": """
        f = Cache("d.json", on_hit=stay).memoise(lambda n: n)
        f(1), f(1)
    """,
    "a filter of the log": """
        logger = logging.getLogger("outlive")
        logger.setLevel(logging.DEBUG)
        logger.addFilter(stay)
        cache.memoise(lambda n: n)(1)
    """,
    "a warning": """
        warnings.simplefilter("always")
        warnings.showwarning = stay
        cache.memoise(lambda n: object())(1)
    """,
    "__hash__, set from the file": """
        first, again = found({Point(1)})
        again(1)
    """,
    "__hash__, dict from the file": """
        first, again = found({Point(1): 2})
        again(1)
    """,
    "__hash__, set": """
        first, again = found({Point(1)})
        first(1), first(1)
    """,
    "__hash__, dict": """
        first, again = found({Point(1): [2]})
        first(1), first(1)
    """,
    "__deepcopy__": """
        class Odd:
            def __deepcopy__(self, memo): return stay() if ready else Odd()
        ready = []
        f = cache.memoise(lambda n: [Odd()])
        f(1)
        ready.append(True)
        f(1)
    """,
    "__del__": """
        class Odd:
            __del__ = stay
            def __deepcopy__(self, memo): return self
        f = cache.memoise(lambda n: [Odd()])
        f(1)
        cache.clear()
    """,
    "the callback of a weak reference": """
        f = cache.memoise(lambda n: n)
        gone = weakref.ref(f, stay)
        del f
        gc.collect()
    """,
    "dump=": "cache.memoise(lambda n: {1}, dump=stay, load=set)(1)",
    "load=": """
        cache.memoise(lambda n: {1}, dump=list, load=set, name="f")(1)
        cache.save()
        Cache("c.json").memoise(lambda n: {1}, dump=list, load=stay, name="f")(1)
    """,
    "a mapping": """
        class Slow(dict):
            __getitem__ = stay
        Cache(store=Slow()).memoise(lambda n: n)(1)
    """,
}

PROGRAM = """
import gc, logging, sys, threading, time, warnings, weakref
from dataclasses import dataclass
from outlive import Cache

warnings.simplefilter("ignore")
inside = threading.Event()
cache = Cache("c.json")

def stay(*args, **kwargs):
    inside.set()
    while True:
        time.sleep(0.001)

@dataclass(frozen=True)
class Point:
    x: int

    def __hash__(self):
        return stay() if is_slow else 1

is_slow = False

def found(result):
    global is_slow
    first = cache.memoise(lambda n: result, types=(Point,), name="f")
    first(1), first(1)
    cache.save()
    again = Cache("c.json").memoise(lambda n: None, types=(Point,), name="f")
    is_slow = True
    return first, again

def work():
    try:
        run()
    except BaseException as error:
        print("raised", repr(error), flush=True)
    print("returned", flush=True)
    inside.set()

threading.Thread(target=work, daemon=True).start()
inside.wait()
time.sleep(0.02)
"""


@pytest.mark.parametrize("where", WHERE)
def test_the_program_ends_while_a_daemon_thread_is_in(script: Scripts, where: str) -> None:
    """Wherever a daemon thread is in the user's code, the program ends as it would without it."""
    run = "def run():\n" + textwrap.indent(textwrap.dedent(WHERE[where]), "    ")
    head, tail = PROGRAM.split("def work():")
    ended = script(head + run + "\ndef work():" + tail)
    assert (ended.out, ended.err, ended.status) == ("", "", 0)
