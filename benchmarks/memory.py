"""What a conversation costs and what the bot still knows of it: ``python -m benchmarks.memory FILE...``.

A LoCoMo conversation is replayed through the running bot, against a model server that accounts for its prompt cache
token by token. Then the file's questions are asked one by one in the same chat. *Evidence* is the share of questions
whose evidence lines are all in the bot's prompt verbatim. Other strategies are simulated on the same conversation, with
the same tokens, cache and prices.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import misses, strategies
from benchmarks.dialogue import Dialogue, load
from benchmarks.replay import Replay
from benchmarks.strategies import Prices, Result, Simulation
from bot.conversation.thresholds import TAIL_TOKENS
from bot.settings import Settings
from sandbox.model.prompt_cache import Tokenize, four_bytes

OWN = Path(__file__).parent / "conversations" / "garden.json"
OWN_REPEATED = 4
"""It is short: replayed once, it would never leave the window."""
PASSED_ON = (
    "EMBEDDING_MODEL",
    "MEMORY",
    "COMPACT_AT",
    "CONTEXT_WINDOW",
    "KEEP_ROUNDS",
    "RECALL_TOKENS",
    "MEMORY_TOKENS",
    "SYSTEM_PROMPT",
)
"""Settings of the bot that may be overridden by environment variables."""
SHOWN_TURNS = 12
UNKNOWN_WINDOW = "32768"
"""The window of the model used in replays without tools, also used with tools, so that the figures compare."""


def main() -> None:
    options = _parse()
    name, tokenize = tokenizer()
    dialogue = load(options.files or [OWN], options.repeat or (1 if options.files else OWN_REPEATED))
    prices = Prices(default("cached_price"), default("output_price"))
    print(f"{len(dialogue.rounds)} turns, {len(dialogue.questions)} questions with evidence; tokens: {name};")
    print(f"prices: cached {prices.cached}, output {prices.output}; Telegram's pace is switched off\n")
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(tokenize, prices, Path(folder), _variables(options))
        replay.on_turn = _turn_printer(len(dialogue.rounds))
        began = time.monotonic()
        turns, asked, beside = asyncio.run(replay.run(dialogue))
        seconds = time.monotonic() - began
    _print_strategies(dialogue, tokenize, prices, replay, turns)
    _print_questions(asked, beside, replay, listed=options.misses)
    pairs, kept, changed = replay.prefix_kept()
    print(f"\nprefix: {kept} of {pairs} consecutive requests share every byte up to the user's newest words;")
    print(f"        {changed} follow a compaction, {pairs - kept - changed} neither")
    third = len(replay.costs) // 3
    parts = [sum(replay.costs[start : start + third]) / third for start in (0, third, 2 * third)]
    print(f"cost of a turn in the first, second and last third: {', '.join(f'{part:,.0f}' for part in parts)}")
    print(f"replayed in {seconds:.0f} s")


def tokenizer() -> tuple[str, Tokenize]:
    """Qwen's vocabulary if it is installed, else four bytes per token."""
    from bot.conversation.tokens import qwen_encoding

    encoding = qwen_encoding()
    return ("four bytes each", four_bytes) if encoding is None else ("Qwen's", encoding.encode_ordinary)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a conversation costs, and what is remembered of it.")
    parser.add_argument("files", nargs="*", type=Path, help="conversations of the LoCoMo format")
    parser.add_argument("--repeat", type=int, help="replay the whole so often, one after the other")
    parser.add_argument("--embeddings", action="store_true", help="with the sandbox's embedding server in front")
    parser.add_argument("--database", help="the URL of an empty PostgreSQL database, instead of a SQLite file")
    parser.add_argument("--tools", action="store_true", help="the model has tools, and looks every question up")
    parser.add_argument("--misses", action="store_true", help="list the questions whose evidence was not in the prompt")
    return parser.parse_args()


def default(name: str) -> float:
    """A price from the environment, or the bot's default."""
    return float(os.environ.get(name.upper()) or Settings.model_fields[name].default)


def passed_on() -> dict[str, str]:
    """Settings of the bot from the environment."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _variables(options: argparse.Namespace) -> dict[str, str]:
    variables = passed_on()
    if options.tools:
        variables = {"CONTEXT_WINDOW": UNKNOWN_WINDOW, "OPENAI_MODEL": "qwen-plus", "TOOLS": "on"} | variables
    if options.database:
        variables |= {"DATABASE_URL": options.database}
    return variables | ({"EMBEDDING_MODEL": "sandbox-embedding"} if options.embeddings else {})


def _turn_printer(turns: int) -> Callable[[int, int, int, float], None]:
    step = max(1, turns // SHOWN_TURNS)
    print("turn   prompt  cached     cost")

    def show(turn: int, total: int, cached: int, cost: float) -> None:
        if turn % step == 0 and turn <= turns:
            print(f"{turn:4} {total:8,} {cached / total:7.0%} {cost:8,.0f}")

    return show


def _print_strategies(dialogue: Dialogue, tokenize: Tokenize, prices: Prices, replay: Replay, turns: Result) -> None:
    system = str(Settings.model_fields["system_prompt"].default)
    others = (
        ("everything kept", strategies.keep_all),
        ("last 20 messages", strategies.sliding),
        ("summary every 15 messages", strategies.summarise_often),
    )
    results = [turns]
    for name, shorten in others:
        results.append(Simulation(system, tokenize, prices).run(name, dialogue, shorten))
    print(f"\n{'':28}{'cost/turn':>10}{'cached':>8}{'largest':>9}{'side calls':>12}{'evidence':>10}")
    for result in results:
        evidence = f"{result.found / result.asked:.1%}" if result.asked and result.found is not None else "-"
        print(
            f"{result.name:28}{result.cost / result.turns:10,.0f}{result.cached / max(1, result.prompt):8.0%}"
            f"{result.largest:9,}{result.side_calls:12}{evidence:>10}"
        )
    _print_optimum(dialogue, tokenize, prices, replay, system)


def _print_optimum(dialogue: Dialogue, tokenize: Tokenize, prices: Prices, replay: Replay, system: str) -> None:
    rounds = [len(tokenize(one.said)) + len(tokenize(one.answer)) + 4 for one in dialogue.rounds]
    made = [output for *_, output in replay.sides] or [0]
    a_round = sum(rounds) / len(rounds)
    tail = max(TAIL_TOKENS, 12 * a_round)
    cost, growth = strategies.optimum(len(tokenize(system)), sum(made) / len(made), tail, a_round, prices)
    print(
        f"{'optimum (no recall)':28}{cost:10,.0f}   s = {len(tokenize(system))}, m = {sum(made) / len(made):.0f},"
        f" L = {tail:.0f}, t = {a_round:.0f}, D* = {growth:.0f} tokens"
    )


def _print_questions(asked: Result, beside: Result, replay: Replay, *, listed: bool) -> None:
    if not asked.turns:
        return
    costs = [total - cached + replay.prices.cached * cached for _, total, cached in replay.mains[replay.replayed :]]
    print(
        f"\nturns in which the questions are asked: {asked.cost / asked.turns:,.0f} each, {max(costs):,.0f} at most;"
        f" {beside.side_calls} compactions meanwhile, {beside.cost / asked.turns:,.0f} a turn\n"
    )
    print("\n".join(misses.table(replay.answered)))
    if listed:
        print("\nmissed:", *misses.listed(replay.answered), sep="\n")


if __name__ == "__main__":
    main()
