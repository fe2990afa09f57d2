"""Answering when a content filter refuses: without the refused part, which is also left out of later prompts.

The part may be recalled text, the newest pictures, an earlier turn, or the newest message. A short request with the
newest message alone shows which: if that is refused too, the message is left out; otherwise the turns before it are
bisected, and the rest of the conversation is answered from. If no turn is refused by itself, the window is halved once,
and finally the newest message is answered alone. If the chat's instructions are refused, no message is blamed.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.conversation.answer import AnswerInFlight
from bot.conversation.media_attempts import MediaAttempts
from bot.conversation.prompt_builder import PromptBuilder, Reduction, newest
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.window import PromptWindow, WindowReader
from bot.conversation.window_fitter import WindowFitter
from bot.errors import ContentRefused, InstructionsRefused, MediaRefused, MessageRefused, ModelError
from bot.language import sentence, texts
from storage import Storage, complete
from storage.records import Chat, Notice, Turn

Ask = Callable[[], Awaitable[None]]
"""Requests the answer. Raises a ModelError."""

log = logging.getLogger(__name__)


class ContentFilterRecovery:
    """Finds what is refused, and gets an answer to the rest."""

    def __init__(
        self,
        storage: Storage,
        windows: WindowReader,
        prompts: PromptBuilder,
        attempts: MediaAttempts,
        refusals: RefusalSearch,
        fitter: WindowFitter,
    ) -> None:
        self._database = storage.database
        self._transcript, self._memories, self._outbox = storage.transcript, storage.memories, storage.outbox
        self._windows = windows
        self._prompts = prompts
        self._attempts = attempts
        self._refusals = refusals
        self._fitter = fitter

    async def answer(self, answer: AnswerInFlight, refusal: ContentRefused, ask: Ask) -> None:
        """Get an answer without the refused part. Raises MessageRefused or InstructionsRefused if there is none."""
        if await self._is_compacted_since(answer) and await self._passes(answer, ask):
            return
        if await self._passes_without_recalled(answer):
            return
        if await self._passes_without_media(answer, refusal):
            return
        view = await self._view(answer)
        asked = newest(view)
        before = [turn for turn in view.window.turns if turn not in asked]
        if (before or view.memory) and await self._may_pass(view, [turn.content for turn in asked]):
            if await self._passes_cleaned(answer, ask):
                return
            if await self._is_compacted_since(answer):  # during the search
                await self.answer(answer, refusal, ask)
                return
            await self._check_instructions(view, refusal)
            await self._fitter.halve(answer.chat.id)
            if await self._passes(answer, ask):
                return
            if await self._passes(answer, self._with(answer, Reduction.ALONE)):
                answer.left_out = [texts.EARLIER_REFUSED]
                await self._leave_out_all(answer)
                return
        await self._check_instructions(view, refusal)
        await self._leave_out_newest(answer, view, asked, refusal, ask)

    async def _is_compacted_since(self, answer: AnswerInFlight) -> bool:
        """Whether the window was compacted after it was sent; then the refused part may no longer be in it."""
        request = answer.request
        if request is None or answer.generation.goes_on:
            return False
        sent, view = request.contents.view.window, await self._view(answer)
        return sent.through_turn != view.window.through_turn

    async def _passes_without_recalled(self, answer: AnswerInFlight) -> bool:
        request = answer.request
        if request is None or (request.lasting and not answer.generation.goes_on):
            return False
        contents = request.contents
        found = {
            *contents.recalled.turn_ids,
            *contents.edited,
            *(turn_id for look in contents.looks for turn_id in look.turn_ids),
        }
        if not await self._passes(answer, self._with(answer, Reduction.RECALLED)):
            return False
        try:
            if found and await self._refusals.leave_out_recalled(contents.view, sorted(found)):
                answer.left_out.append(texts.EARLIER_REFUSED)
        except ModelError as exc:
            _stays(answer.chat, exc)
        return True

    async def _passes_without_media(self, answer: AnswerInFlight, refusal: ContentRefused) -> bool:
        if not answer.sent_media:
            return False
        left_out, passes = await self._prompts.leave_out_media(answer.chat.id), False
        try:
            passes = await self._passes(answer, self._with(answer, Reduction.RECALLED))
        finally:
            if not passes:
                await complete(self._prompts.take_back(left_out))
        if passes:
            answer.media_refusal = MediaRefused(str(refusal))
        return passes

    async def _passes_cleaned(self, answer: AnswerInFlight, ask: Ask) -> bool:
        """Whether the window passes without its refused turns."""
        answer.generation.still_trying()
        view = await self._view(answer)
        asked = newest(view)
        try:
            found = await self._refusals.leave_out(view, [turn for turn in view.window.turns if turn not in asked])
        except ModelError as exc:
            _stays(answer.chat, exc)
            return False
        if not found:
            return False
        answer.left_out.append(texts.EARLIER_REFUSED)
        return await self._passes(answer, ask)

    async def _check_instructions(self, view: PromptWindow, refusal: ContentRefused) -> None:
        if await self._may_pass(view, [self._windows.system(view.window.chat)]):
            return
        error = InstructionsRefused(str(refusal))
        error.model, error.request_id = refusal.model, refusal.request_id
        raise error

    async def _leave_out_all(self, answer: AnswerInFlight) -> None:
        """Leave out all turns before the newest message: they don't pass, however few are left."""
        view = await self._view(answer)
        asked = newest(view)
        async with self._database.transaction() as tx:
            before = [turn.id for turn in view.window.turns if turn not in asked]
            await self._transcript.leave_out(tx, answer.chat.id, before)
            if not before:
                await self._memories.take_out(tx, answer.chat.id, bool, self._windows.memory_tokens)

    async def _leave_out_newest(
        self, answer: AnswerInFlight, view: PromptWindow, asked: Sequence[Turn], refusal: ContentRefused, ask: Ask
    ) -> None:
        refused = [turn.id for turn in asked]
        if len(asked) > 1:
            try:
                refused = await self._refusals.among(view, asked) or refused
            except ModelError as exc:
                log.info(
                    "Chat %d: can't find out now which of the newest messages is refused: %s",
                    answer.chat.key.telegram_id,
                    exc,
                )
        error = MessageRefused(str(refusal))
        error.model, error.request_id, error.turn_ids = refusal.model, refusal.request_id, tuple(refused)
        if len(refused) == len(asked):
            raise error
        async with self._database.transaction() as tx:
            await self._transcript.leave_out(tx, answer.chat.id, refused, settled=True)
            await self._outbox.add(tx, Notice(answer.chat.key, answer.chat.private, sentence(error)))
        if not await self._passes(answer, ask):
            error.turn_ids = tuple(turn.id for turn in asked)
            raise error

    async def _passes(self, answer: AnswerInFlight, ask: Ask) -> bool:
        try:
            await ask()
        except ContentRefused:
            if not answer.generation.has_begun:
                return False
            answer.generation.end_by_filter()
        return True

    async def _may_pass(self, view: PromptWindow, said: Sequence[str]) -> bool:
        """Whether these words pass by themselves; also True if that can't be found out now."""
        try:
            return await self._refusals.passes(view, said)
        except ModelError as exc:
            log.info("Chat %d: can't find out now what is refused: %s", view.window.chat.key.telegram_id, exc)
            return True

    def _with(self, answer: AnswerInFlight, less: Reduction) -> Ask:
        async def ask() -> None:
            await self._attempts.ask_with_media(answer, less)

        return ask

    async def _view(self, answer: AnswerInFlight) -> PromptWindow:
        return await self._windows.view(answer.chat.id, without=answer.pending.replaces)


def _stays(chat: Chat, exc: ModelError) -> None:
    log.warning("Chat %d: the refused part could not be found, and stays for now: %s", chat.key.telegram_id, exc)
