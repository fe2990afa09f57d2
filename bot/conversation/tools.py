"""Tools that the model may use before it answers: search the history, and take a note immediately.

Which tools a chat has depends on its settings alone, and their definitions never change, because they precede the
prompt.

``ToolUsingModel`` runs the loop: the model calls tools, gets their results, and continues.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from bot.conversation.prompt import RECALL, REMEMBER, strip_memory_tags
from bot.conversation.recall import Recall, Recalled
from bot.conversation.tokens import TokenCounter
from bot.conversation.window import PromptWindow, WindowReader
from bot.llm.interface import DEFAULT, ChatModel, Message, ModelWrapper, Options, Tool
from bot.llm.stream_events import Call, ExtraRequestStarted, Finished, Received, StreamEvent
from storage.chats import Chats
from storage.database import Database
from storage.history import History
from storage.memories import Memories
from storage.records import Chat, Role

NOTHING = "Nothing was found."
ALL_IN_VIEW = "Nothing was said before what you can see."
NOTED = "It is in your notes."
FULL = "Your notes are full until they are next shortened. It stays in the conversation until then."
UNREADABLE = "The arguments can't be read: they must be JSON with one text, named {name}."
UNKNOWN = "There is no such tool."
Work = Callable[[Chat, str], Awaitable[str]]
MOST_ROUNDS = 3
"""Requests that may call tools; the one after them must answer."""
MOST_CALLS = 4
"""Tool calls of one request that are carried out."""
TOO_MANY = "These were too many calls at once, so this one was not done."
Use = Callable[[Call], Awaitable[str]]


class Toolbox:
    """Carries out tool calls. Failures are reported to the model, which can handle them."""

    def __init__(
        self,
        database: Database,
        chats: Chats,
        memories: Memories,
        history: History,
        windows: WindowReader,
        recall: Recall,
        count_tokens: TokenCounter,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._memories, self._chats, self._history = memories, chats, history
        self._windows = windows
        self._look_back = recall
        self._count_tokens = count_tokens
        self._clock = clock

    async def use(self, chat: Chat, looks: list[Recalled], noted: list[str], call: Call) -> str:
        """The result of a call, never empty; what the model looks up is added to `looks`, what it notes to `noted`."""
        work: dict[str, tuple[str, Work]] = {
            RECALL.name: (RECALL.argument, partial(self._recall, looks)),
            REMEMBER.name: (REMEMBER.argument, partial(self._remember, noted)),
        }
        if call.name not in work:
            return UNKNOWN
        name, do = work[call.name]
        text = _argument(call.arguments, name)
        return await do(chat, text) if text else UNREADABLE.format(name=name)

    async def _recall(self, looks: list[Recalled], chat: Chat, query: str) -> str:
        window = (await self._windows.view(chat.id)).window
        if window.through_turn <= window.chat.reset_turn:
            return ALL_IN_VIEW
        after, before = window.chat.reset_turn, window.through_turn + 1
        found = await self._look_back.look(window.chat, query, after_turn=after, before_turn=before, now=self._clock())
        looks.append(found)
        return found.text or NOTHING

    async def _remember(self, noted: list[str], chat: Chat, text: str) -> str:
        view = await self._windows.view(chat.id)
        by = "" if chat.private else await self._asked_by(view)
        note = strip_memory_tags(f"- {' '.join(text.split())}{by}")
        if note in view.memory.splitlines():  # an answer that broke off is retried, and so are its calls
            return NOTED
        notes = f"{view.memory}\n{note}".strip()
        if self._count_tokens(notes) > view.policy.most_memory:
            return FULL
        memory = self._windows.memory(view.window.through_turn, notes, self._clock(), view.covers)
        async with self._database.transaction() as tx:
            stored = await self._memories.put(tx, view.window.chat, memory)
            if stored:  # a compaction in progress would lose the note
                await self._chats.begin_epoch(tx, chat.id)
        if not stored:
            return FULL
        noted.append(note)
        return NOTED

    async def _asked_by(self, view: PromptWindow) -> str:
        """Who wrote the messages that are being answered, as it is added to a note: others in the group read it too."""
        asked = [turn.id for turn in view.window.turns if turn.role is Role.USER and turn.asked]
        waiting = [turn.id for turn in view.window.turns if turn.waiting and turn.asked] or asked[-1:]
        names = await self._history.speakers(view.window.chat.id, waiting)
        return f" (noted for {', '.join(names)})" if names else ""


def _argument(arguments: str, name: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return ""
    text = read.get(name) if isinstance(read, dict) else None
    return text.strip() if isinstance(text, str) else ""


def _nothing() -> None: ...


class ToolUsingModel(ModelWrapper):
    """A model with tools; `use` carries out a call, `counted` is our own count of its first prompt in tokens."""

    def __init__(
        self,
        model: ChatModel,
        tools: tuple[Tool, ...],
        use: Use,
        count_tokens: TokenCounter,
        counted: int,
        begins: Callable[[], None] = _nothing,
    ) -> None:
        """`begins` is called for each attempt, because an answer that broke off is retried together with its calls."""
        super().__init__(model)
        self._tools = tools
        self._use = use
        self._count_tokens = count_tokens
        self._counted = counted
        self._begins = begins

    async def stream(
        self, messages: Sequence[Message], options: Options = DEFAULT
    ) -> AsyncGenerator[StreamEvent, None]:
        """See ChatModel.stream; the events of each further request follow its ExtraRequestStarted."""
        self._begins()
        asked, counted = tuple(messages), self._counted
        offered = replace(options, tools=self._tools, may_call=True)
        for number in range(MOST_ROUNDS + 1):
            if number:
                offered = replace(offered, may_call=number < MOST_ROUNDS, lasting=False)
                yield ExtraRequestStarted(counted)
            received = Received()
            async with aclosing(self._model.stream(asked, offered)) as events:
                async for event in events:
                    received.add(event)
                    if not (isinstance(event, Finished) and received.calls):  # the answer isn't over
                        yield event
            if not received.calls:
                return
            calls = tuple(_as_sent(call) for call in received.calls)
            answered = Message("assistant", received.text, calls=calls, opaque=received.opaque)
            more = [answered, *await self._results(received.calls)]
            asked += tuple(more)
            counted += sum(self._count_tokens(message.content) for message in more)

    async def _results(self, calls: Sequence[Call]) -> list[Message]:
        done = [await self._use(call) for call in calls[:MOST_CALLS]]
        done += [TOO_MANY] * (len(calls) - len(done))
        return [Message("tool", result, answers=call.id) for call, result in zip(calls, done, strict=True)]


def _as_sent(call: Call) -> Call:
    """The call as it is sent back: DashScope, vLLM and SGLang refuse a request whose arguments aren't a JSON object.

    The call's result says what was wrong with the arguments.
    """
    try:
        usable = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        usable = False
    return call if usable else replace(call, arguments="{}")
