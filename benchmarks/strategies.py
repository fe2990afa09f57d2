"""Other strategies for keeping a conversation in a prompt, simulated: their cost, and what they still contain."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt

from benchmarks.dialogue import Dialogue
from benchmarks.notes import notes
from sandbox.model.prompt_cache import PromptCache, Tokenize

WINDOW_MESSAGES = 20
SUMMARY_EVERY = 15
INSTRUCTION = "Summarise the conversation above in notes that stand in its place from now on."


@dataclass
class Prices:
    """Relative to an uncached input token."""

    cached: float
    output: float


@dataclass
class Result:
    """The totals of a strategy, in prompt tokens."""

    name: str
    cost: float = 0.0
    prompt: int = 0
    cached: int = 0
    largest: int = 0
    turns: int = 0
    side_calls: int = 0
    found: int | None = None
    asked: int = 0

    def add(self, total: int, cached: int, prices: Prices, *, output: int = 0, turn: bool = True) -> float:
        """Count one request; returns its cost."""
        cost = total - cached + prices.cached * cached + prices.output * output
        self.cost += cost
        self.prompt, self.cached = self.prompt + total, self.cached + cached
        self.largest = max(self.largest, total)
        self.turns, self.side_calls = self.turns + turn, self.side_calls + (not turn)
        return cost


@dataclass
class Simulation:
    """Replays a conversation without a bot: `shorten` changes the messages before each turn."""

    system: str
    tokenize: Tokenize
    prices: Prices
    messages: list[tuple[str, str]] = field(default_factory=list)
    summary: str = ""

    def run(self, name: str, dialogue: Dialogue, shorten: Callable[["Simulation", Result], None]) -> Result:
        """All turns, then all questions."""
        result, cache = Result(name), PromptCache(self.tokenize)
        self.cache = cache
        for one in dialogue.rounds:
            self._turn(one.said, one.answer, result, shorten)
        asked = Result(name)
        result.found = 0
        for question in dialogue.questions:
            shown = self._turn(question.text, question.answer, asked, shorten)
            result.found += all(line in shown for line in question.evidence)
        result.asked = len(dialogue.questions)
        return result

    def request(self, result: Result, text: str, *, output: int = 0, turn: bool = True) -> None:
        """One request with this prompt."""
        count = self.cache.count_text(text)
        result.add(count.total, count.cached, self.prices, output=output, turn=turn)

    def text(self) -> str:
        """The current prompt."""
        head = f"system\n{self.system}{self.summary}\n"
        return head + "".join(f"{role}\n{content}\n" for role, content in self.messages)

    def _turn(self, said: str, answer: str, result: Result, shorten: Callable[["Simulation", Result], None]) -> str:
        self.messages.append(("user", said))
        shorten(self, result)
        shown = self.text()
        self.request(result, shown)
        self.messages.append(("assistant", answer))
        return shown


def keep_all(_: Simulation, __: Result) -> None:
    """Append only."""


def sliding(simulation: Simulation, _: Result) -> None:
    """The last 20 messages."""
    del simulation.messages[:-WINDOW_MESSAGES]


def summarise_often(simulation: Simulation, result: Result) -> None:
    """A summary every 15 messages that replaces them all."""
    *before, newest = simulation.messages
    if len(before) < SUMMARY_EVERY:
        return
    simulation.messages = before
    made = notes([content for _, content in before], lambda text: len(simulation.tokenize(text)))
    asked = simulation.text() + f"user\n{INSTRUCTION}\n"
    simulation.request(result, asked, output=len(simulation.tokenize(made)), turn=False)
    simulation.summary, simulation.messages = f"\n\n{made}", [newest]


def optimum(system: float, memory: float, tail: float, a_round: float, prices: Prices) -> tuple[float, float]:
    """(cost per turn, growth between two compactions) at the optimal growth, in tokens."""
    c, o = prices.cached, prices.output
    each = tail + memory * (1 + o) + c * system
    growth = sqrt(2 * a_round * each / c)
    cost = c * (system + memory + tail) + a_round * (1 + c) + c * growth / 2 + a_round * each / growth
    return cost, growth
