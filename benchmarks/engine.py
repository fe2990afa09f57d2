"""How much of the prompts a real engine takes from its cache, by its own count: ``python -m benchmarks.engine``.

A conversation goes through the running bot to llama.cpp with a small model, and the window is compacted on the way. The
model answers but can't write memories: a proxy passes every request on, has the engine read requests for memories too
(so they are counted), and writes the memories itself.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from benchmarks.dialogue import Dialogue, Round, load
from benchmarks.engine_proxy import ANSWER_TOKENS, Proxy, Read
from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi, Chat, User
from sandbox.local_model import WINDOW, local_model, missing

OWN = Path(__file__).parent / "conversations" / "es.json"
TURNS = 100
FIRST = 25
PATIENCE_S = 900.0
QUIET_S = 0.5
WANTED = 0.95
HEADINGS = f"{'requests':>10}{'read':>12}{'cached':>12}{'share':>9}{'largest':>10}"
PASSED_ON = (
    "CONTEXT_WINDOW",
    "RECALL_TOKENS",
    "COMPACT_AT",
    "MEMORY_TOKENS",
    "TOOLS",
    "EMBEDDING_MODEL",
    "CACHED_PRICE",
)
"""Settings of the bot that may be overridden by environment variables."""


def main() -> None:
    options = _parse()
    if why := missing():
        print(f"engine: skipped, {why}")
        return
    print(
        f"a window of {WINDOW:,} tokens, answers of {ANSWER_TOKENS} at most; Telegram's pace is switched off",
        flush=True,
    )
    print(f"{'':8}{HEADINGS}", flush=True)
    dialogue = load([options.file or OWN], options.repeat)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        began = time.monotonic()
        talk = Talk(Path(folder), options.slots, options.reuse)
        asyncio.run(talk.run(dialogue, options.turns))
        seconds = time.monotonic() - began
        prompts = json.dumps([asdict(one) for one in talk.proxy.read], ensure_ascii=False)
        (Path(folder) / "prompts.json").write_text(prompts, encoding="utf-8")
    share = _print(talk.proxy.read)
    print(f"\n{len(dialogue.rounds[: options.turns])} turns in {seconds:.0f} s")
    if share < WANTED:
        sys.exit(f"less than {WANTED:.0%} came from the cache")


class Talk:
    """The bot between Telegram's stand-in and the engine."""

    def __init__(self, folder: Path, slots: int, reuse: int) -> None:
        self._folder = folder
        self._slots, self._reuse = slots, reuse
        self.proxy = Proxy()

    async def run(self, dialogue: Dialogue, turns: int) -> None:
        """Replay the first turns of a conversation; the answers are the engine's."""
        telegram = BotApi()
        ann = telegram.user(dialogue.user)
        home = telegram.private(ann)
        async with (
            local_model(self._folder / "local-model.log", self._slots, reuse=self._reuse) as model,
            self.proxy.run(model.process.address, model.key) as model_url,
            telegram.run() as telegram_url,
        ):
            variables = self._environment(telegram, telegram_url, model_url)
            bot = BotProcess([sys.executable, "-m", "benchmarks.paceless"], variables, self._folder / "bot.log")
            await bot.start()
            try:
                for number, one in enumerate(dialogue.rounds[:turns], 1):
                    await self._say(ann, home, one)
                    if number % 10 == 0:
                        print(f"turn {number:3}{_row(self.proxy.read)}", flush=True)
                await self._quiet()
            finally:
                await bot.stop()

    def _environment(self, telegram: BotApi, telegram_url: str, model_url: str) -> dict[str, str]:
        return {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": f"{model_url}/v1",
            "OPENAI_MODEL": "SmolLM2",
            "ACCESS": "open",
            "LOG_LEVEL": "INFO",
            "MODEL_TIMEOUT": str(PATIENCE_S),
            "DATABASE_URL": f"sqlite:///{self._folder}/keepsake.db",
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))),
        }

    async def _say(self, user: User, home: Chat, one: Round) -> None:
        self.proxy.words = one.said
        count, asked = len(home.replies), len(self.proxy.read)
        moment: dict[str, object] = {"date": int(one.at.timestamp())}
        await user.say(home, one.said, None, None, None, **moment)
        await home.wait(count + 1, PATIENCE_S)
        assert len(self.proxy.read) > asked, home.replies[-1].text

    async def _quiet(self) -> None:
        seen = -1
        while seen != len(self.proxy.read):
            seen = len(self.proxy.read)
            await asyncio.sleep(QUIET_S)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How much of the prompts comes from a real engine's cache.")
    parser.add_argument("file", nargs="?", type=Path, help="a conversation of the LoCoMo format")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--repeat", type=int, default=1, help="say the file so often, one after the other")
    parser.add_argument("--slots", type=int, default=1, help="how many requests the engine works on at once")
    parser.add_argument("--reuse", type=int, default=0, help="the engine's --cache-reuse; 0: as it is shipped")
    parser.add_argument("--keep", type=Path, help="a folder where prompts, database and logs stay")
    return parser.parse_args()


def _row(read: list[Read]) -> str:
    total, cached = sum(one.total for one in read), sum(one.cached for one in read)
    largest = max((one.total for one in read), default=0)
    return f"{len(read):10}{total:12,}{cached:12,}{cached / max(1, total):9.1%}{largest:10,}"


def _print(read: list[Read]) -> float:
    """Print the table; returns the cached share of all prompts."""
    answers = [one for one in read if not one.notes]
    after = [one for before, one in pairwise(read) if before.notes and not one.notes]
    print(f"\n{'':28}{HEADINGS}")
    for name, some in (
        (f"answers, the first {FIRST}", answers[:FIRST]),
        ("answers, all", answers),
        ("answers after a compaction", after),
        ("compactions", [one for one in read if one.notes]),
        ("all", read),
    ):
        print(f"{name:28}{_row(some)}")
    return sum(one.cached for one in read) / max(1, sum(one.total for one in read))


if __name__ == "__main__":
    main()
