"""``python -m classes.stored FILE``: calls for each sample; prints those that were computed."""

from __future__ import annotations

import sys
import warnings

import outlive
from classes import shop
from classes.sameness import assert_same

computed: list[str] = []


def memoised(cache: outlive.Cache) -> outlive.Memoised[[str], shop.Everything]:
    """The function that returns the samples, memoised in ``cache``."""

    @cache.memoise(name="sample")
    def sample(name: str) -> shop.Everything:
        computed.append(name)
        return shop.sample(name)

    return sample


def main() -> None:
    """Call for each sample three times: the first hit, the template, a copy of it."""
    warnings.simplefilter("error", outlive.OutliveWarning)
    with outlive.Cache(sys.argv[1]) as cache:
        sample = memoised(cache)
        for name, make in shop.SAMPLES.items():
            for _ in range(3):
                assert_same(sample(name), make(), name)
    print(",".join(computed))


if __name__ == "__main__":
    main()
