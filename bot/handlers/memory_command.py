"""``/memory``: shows the notes that replace older turns in the prompt, with buttons to change them."""

from bot.conversation.compaction import CompactionOutcome
from bot.conversation.maintenance import Maintenance
from bot.conversation.memory import MemoryEditor, MemoryView
from bot.errors import EmptyAnswer, ModelError, StreamCut
from bot.handlers.callbacks import (
    AskForgetButton,
    CompactButton,
    CorrectButton,
    EarlierMemoryButton,
    RestoreMemoryButton,
)
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import ButtonContext, MessageContext
from bot.handlers.notices import answer, edited
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.language import grouped, percent, plural, sentence, texts
from storage.questions import QuestionKind
from storage.records import Button, Chat


class MemoryHandlers:
    """Shows a chat's memory, and lets people change it."""

    def __init__(
        self, memory: MemoryEditor, maintenance: Maintenance, cancellations: Cancellations, questions: QuestionHandlers
    ) -> None:
        self._memory = memory
        self._maintenance = maintenance
        self._cancellations = cancellations
        self._questions = questions

    async def show(self, update: MessageContext) -> None:
        """``/memory``: the text exactly as it is in the prompt."""
        chat = update.chat
        if chat is None:
            await update.say(update.notice(texts.NOTHING_SAID, alone=True))
            return
        shown, buttons = memory_text(await self._memory.show(chat.id)), await self._buttons(chat)
        await update.say(update.notice(shown, buttons, alone=True))

    async def show_earlier(self, update: ButtonContext, button: EarlierMemoryButton) -> None:
        """Show what going back to the previous notes would change."""
        before = await self._memory.before(update.chat, button.version_id) if update.chat else None
        await update.acknowledge("" if before else texts.OLD_BUTTON)
        if before is None:
            await update.say(None)
            return
        buttons = [Button(texts.BRING_BACK, RestoreMemoryButton(before.version_id).pack())]
        if before.has_older:
            buttons.append(Button(texts.STILL_EARLIER, EarlierMemoryButton(before.version_id).pack()))
        changes = "\n".join([*(f"+ {line}" for line in before.back), *(f"✕ {line}" for line in before.gone)])
        text = texts.NOTES_BEFORE.replace("{at}", f"{before.made_at:%Y-%m-%d %H:%M}").replace("{changes}", changes)
        await update.say(update.notice(text, buttons))

    async def restore(self, update: ButtonContext, button: RestoreMemoryButton) -> None:
        """Restore earlier notes; the message then shows them, with a button to undo it."""
        chat = update.chat
        former = await self._memory.restore(chat, button.version_id) if chat else None
        await update.acknowledge("" if former else texts.OLD_BUTTON)
        if chat is None or former is None:
            await update.say(None)
            return
        undo = Button(texts.UNDO, RestoreMemoryButton(former).pack())
        await update.say(edited(update.message, memory_text(await self._memory.show(chat.id)), (undo,)))

    async def compact(self, update: ButtonContext, _: CompactButton) -> None:
        """Compact now; the message then shows the new memory."""
        chat = update.chat
        await update.acknowledge(texts.COMPACTING if chat else texts.OLD_BUTTON)
        if chat is None:
            await update.say(None)
            return
        try:
            outcome = await self._cancellations.until_stopped(chat.key, self._maintenance.compact(chat.id))
        except StoppedError as exc:
            await self._maintenance.stop(chat.id)
            await update.say(answer(update.message, texts.STOPPED), also=exc.update_ids)
            return
        except ModelError as exc:
            text = texts.COMPACT_CUT if isinstance(exc, EmptyAnswer | StreamCut) else sentence(exc, "/memory")
            await update.say(update.notice(text))
            return
        if outcome is CompactionOutcome.DONE:
            notice = edited(update.message, memory_text(await self._memory.show(chat.id)), await self._buttons(chat))
        else:
            void = texts.COMPACT_NOTHING if outcome is CompactionOutcome.NOTHING else texts.COMPACT_VOID
            notice = update.notice(void)
        await update.say(notice)

    async def ask_correction(self, update: ButtonContext, _: CorrectButton) -> None:
        """Ask what to change; the reply comes as a message."""
        await self._ask(update, QuestionKind.CORRECT)

    async def ask_what_to_forget(self, update: ButtonContext, _: AskForgetButton) -> None:
        """Ask what to forget; the reply comes as a message."""
        await self._ask(update, QuestionKind.FORGET)

    async def correct(self, update: MessageContext, given: GivenAnswer) -> None:
        """Apply a person's answer to the question what to correct."""
        chat, over, awaits = update.chat, True, False
        stopped: tuple[int, ...] = ()
        text = texts.NOTHING_SAID
        if chat is not None:
            try:
                over = await self._cancellations.until_stopped(update.key, self._memory.correct(chat, given.words))
                text, awaits = texts.CORRECTED if over else texts.CORRECT_AGAIN, not over
            except ModelError as exc:
                text, over = sentence(exc, "/memory"), False
            except StoppedError as exc:
                text, over, stopped = texts.STOPPED, False, exc.update_ids
        async with update.finish(also=stopped) as tx:
            await self._questions.answered(tx, given, update.notice(text), over=over, awaits=awaits)

    async def _ask(self, update: ButtonContext, kind: QuestionKind) -> None:
        await update.acknowledge()
        async with update.finish() as tx:
            await self._questions.ask(tx, update.message, update.query.from_user, kind, update.query.id)

    async def _buttons(self, chat: Chat) -> tuple[Button, ...]:
        data = {
            texts.COMPACT_NOW: CompactButton(),
            texts.CORRECT: CorrectButton(),
            texts.FORGET: AskForgetButton(),
        }
        buttons = [Button(label, button.pack()) for label, button in data.items()]
        if await self._memory.before(chat) is not None:
            buttons.append(Button(texts.SHOW_BEFORE, EarlierMemoryButton().pack()))
        return tuple(buttons)


def memory_text(view: MemoryView) -> str:
    """The memory with its figures, as a message."""
    lines = [
        (texts.MEMORY_NUMBERS_NOTES if view.memory_tokens else texts.MEMORY_NUMBERS).format(
            rounds=plural(view.rounds, texts.ROUNDS),
            tokens=grouped(view.prompt_tokens),
            window=grouped(view.context_window),
            memory=grouped(view.memory_tokens),
        )
    ]
    if view.media:
        lines.append(texts.MEMORY_MEDIA.format(count=view.media))
    if view.cached_share is not None:
        lines.append(texts.MEMORY_CACHED.format(share=percent(view.cached_share)))
    if view.text and view.made_at is not None:
        lines.append(texts.MEMORY_MADE.format(at=f"{view.made_at:%Y-%m-%d %H:%M}"))
    if view.text and view.spans:
        lines.append(
            texts.MEMORY_COVERS.format(spans=", ".join(f"{since} \u2013 {until}" for since, until in view.spans))
        )
    empty = texts.MEMORY_EMPTY if view.whole else texts.MEMORY_NONE
    form = texts.MEMORY if view.text else empty
    return form.replace("{numbers}", " ".join(lines)).replace("{text}", view.text)
