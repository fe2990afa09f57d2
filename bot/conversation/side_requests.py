"""Requests to the model other than answers: compaction, summaries, corrections, and titles of conversations.

A title is made from the first messages; if the model gives none, from the first words.
"""

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bot.conversation.budget import Budget
from bot.conversation.cache_markers import cache_key
from bot.conversation.generation import Generation
from bot.conversation.incoming_message import indent
from bot.conversation.model_selector import ModelSelector
from bot.conversation.prompt import instruction
from bot.conversation.query import strip_framing, strip_notes
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.conversation.tokens import TokenCounter
from bot.conversation.usage_recorder import CountedRequest, UsageRecorder
from bot.errors import ContentRefused, EmptyAnswer, ModelError, SingleTurn
from bot.llm.interface import ChatModel, Message, Options, Tool
from bot.llm.stream_events import Finish
from storage import complete, until_stored
from storage.chats import Chats
from storage.database import Database
from storage.history import History
from storage.records import Chat, HistoryTurn, Role

MOST_CHARACTERS = 60
MOST_BYTES = 128
"""Telegram accepts 128 characters, but the documentation of another layer says bytes."""
FEW_WORDS = 6
"""The length of a title made from a user's words, if no model provides one."""
MOST_READ = 600
"""Characters of each message used for a title."""
FIRST_TURNS = 4
MOST_WORDS = 5
"""The most words of a title that ends like a sentence."""
_MARKS = re.compile(r"[*_`#~|<>\[\]{}\"\u00ab\u00bb\u201c-\u201f\u300c-\u300f]+")
_LABEL = re.compile(r"^\W*(?:title|titel|título|titre|название|标题|標題)\W*[:\uff1a]\s*", re.IGNORECASE)
_ENDS = " \t'.,:;\u3002\uff0c\uff1a\uff1b\u2019\u2018"

log = logging.getLogger(__name__)


class NoPreview:
    """A preview for answers that nobody watches."""

    def update(self, text: str) -> None:
        """Do nothing."""

    def thinking(self) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class SideRequests:
    """Sends side requests, and records their usage even if the answer is unusable."""

    def __init__(
        self,
        database: Database,
        usage_recorder: UsageRecorder,
        budget: Budget,
        count_tokens: TokenCounter,
        bound: float,
    ) -> None:
        self._database = database
        self._usage_recorder = usage_recorder
        self._budget = budget
        self._count_tokens = count_tokens
        self._bound = bound

    async def ask(
        self,
        chat: Chat,
        model: ChatModel,
        messages: Sequence[Message],
        *,
        counted: int = 0,
        tools: tuple[Tool, ...] = (),
        brief: float | None = None,
    ) -> str:
        """The model's complete answer. Raises a ModelError; EmptyAnswer also if it was cut off.

        SingleTurn and BudgetSpent are raised before any request. `counted`: estimated tokens, if known. `tools` are
        those of the conversation whose prompt this shares; they must not be called. `brief`: only whether an answer
        comes matters, within this many seconds.
        """
        if model.single_turn:
            raise SingleTurn(model.name)
        await self._budget.check(chat, _payer(chat))
        generation = Generation(NoPreview(), min(self._bound, brief or self._bound), SpeakerPrefix())
        thinking = False if brief else chat.settings.thinking
        options = Options(thinking, tools=tools, aside=True, brief=bool(brief), cache_key=cache_key(chat))
        counted = counted or sum(self._count_tokens(message.content) for message in messages)
        try:
            await generation.write(model, messages, options)
        finally:
            if generation.own_request.was_taken or generation.extra_requests(counted, self._count_tokens):
                await complete(until_stored(partial(self._record_usage, chat, model, generation, counted)))
        if generation.finish is Finish.FILTER:
            raise ContentRefused("the filter ended the answer")
        if generation.finish is not Finish.STOP:
            raise EmptyAnswer(f"the answer was cut: {generation.finish}")
        return generation.text.strip()

    async def _record_usage(self, chat: Chat, model: ChatModel, generation: Generation, counted: int) -> None:
        own, whose = generation.own_request, _payer(chat)
        name = own.switched.model if own.switched else model.name
        asked = CountedRequest(name, counted, self._count_tokens(own.text + own.reasoning), whose)
        async with self._database.transaction() as tx:
            if own.was_taken:
                await self._usage_recorder.record(tx, chat.id, asked, own.usage, turns=0)
            for more in generation.extra_requests(counted, self._count_tokens):
                extra = CountedRequest(more.by(model.name), more.counted, more.output, whose)
                await self._usage_recorder.add(tx, chat.id, extra, more.usage)


def _payer(chat: Chat) -> int | None:
    """The user whose usage it is; None in a group, where it is recorded for no one in particular."""
    return chat.key.telegram_id if chat.private else None


class TitleWriter:
    """Creates titles."""

    def __init__(self, chats: Chats, history: History, side_requests: SideRequests, selector: ModelSelector) -> None:
        self._chats = chats
        self._history = history
        self._side_requests = side_requests
        self._selector = selector

    async def make(self, chat: Chat) -> str | None:
        """A title for the conversation; "" if none can be made, None while nothing has been answered.

        Also None if the messages were reset or forgotten in the meantime.
        """
        turns = await self._history.latest(chat.id, after_turn=chat.reset_turn, since=0.0, limit=FIRST_TURNS)
        if not any(turn.role is Role.ASSISTANT for turn in turns):
            return None
        title = await self._ask_for_title(chat, turns) or _title_of_first_words(turns) or ""
        return title if await self._is_still_there(chat, turns) else None

    async def _is_still_there(self, chat: Chat, turns: list[HistoryTurn]) -> bool:
        now = await self._chats.find(chat.key)
        ids = [turn.turn_id for turn in turns]
        left = await self._history.of_ids(chat.id, ids)
        return now is not None and now.reset_turn < min(ids) and len(left) == len(ids)

    async def _ask_for_title(self, chat: Chat, turns: list[HistoryTurn]) -> str | None:
        said = [f"{_speaker(turn)}: {indent(strip_framing(turn.content)[:MOST_READ])}" for turn in turns]
        messages = (Message("system", instruction("title")), Message("user", "\n\n".join(said)))
        unthinking = replace(chat, settings=replace(chat.settings, thinking=False))
        try:
            answer = await self._side_requests.ask(unthinking, self._selector.model(chat), messages)
        except ModelError as exc:
            log.info("No title for chat %d from the model: %s", chat.key.telegram_id, exc)
            return None
        lines = [line for line in answer.splitlines() if line.strip()]
        is_title = len(lines) == 1 and len(lines[0]) <= 2 * MOST_CHARACTERS and not is_prose(lines[0])
        return clean_title(lines[0]) if is_title else None


def is_prose(line: str) -> bool:
    """Whether a line is prose ("I'm sorry, but I can't ...") rather than a title, in any language."""
    bare = line.strip(" \t'\"*_`")
    ends = bare.endswith((".", "\u3002", "\uff0e", "\u0964")) and not bare.endswith("..")
    return ends and (len(bare.split()) >= MOST_WORDS or re.search("[,\uff0c\u3001\u060c]", bare) is not None)


def clean_title(words: str) -> str | None:
    """A title that Telegram accepts: one line without markup, cut at a word boundary; None if nothing is left."""
    shown = "".join(char if unicodedata.category(char)[0] != "C" or char == "\u200d" else " " for char in words)
    bare = " ".join(_MARKS.sub(" ", _LABEL.sub("", shown)).split()).strip(_ENDS)
    short = _cut_title(bare).strip(_ENDS)
    return short if any(char.isalnum() for char in short) else None


def _title_of_first_words(turns: list[HistoryTurn]) -> str | None:
    for turn in turns:
        said = strip_notes(strip_framing(turn.content)) if turn.role is Role.USER else ""
        title = clean_title(" ".join(said.split(maxsplit=FEW_WORDS)[:FEW_WORDS]))
        if title is not None:
            return title
    return None


def _cut_title(title: str) -> str:
    most = min(len(title), MOST_CHARACTERS)
    while len(title[:most].encode()) > MOST_BYTES:
        most -= 1
    if most == len(title):
        return title
    while most > 1 and (unicodedata.category(title[most])[0] == "M" or "\u200d" in title[most - 1 : most + 1]):
        most -= 1  # keep an accent, or the rest of an emoji, with its base character
    blank = title.rfind(" ", most // 2, most + 1)
    return title[: blank if blank > 0 else most]


def _speaker(turn: HistoryTurn) -> str:
    return "The assistant" if turn.role is Role.ASSISTANT else "The person"
