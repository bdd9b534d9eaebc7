"""An evaluation of a model: 500 calls, cut off by a limit, run again, then served from the file.

Results are pydantic models, and come back as such. `on_error="collect"` gives what failed in its
place. Each prompt is asked twice at temperature 1: `ask.sample(1)` keeps the second answers.
"""

from __future__ import annotations

import httpx
from pydantic import BaseModel

from outlive import Cache, Failed
from recipes.service import Service, serve

answers = Cache("answers.json")
client = httpx.Client()
PROMPTS = [f"question {n}" for n in range(250)]


class Answer(BaseModel):
    """What a model said, and what it cost."""

    answer: str
    tokens: int


@answers.memoise(ignore=("url",))
def ask(url: str, prompt: str) -> Answer:
    """Ask the model."""
    response = client.post(f"{url}/chat", json={"prompt": prompt})
    response.raise_for_status()
    return Answer.model_validate(response.json())


def evaluate(service: Service) -> None:
    """Ask everything twice, and say how far that came."""
    good: list[Answer] = []
    failed = 0
    for sample in range(2):
        asked = [(service.url, prompt) for prompt in PROMPTS]
        for outcome in ask.sample(sample).map(asked, star=True, on_error="collect"):
            if isinstance(outcome, Failed):
                failed += 1
            else:
                good.append(outcome)
    tokens = sum(answer.tokens for answer in good)
    print(
        f"{len(good)} answers, {tokens} tokens, {failed} failed, {service.calls['chat']} requests"
    )


def main() -> None:
    """Run three times: the first run is cut off by the service's limit."""
    for limit in (300, 10_000, 10_000):
        with serve() as service:
            service.limit = limit
            evaluate(service)


if __name__ == "__main__":
    main()
