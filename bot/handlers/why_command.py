"""``/why``: what an answer was based on. This was recorded with the answer, so the model is not asked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from telegram import Message

from bot.conversation.query import strip_framing
from bot.handlers.callbacks import MemoryThenButton
from bot.handlers.context import ButtonContext, MessageContext
from bot.handlers.notices import answer
from bot.handlers.search_command import hit, link
from bot.inbound.quotes import replied_to
from bot.language import grouped, plural, texts
from bot.pricing import Amount
from bot.updates.parsing import key_of
from storage.bases import MOST_COUNTED, Bases, Basis, FoundTurn
from storage.history import History
from storage.memories import Memories
from storage.records import Button, Chat, HistoryTurn, Notice, Role

MOST_SHOWN = 8
"""How many older messages are shown: together with the rest they have to fit into one message."""
QUESTION = 60
"""How many characters of the question are shown."""


class WhyHandlers:
    """Shows the basis of answers; `zone` is the time zone of the times shown."""

    def __init__(self, bases: Bases, history: History, memories: Memories, zone: tzinfo) -> None:
        self._bases = bases
        self._history = history
        self._memories = memories
        self._zone = zone

    async def why(self, update: MessageContext) -> None:
        """``/why``: about the last answer, or the one it replies to."""
        chat = update.chat
        if chat is None:
            await update.say(update.notice(texts.WHY_NONE_YET, alone=True))
        else:
            await update.say(await self._notice(update.message, chat))

    async def memory_then(self, update: ButtonContext, button: MemoryThenButton) -> None:
        """Show the notes that were in the prompt, without what was forgotten since."""
        version = await self._memories.version(update.chat, button.version_id) if update.chat else None
        await update.acknowledge("" if version else texts.OLD_BUTTON)
        if version is None:
            await update.say(None)
            return
        made = texts.MEMORY_MADE.format(at=self._time(version.made_at))
        await update.say(update.notice(f"{made}\n\n{version.text}"))

    async def _notice(self, message: Message, chat: Chat) -> Notice:
        target = replied_to(message)
        if target is not None:
            turn = await self._history.of_message(chat.id, target.message_id)
            if turn is None or turn.role is not Role.ASSISTANT or turn.turn_id <= chat.reset_turn:
                return answer(message, texts.WHY_NOT_AN_ANSWER, alone=True)
            reply_id: int | None = turn.turn_id
        else:
            reply_id = await self._bases.last_answer(chat)
        if reply_id is None:
            return answer(message, texts.WHY_NONE_YET, alone=True)
        basis = await self._bases.of(chat, reply_id)
        if basis is None:
            return answer(message, texts.WHY_NO_RECORD, alone=True)
        return await self._explanation(message, chat, reply_id, basis)

    async def _explanation(self, message: Message, chat: Chat, reply_id: int, basis: Basis) -> Notice:
        shown = [turn for turn in basis.found if turn.shown]
        ids = {reply_id, *(turn.turn_id for turn in shown)} | ({basis.question_id} if basis.question_id else set())
        turns = {turn.turn_id: turn for turn in await self._history.of_ids(chat.id, ids)}
        parts = [self._title(turns.get(reply_id), turns.get(basis.question_id or 0))]
        recalled, looked_up = (
            [turns[found.turn_id] for found in shown if found.looked_up is wanted and found.turn_id in turns]
            for wanted in (False, True)
        )
        most = MOST_SHOWN // 2 if recalled and looked_up else MOST_SHOWN
        parts += self._found(message, texts.WHY_RECALLED, recalled, most)
        parts += self._found(message, texts.WHY_LOOKED_UP, looked_up, most)
        if not shown:
            parts.append(texts.WHY_NOTHING_RECALLED)
        parts.append("\n".join([*await self._seen(chat, reply_id, basis), *_cost(basis)]))
        buttons = [Button(texts.WHY_NOTES_THEN, MemoryThenButton(basis.notes_id).pack())] if basis.notes_id else []
        notice = answer(message, "\n\n".join(parts), buttons, alone=True)
        best = _best(message, shown, turns)
        return notice if best is None else replace(notice, reply_to=best, points=True)

    def _title(self, reply: HistoryTurn | None, question: HistoryTurn | None) -> str:
        at = self._time(reply.at if reply else 0.0)
        if question is None:
            return texts.WHY_QUESTION_GONE.format(at=at)
        words = " ".join(strip_framing(question.content).split())
        return texts.WHY.format(at=at, question=words if len(words) <= QUESTION else f"{words[:QUESTION].rstrip()}…")

    def _found(self, message: Message, title: str, turns: Sequence[HistoryTurn], most: int) -> Iterator[str]:
        """A section with the best of these turns."""
        if not turns:
            return
        yield title
        for turn in turns[:most]:
            yield hit(message, turn, "", self._zone)
        if len(turns) > most:
            yield texts.WHY_MORE.format(count=len(turns) - most)

    async def _seen(self, chat: Chat, reply_id: int, basis: Basis) -> list[str]:
        """Lines about how much of the conversation the prompt had word for word, and how long its notes were."""
        lines = []
        extent = await self._bases.extent(chat, reply_id, basis.first_turn)
        if extent.since is not None:
            lines.append(
                texts.WHY_VIEW.format(
                    messages=plural(basis.turns, texts.MESSAGES),
                    since=self._time(extent.since),
                    all=f"{grouped(MOST_COUNTED)}+"
                    if extent.turns > MOST_COUNTED
                    else grouped(max(extent.turns, basis.turns)),
                )
            )
        if basis.notes_tokens:
            lines.append(texts.WHY_NOTES.format(tokens=grouped(basis.notes_tokens)))
        return lines

    def _time(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at, self._zone):%Y-%m-%d %H:%M}"


def _cost(basis: Basis) -> Iterator[str]:
    used = basis.usage
    yield (texts.WHY_TOKENS if used.cached else texts.WHY_TOKENS_UNCACHED).format(
        input=grouped(used.input),
        fresh=grouped(used.input - used.cached),
        cached=grouped(used.cached),
        output=grouped(used.output),
    )
    if used.estimated:
        yield texts.WHY_ESTIMATED
    if basis.price is not None and basis.currency is not None:
        yield texts.WHY_PRICE.format(money=Amount(basis.price, basis.currency).exact)
    yield texts.WHY_MODEL.format(model=basis.model)


def _best(message: Message, shown: Sequence[FoundTurn], turns: dict[int, HistoryTurn]) -> int | None:
    """The ID of the message that mattered most, if messages have no links: the notice replies to it instead.

    None for ephemeral messages, which can only reply to other ephemeral messages.
    """
    best = turns.get(shown[0].turn_id) if shown else None
    if (
        best is None
        or message.message_id <= 0
        or link(message.chat, best.message_id, key_of(message).thread_id) is not None
    ):
        return None
    return best.message_id
