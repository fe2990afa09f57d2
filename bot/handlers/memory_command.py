"""``/memory``: what stands in the prompt in place of what has left it, and the buttons that change it."""

from dataclasses import dataclass

from telegram import Update

from bot.conversation.compaction import CompactionOutcome
from bot.conversation.maintenance import Maintenance
from bot.conversation.memory import MemoryEditor, MemoryView
from bot.errors import EmptyAnswer, ModelError, StreamCut
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import acknowledge, answer, edited, pressed
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.language import plural, sentence, texts
from bot.updates.parsing import place_of
from storage import Storage
from storage.questions import QuestionKind
from storage.records import Button, Chat, Notice

COMPACT, CORRECT, FORGET = "memory:compact", "memory:correct", "memory:forget"
"""The data of the buttons under a memory."""
BEFORE, BRING_BACK = "memory:before:", "memory:back:"
"""And of those that show earlier notes, and bring them back; a version's number follows, or nothing."""


@dataclass(frozen=True, slots=True)
class MemoryHandlers:
    """Shows a memory, and lets people change it."""

    storage: Storage
    notes: MemoryEditor
    upkeep: Maintenance
    endings: Cancellations
    questions: QuestionHandlers

    async def show(self, update: Update, _: object) -> None:
        """``/memory``: the very text that stands in the prompt."""
        message = update.message
        assert message is not None
        chat = await self.storage.chats.find(place_of(message))
        if chat is None:
            await self._done((update.update_id,), answer(message, texts.NOTHING_SAID, alone=True))
            return
        shown, buttons = told(await self.notes.show(chat.id)), await self._buttons(chat)
        await self._done((update.update_id,), answer(message, shown, buttons, alone=True))

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
            notice = answer(message, text, buttons, alone=True, press=query)
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
            text = texts.COMPACT_CUT if isinstance(exc, EmptyAnswer | StreamCut) else sentence(exc, "/memory")
            await self._done((update.update_id,), answer(message, text, alone=True, press=query))
            return
        if outcome is CompactionOutcome.DONE:
            notice = edited(message, told(await self.notes.show(chat.id)), await self._buttons(chat))
        else:
            void = texts.COMPACT_NOTHING if outcome is CompactionOutcome.NOTHING else texts.COMPACT_VOID
            notice = answer(message, void, alone=True, press=query)
        await self._done((update.update_id,), notice)

    async def ask_correction(self, update: Update, _: object) -> None:
        """Ask what to change; the reply comes as a message."""
        await self._ask(update, QuestionKind.CORRECT)

    async def ask_what_to_forget(self, update: Update, _: object) -> None:
        """Ask what to forget; the reply comes as a message."""
        await self._ask(update, QuestionKind.FORGET)

    async def correct(self, given: GivenAnswer) -> None:
        """Apply what a person said in answer to the question."""
        place, done, over, awaits = given.burst.place, given.burst.update_ids, True, False
        chat = await self.storage.chats.find(place)
        text = texts.NOTHING_SAID
        if chat is not None:
            try:
                over = await self.endings.until_stopped(place, self.notes.correct(chat, given.words))
                text, awaits = texts.CORRECTED if over else texts.CORRECT_AGAIN, not over
            except ModelError as exc:
                text, over = sentence(exc, "/memory"), False
            except StoppedError as exc:
                text, over, done = texts.STOPPED, False, (*done, *exc.update_ids)
        async with self.storage.transaction() as tx:
            await self.questions.took(tx, given, answer(given.burst.messages[0], text), over=over, awaits=awaits)
            await self.storage.inbox.done(tx, done)

    async def _ask(self, update: Update, kind: QuestionKind) -> None:
        query, message = pressed(update)
        await acknowledge(query, "" if message else texts.OLD_BUTTON)
        async with self.storage.transaction() as tx:
            if message is not None:
                await self.questions.ask(tx, message, query.from_user, kind, query.id)
            await self.storage.inbox.done(tx, [update.update_id])

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


def told(shown: MemoryView) -> str:
    """A memory and its numbers in words."""
    lines = [
        (texts.MEMORY_NUMBERS_NOTES if shown.memory_tokens else texts.MEMORY_NUMBERS).format(
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
