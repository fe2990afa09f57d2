"""Builds the next request of a conversation from its window and what recall finds for the newest message."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial

from bot.conversation.cache_markers import CacheMarkerPolicy, cache_key, keeps_words
from bot.conversation.model_selector import is_sent
from bot.conversation.recall import NOTHING, Recall, Recalled
from bot.conversation.thresholds import rounds_to_cut
from bot.conversation.tools import Toolbox, ToolUsingModel
from bot.conversation.window import PromptWindow, WindowReader
from bot.llm.interface import ChatModel, Message, Options
from storage.database import Database
from storage.media_store import Media
from storage.records import Chat, Role, Turn

ROOM_SHARE = 0.5
"""The share of the free room in the model's window that recall may take; the rest is for the answer."""


class Reduction(Enum):
    """What a request leaves out after the model refused it."""

    NOTHING = auto()
    RECALLED = auto()
    """Recalled text and the tools that recall."""
    UNANSWERED = auto()
    """Also everything since the last answer except the newest message."""
    HALF = auto()
    """Recalled text and the older half of the window."""
    ALONE = auto()
    """Everything but the newest message."""


@dataclass(frozen=True, slots=True)
class PromptContents:
    """What a request is made of."""

    view: PromptWindow
    turns: Sequence[Turn]
    """The turns of the window that are sent."""
    recalled: Recalled = NOTHING
    edited: Sequence[int] = ()
    """Turns outside the window that were edited since the memory was written, and are therefore added again."""
    looks: list[Recalled] = field(default_factory=list)
    """What the model has looked up while answering."""
    noted: list[str] = field(default_factory=list)
    """What the model has noted while answering; the chat began an epoch with each."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the model is sent; `counted`: estimated tokens, `marked`: has cache markers."""

    model: ChatModel
    messages: tuple[Message, ...]
    counted: int
    marked: bool
    lasting: bool
    """Whether the next request will contain all of it."""
    contents: PromptContents

    def options(self, chat: Chat) -> Options:
        """The options, as the chat has chosen."""
        thinking, voice = chat.settings.thinking, bool(chat.settings.voice)
        return Options(thinking, voice, lasting=self.lasting, cache_key=cache_key(chat))


class PromptBuilder:
    """Prepares requests."""

    def __init__(
        self,
        database: Database,
        media: Media,
        windows: WindowReader,
        recall: Recall,
        cache_markers: CacheMarkerPolicy,
        toolbox: Toolbox,
    ) -> None:
        self._database = database
        self._media = media
        self._windows = windows
        self._recall = recall
        self._cache_markers = cache_markers
        self._toolbox = toolbox

    async def prepare(
        self,
        chat: Chat,
        *,
        without: int | None,
        less: Reduction = Reduction.NOTHING,
        known: PromptWindow | None = None,
    ) -> Request:
        """The request that answers the newest message; `without` leaves out a reply that is being replaced.

        `known`: the window, if it has just been read.
        """
        view = known or await self._windows.view(chat.id, without=without)
        if less is not Reduction.NOTHING:
            return await self._reduced_request(view, less)
        recalled, changed = await self._search_history(view), await self._windows.changed(view)
        messages = await self._windows.prompt(view, edited=changed.text, recalled=recalled.text)
        marked = await self._cache_markers.mark(view, messages)
        counted = self._windows.counted(view) + recalled.tokens + changed.tokens
        has_marks = keeps_words(marked)
        contents = PromptContents(view, view.sent, recalled, changed.turn_ids)
        model = self._with_tools(contents, counted)
        return Request(
            model, marked, counted, has_marks, lasting=not (changed.text or recalled.text), contents=contents
        )

    async def _reduced_request(self, view: PromptWindow, less: Reduction) -> Request:
        """A reduced request. It isn't marked for caching, since no other request begins like it."""
        turns: Sequence[Turn] = view.sent
        if less is Reduction.UNANSWERED:
            left_out = unanswered(view)
            turns = [turn for turn in turns if turn not in left_out]
        elif less is Reduction.HALF:
            cut = min(rounds_to_cut(view.sizes.rounds, sum(view.sizes.rounds) / 2), len(view.starts) - 1)
            turns = view.window.turns[view.starts[max(cut, 1)] :]
        elif less is Reduction.ALONE:
            view = replace(view, window=replace(view.window, memory=None))
            turns = newest(view)
        view = replace(view, tools=())
        messages = await self._windows.prompt(view, turns)
        counted = self._windows.counted(view, turns)
        return Request(view.model, messages, counted, marked=False, lasting=False, contents=PromptContents(view, turns))

    def _with_tools(self, contents: PromptContents, counted: int) -> ChatModel:
        view, looks = contents.view, contents.looks
        if not view.tools:
            return view.model
        use = partial(self._toolbox.use, view.window.chat, looks, contents.noted)
        return ToolUsingModel(view.model, view.tools, use, self._windows.count_tokens, counted, begins=looks.clear)

    async def leave_out_media(self, chat_id: int) -> list[int]:
        """The model refused a picture or sound: stop sending those of the newest message, or else all.

        Returns the turns that have them; empty if nothing was sent.
        """
        view = await self._windows.view(chat_id)
        sent = [turn for turn in view.sent if any(is_sent(medium, view.model.capabilities) for medium in turn.media)]
        newest = [turn for turn in sent if turn.id > _last_answer(view)]
        left_out = [turn.id for turn in newest or sent]
        await self._refuse(left_out, refused=True)
        return left_out

    async def take_back(self, turn_ids: Sequence[int]) -> None:
        """Send the media of these turns again: they were not the cause."""
        await self._refuse(turn_ids, refused=False)

    async def _refuse(self, turn_ids: Sequence[int], *, refused: bool) -> None:
        async with self._database.transaction() as tx:
            await self._media.refuse(tx, turn_ids, refused=refused)

    async def _search_history(self, view: PromptWindow) -> Recalled:
        chat, through = view.window.chat, view.window.through_turn
        words = _newest_words(view)
        if through <= chat.reset_turn or not words or chat.settings.recall is False or view.model.single_turn:
            return NOTHING
        now = newest(view)[-1].at
        window = view.policy.context_window
        room = ROOM_SHARE * (window - view.sizes.total)
        return await self._recall.find(
            chat, words, after_turn=chat.reset_turn, before_turn=through + 1, room=room, window=window, now=now
        )


def newest(view: PromptWindow) -> list[Turn]:
    """What the bot is being asked: the messages waiting for an answer, or the one that is answered again."""
    turns = [turn for turn in view.window.turns if turn.role is Role.USER]
    return [turn for turn in turns if turn.waiting] or [turn for turn in turns if turn.asked][-1:] or turns[-1:]


def unanswered(view: PromptWindow) -> list[Turn]:
    """Messages since the last answer, except the newest."""
    last, asked = _last_answer(view), newest(view)
    return [turn for turn in view.window.turns if turn.id > last and turn not in asked]


def _newest_words(view: PromptWindow) -> str:
    """The newest message to the bot, without unaddressed talk before or after."""
    words: list[str] = []
    for turn in reversed(view.window.turns):
        if turn.role is not Role.USER or (words and not turn.asked):
            break
        if turn.asked:
            words.insert(0, turn.content)
    return "\n".join(words)


def _last_answer(view: PromptWindow) -> int:
    return max((turn.id for turn in view.window.turns if turn.role is Role.ASSISTANT), default=0)
