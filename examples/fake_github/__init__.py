"""A small stand-in for GitHub's REST API on 127.0.0.1, for the examples and the tests.

It serves what a program that looks for contributors asks: repositories, contributors, issues, pull
requests, comments and users; in pages; with a rate limit that cuts callers off as GitHub does.
Standard library only.
"""

from fake_github.repository import Json, Repository, Thread, answers_of
from fake_github.sample import LATENCY, NAME, RATE_LIMIT, sample_server
from fake_github.server import Answer, FakeGitHub

__all__ = [
    "LATENCY",
    "NAME",
    "RATE_LIMIT",
    "Answer",
    "FakeGitHub",
    "Json",
    "Repository",
    "Thread",
    "answers_of",
    "sample_server",
]
