"""A column of a pandas frame by a slow function: each value is asked for once, in all runs."""

from __future__ import annotations

import pandas as pd

from outlive import Cache

cache = Cache("countries.json")
asked: list[str] = []


@cache.memoise
def country(city: str) -> str:
    """Ask, slowly, where a city is."""
    asked.append(city)
    return {"Paris": "France", "Lyon": "France", "Rome": "Italy"}[city]


def main() -> None:
    """Fill the column, in threads, in order."""
    frame = pd.DataFrame({"city": ["Paris", "Rome", "Paris", "Lyon", "Rome"] * 100})
    frame["country"] = list(country.map(frame["city"]))
    print(frame["country"].value_counts().to_dict(), f"{len(asked)} asked for")


if __name__ == "__main__":
    main()
