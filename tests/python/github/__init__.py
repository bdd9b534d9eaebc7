"""GitHub as the tests want it: the examples' stand-in, with small repositories made here and with troubles on order."""

from github.demo import ANSWERS, EMPTY, PLAIN, SMALL
from github.troubled import BAD_GATEWAY, HANG_UP, TroubledGitHub, Trouble

__all__ = ["ANSWERS", "BAD_GATEWAY", "EMPTY", "HANG_UP", "PLAIN", "SMALL", "Trouble", "TroubledGitHub"]
