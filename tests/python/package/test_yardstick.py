"""The suite of ``make yardstick`` tells libraries that lose results from others."""

from __future__ import annotations

from pathlib import Path

import pytest
from yardstick.lab import Lab, Server
from yardstick.scenarios import ends, one_key, shared


@pytest.mark.parametrize(
    ("subject", "cells"),
    [
        ("outlive", ["0 of 50 lost", "computed once", "nobody sees it"]),
        ("home-made", ["50 of 50 lost", "computed 8 times", "the next caller sees it"]),
    ],
)
def test_the_yardstick_measures(subject: str, cells: list[str], tmp_path: Path) -> None:
    """An end without cleaning up, eight threads at one key, and a caller that changes its result come out as they are known to."""
    server = Server()
    scenarios = [ends("exit_at_once"), one_key, shared]
    measured = [
        scenario(Lab(subject, tmp_path / str(number), server))
        for number, scenario in enumerate(scenarios)
    ]
    assert measured == cells
