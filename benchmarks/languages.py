"""What is remembered in each language, and at what cost: ``python -m benchmarks.languages [FILE...]``.

Each conversation is replayed through the running bot as in ``benchmarks.memory``; by default those of this project. One
run prints one table.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dialogue import load
from benchmarks.memory import default, passed_on, tokenizer
from benchmarks.misses import Answered
from benchmarks.replay import Replay
from benchmarks.strategies import Prices

FOLDER = Path(__file__).parent / "conversations"
OWN = tuple(FOLDER / f"{language}.json" for language in ("de", "es", "it", "ja", "tr"))
FULL = "language            turns  questions  evidence  one line  price a turn  price a question  words alone"


@dataclass(frozen=True)
class Measured:
    """One conversation."""

    turns: int
    answered: tuple[Answered, ...]
    turn_price: float
    question_price: float

    @property
    def evidence(self) -> float:
        """The share of questions with all evidence lines in the prompt."""
        return _share(self.answered)

    @property
    def one_line(self) -> float:
        """The same for questions with a single evidence line."""
        return _share([one for one in self.answered if len(one.question.evidence) == 1])


def main() -> None:
    """Replay each file twice, with and without search by meaning, and print a line of the table."""
    parser = argparse.ArgumentParser(description="What is remembered in each language, and what it costs.")
    parser.add_argument("files", nargs="*", type=Path, help="conversations of the LoCoMo format")
    name, _ = tokenizer()
    print(f"tokens: {name}; prices: cached {default('cached_price')}, output {default('output_price')}\n\n{FULL}")
    for file in parser.parse_args().files or OWN:
        both, words = measure(file, {}), measure(file, {"EMBEDDING_MODEL": "off"})
        print(
            f"{file.stem:18}{both.turns:7}{len(both.answered):11}{both.evidence:10.1%}{both.one_line:10.1%}"
            f"{both.turn_price:14,.0f}{both.question_price:18,.0f}{words.evidence:13.1%}"
        )
        sys.stdout.flush()


def measure(file: Path, variables: dict[str, str]) -> Measured:
    """Replay one conversation, and ask its questions."""
    _, tokenize = tokenizer()
    dialogue = load([file])
    with tempfile.TemporaryDirectory() as folder:
        prices = Prices(default("cached_price"), default("output_price"))
        replay = Replay(tokenize, prices, Path(folder), passed_on() | variables)
        turns, asked, _ = asyncio.run(replay.run(dialogue))
    price = asked.cost / max(1, asked.turns)
    return Measured(len(dialogue.rounds), tuple(replay.answered), turns.cost / turns.turns, price)


def _share(answered: Sequence[Answered]) -> float:
    return sum(not one.missed for one in answered) / max(1, len(answered))


if __name__ == "__main__":
    main()
