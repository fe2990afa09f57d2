"""What each kind of prompt cache saves on the bot's prompts: ``python -m benchmarks.caches [FILE...]``.

A conversation is replayed through the running bot, once with cache markers and once without, and each prompt is
accounted for as the providers document their caches, compactions included. Then the file's questions are asked, each of
which recalls something for one request.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.dialogue import Dialogue, load
from benchmarks.memory import OWN, passed_on, tokenizer
from benchmarks.replay import Replay
from benchmarks.strategies import Prices
from sandbox.model.prompt_cache import Breakpoints, Markers, PromptCache, PromptCount, PromptCounter, Tokenize, Units
from sandbox.model.request import ChatRequest

REPEATED = 3
PROFILES = """
[servers."127.*"]
cache_breakpoints = true
[models."stand-in"]
cache_breakpoints = true
"""


@dataclass(frozen=True)
class Kind:
    """A kind of cache; prices are relative to an uncached input token."""

    name: str
    counter: Callable[[Tokenize], PromptCounter]
    cached: float
    written: float = 1.0

    def cost(self, counts: Sequence[PromptCount]) -> float:
        """The total cost of these prompts."""
        fresh = sum(one.total - one.cached - one.written for one in counts)
        return fresh + sum(self.cached * one.cached + self.written * one.written for one in counts)


UNMARKED = (
    Kind("longest prefix (Qwen, vLLM, llama.cpp)", PromptCache, 0.2),
    Kind("whole units (DeepSeek)", Units, 0.03),
    Kind("breakpoints, the server's own alone", Breakpoints, 0.1, 1.25),
)
MARKED = (
    Kind("breakpoints (GPT-5.6 and later)", Breakpoints, 0.1, 1.25),
    Kind("markers (Claude, Qwen)", Markers, 0.1, 1.25),
)


@dataclass
class Books:
    """All accounts of one replay; the first one is what the server reports."""

    accounts: Mapping[str, PromptCounter]
    counts: dict[str, tuple[list[PromptCount], list[PromptCount]]] = field(default_factory=dict)
    """Of the conversation, and of the questions."""
    asking: bool = False

    def count(self, request: ChatRequest, answer: str = "", /) -> PromptCount:
        counted = [account.count(request, answer) for account in self.accounts.values()]
        for name, count in zip(self.accounts, counted, strict=True):
            self.counts.setdefault(name, ([], []))[self.asking].append(count)
        return counted[0]


def main() -> None:
    """Replay twice, and print a line for each account."""
    parser = argparse.ArgumentParser(description="What each kind of prompt cache finds again.")
    parser.add_argument("files", nargs="*", type=Path, help="conversations of the LoCoMo format")
    files = parser.parse_args().files
    name, tokenize = tokenizer()
    dialogue = load(files or [OWN], 1 if files else REPEATED)
    print(f"{len(dialogue.rounds)} turns, {len(dialogue.questions)} questions; tokens: {name};")
    print("cost: of the prompts of a turn, in fresh tokens at the provider's own prices\n")
    print(f"{'':42}{'turns':>27}{'questions':>27}\n{'prompt cache':42}{'  cached  written      cost' * 2}")
    for kinds, marked in ((UNMARKED, False), (MARKED, True)):
        counts = _replayed(dialogue, tokenize, kinds, marked=marked)
        for kind in kinds:
            turns, questions = counts[kind.name]
            told = _told(kind, turns, len(dialogue.rounds)) + _told(kind, questions, len(dialogue.questions))
            print(f"{kind.name:42}{told}", flush=True)


def _told(kind: Kind, counts: Sequence[PromptCount], turns: int) -> str:
    total = sum(one.total for one in counts)
    if not total:
        return ""
    cached, written = sum(one.cached for one in counts) / total, sum(one.written for one in counts) / total
    return f"{cached:8.1%}{written:9.1%}{kind.cost(counts) / turns:10,.0f}"


def _replayed(
    dialogue: Dialogue, tokenize: Tokenize, kinds: Sequence[Kind], *, marked: bool
) -> Mapping[str, tuple[Sequence[PromptCount], Sequence[PromptCount]]]:
    with tempfile.TemporaryDirectory() as folder:
        profiles = Path(folder) / "profiles.toml"
        profiles.write_text(PROFILES)
        variables = {"EMBEDDING_MODEL": "off", **passed_on(), "CACHE_MARKERS": "off"}
        if marked:
            variables |= {"CACHE_MARKERS": "auto", "MODEL_PROFILES": str(profiles)}
        books = Books({kind.name: kind.counter(tokenize) for kind in kinds})
        replay = Replay(tokenize, Prices(kinds[0].cached, 3.0), Path(folder), variables, counter=lambda _: books)
        replay.on_asking = lambda: setattr(books, "asking", True)
        asyncio.run(replay.run(dialogue))
        return books.counts


if __name__ == "__main__":
    main()
