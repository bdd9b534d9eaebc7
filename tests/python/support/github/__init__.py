"""GitHub as the tests want it: the examples' stand-in, with small repositories made here and with troubles on order."""

from support.github.demo import ANSWERS, EMPTY, PLAIN, SMALL
from support.github.troubled import Trouble, TroubledGitHub, bad_gateway, hang_up

__all__ = [
    "ANSWERS",
    "EMPTY",
    "PLAIN",
    "SMALL",
    "Trouble",
    "TroubledGitHub",
    "bad_gateway",
    "hang_up",
]
