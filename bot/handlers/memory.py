"""``/memory``: what stands in the prompt in place of what has left it, and the buttons that change it."""

from dataclasses import dataclass

from telegram import Message, Update

from bot.conversation.compaction import Outcome
from bot.conversation.notes import Notes, Shown
from bot.conversation.upkeep import Upkeep
from bot.errors import EmptyAnswer, ModelError, StreamCut
from bot.handlers.endings import Endings, StoppedError
from bot.handlers.notices import answer, edited, question
from bot.handlers.pressed import acknowledge, pressed
from bot.intake.arrival import Burst, place_of
from bot.language import plural, sentence, texts
from storage import Storage
from storage.records import Button, Chat, Notice

COMPACT, CORRECT, FORGET = "memory:compact", "memory:correct", "memory:forget"
"""The data of the buttons under a memory."""
BEFORE, BRING_BACK = "memory:before:", "memory:back:"
"""And of those that show earlier notes, and bring them back; a version's number follows, or nothing."""


@dataclass(frozen=True, slots=True)
class MemoryHandlers:
    """Shows a memory, and lets people change it."""

    storage: Storage
    notes: Notes
    upkeep: Upkeep
    endings: Endings

    async def show(self, update: Update, _: object) -> None:
        """``/memory``: the very text that stands in the prompt."""
        message = update.message
        assert message is not None
        chat = await self.storage.chats.find(place_of(message))
        if chat is None:
            await self._done((update.update_id,), answer(message, texts.NOTHING_SAID))
            return
        await self._done(
            (update.update_id,), answer(message, told(await self.notes.show(chat.id)), await self._buttons(chat))
        )

    async def show_before(self, update: Update, _: object) -> None:
        """The notes before, by what would change."""
        query, message = pressed(update)
        chat = await self.storage.chats.find(place_of(message)) if message else None
        number = (query.data or "").removeprefix(BEFORE)
        before = await self.notes.before(chat, int(number) if number else None) if chat else None
        await acknowledge(query, "" if before else texts.OLD_BUTTON)
        notice = None
        if message is not None and before is not None:
            buttons = [Button(texts.BRING_BACK, f"{BRING_BACK}{before.version_id}")]
            if before.has_older:
                buttons.append(Button(texts.STILL_EARLIER, f"{BEFORE}{before.version_id}"))
            changes = "\n".join([*(f"+ {line}" for line in before.back), *(f"✕ {line}" for line in before.gone)])
            text = texts.NOTES_BEFORE.replace("{at}", f"{before.made_at:%Y-%m-%d %H:%M}").replace("{changes}", changes)
            notice = answer(message, text, buttons)
        await self._done((update.update_id,), notice)

    async def bring_back(self, update: Update, _: object) -> None:
        """Bring earlier notes back; the message then shows them, with a button that undoes it."""
        query, message = pressed(update)
        chat = await self.storage.chats.find(place_of(message)) if message else None
        number = int((query.data or "").removeprefix(BRING_BACK) or 0)
        former = await self.notes.bring_back(chat, number) if chat else None
        await acknowledge(query, "" if former else texts.OLD_BUTTON)
        notice = None
        if message is not None and chat is not None and former is not None:
            undo = Button(texts.UNDO, f"{BRING_BACK}{former}")
            notice = edited(message, told(await self.notes.show(chat.id)), (undo,))
        await self._done((update.update_id,), notice)

    async def compact(self, update: Update, _: object) -> None:
        """Compact now; the message then shows the new memory."""
        query, message = pressed(update)
        chat = await self.storage.chats.find(place_of(message)) if message else None
        await acknowledge(query, texts.COMPACTING if chat else texts.OLD_BUTTON)
        if chat is None or message is None:
            await self._done((update.update_id,))
            return
        try:
            outcome = await self.endings.until_stopped(chat.place, self.upkeep.compact(chat.id))
        except StoppedError as exc:
            await self.upkeep.stop(chat.id)
            await self._done((update.update_id, *exc.update_ids), answer(message, texts.STOPPED))
            return
        except ModelError as exc:
            text = texts.COMPACT_CUT if isinstance(exc, EmptyAnswer | StreamCut) else sentence(exc)
            await self._done((update.update_id,), answer(message, text))
            return
        if outcome is Outcome.DONE:
            notice = edited(message, told(await self.notes.show(chat.id)), await self._buttons(chat))
        else:
            notice = answer(message, texts.COMPACT_NOTHING if outcome is Outcome.NOTHING else texts.COMPACT_VOID)
        await self._done((update.update_id,), notice)

    async def ask_correction(self, update: Update, _: object) -> None:
        """Ask what to change; the reply comes as a message."""
        await self._ask(update, texts.CORRECT_ASK)

    async def ask_what_to_forget(self, update: Update, _: object) -> None:
        """Ask what to forget; the reply comes as a message."""
        await self._ask(update, texts.FORGET_ASK)

    async def correct(self, burst: Burst) -> None:
        """Apply what a person replied to the question."""
        message = burst.messages[0]
        change = "\n".join(one.text for one in burst.messages if one.text)
        chat = await self.storage.chats.find(burst.place)
        if chat is None:
            await self._done(burst.update_ids, answer(message, texts.NOTHING_SAID))
            return
        done = burst.update_ids
        try:
            corrected = await self.endings.until_stopped(burst.place, self.notes.correct(chat, change))
            text = texts.CORRECTED if corrected else texts.CORRECT_AGAIN
        except ModelError as exc:
            text = sentence(exc)
        except StoppedError as exc:
            text, done = texts.STOPPED, (*done, *exc.update_ids)
        await self._done(done, answer(message, text))

    async def _ask(self, update: Update, text: str) -> None:
        query, message = pressed(update)
        await acknowledge(query, "" if message else texts.OLD_BUTTON)
        await self._done((update.update_id,), question(message, text, query.from_user) if message else None)

    async def _buttons(self, chat: Chat) -> tuple[Button, ...]:
        buttons = [Button(texts.COMPACT_NOW, COMPACT), Button(texts.CORRECT, CORRECT), Button(texts.FORGET, FORGET)]
        if await self.notes.before(chat) is not None:
            buttons.append(Button(texts.SHOW_BEFORE, BEFORE))
        return tuple(buttons)

    async def _done(self, update_ids: tuple[int, ...], notice: Notice | None = None) -> None:
        async with self.storage.transaction() as tx:
            if notice is not None:
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, update_ids)


def told(shown: Shown) -> str:
    """A memory and its numbers in words."""
    lines = [
        texts.MEMORY_NUMBERS.format(
            rounds=plural(shown.rounds, texts.ROUNDS),
            tokens=f"{shown.prompt_tokens:,}",
            window=f"{shown.context_window:,}",
            memory=f"{shown.memory_tokens:,}",
        )
    ]
    if shown.media:
        lines.append(texts.MEMORY_MEDIA.format(count=shown.media))
    if shown.cached_share is not None:
        lines.append(texts.MEMORY_CACHED.format(share=f"{shown.cached_share:.0%}"))
    if shown.text and shown.made_at is not None:
        lines.append(texts.MEMORY_MADE.format(at=f"{shown.made_at:%Y-%m-%d %H:%M}"))
    if shown.text and shown.spans:
        lines.append(
            texts.MEMORY_COVERS.format(spans=", ".join(f"{since} \u2013 {until}" for since, until in shown.spans))
        )
    empty = texts.MEMORY_EMPTY if shown.whole else texts.MEMORY_NONE
    form = texts.MEMORY if shown.text else empty
    return form.replace("{numbers}", " ".join(lines)).replace("{text}", shown.text)


def asked_by(message: Message, bot_id: int) -> str | None:
    """The text of our question that this message replies to."""
    replied = message.reply_to_message
    if replied is None or replied.from_user is None or replied.from_user.id != bot_id:
        return None
    return replied.text
