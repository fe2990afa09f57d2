"""One turn of a conversation: what the user said is stored, the model answers, and the answer is stored.

Every step leaves the database in a state from which a restart goes on: an answer is owed until it is stored, and it is
stored, with what it cost, before it is delivered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.conversation.answer import Answer, basis_of, notes_of
from bot.conversation.attempts import AnswerAttempts
from bot.conversation.budget import Budget
from bot.conversation.generation import AnswerHandle, Generation, Interruption, PreviewSink, SpeakerPrefix
from bot.conversation.incoming_message import CONTINUE
from bot.conversation.prompt_builder import Request
from bot.conversation.tokens import TokenCounter
from bot.conversation.usage_recorder import CountedRequest, UsageRecorder
from bot.errors import KeepsakeError, ModelError
from bot.language import sentence, texts
from bot.llm.request_queue import asked_by
from bot.llm.stream_events import Finish
from storage import Storage, Transaction, complete, until_stored
from storage.records import Button, Chat, File, FileKind, NewReply, Notice, Usage
from storage.transcript import PendingReply

MOST_THOUGHTS = 4000
"""Characters of what the model thought that are shown: what fits into one message."""
VoiceNote = Callable[[bytes], Awaitable[bytes]]
"""Makes a voice message of what a model spoke; raises KeepsakeError."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The engine over the storage and a model; `clock` gives Unix seconds."""

    storage: Storage
    attempts: AnswerAttempts
    ledger: UsageRecorder
    budget: Budget
    heads: SpeakerPrefix
    count_tokens: TokenCounter
    bound: float
    voice_note: VoiceNote
    clock: Callable[[], float]

    async def begin(self, chat: Chat, owed: PendingReply) -> int:
        """The id of the reply that is to be written: the one begun before, or a new one."""
        if owed.reply_id is not None and not owed.stale:
            return owed.reply_id
        async with self.storage.transaction() as tx:
            if owed.stale:
                return await self.storage.transcript.begin_anew(tx, chat.id, self.clock(), owed)
            return await self.storage.transcript.begin_reply(tx, chat.id, self.clock(), reply_to=owed.reply_to)

    async def answer(
        self, chat: Chat, owed: PendingReply, reply_id: int, show: PreviewSink, control: AnswerHandle
    ) -> Answer:
        """Let the model answer. What it says is stored, unless `control` ended it: then `end` is to be called.

        Raises a ModelError when there is no answer; it is still owed then, and the caller says so to the user.
        """
        answer = Answer(Generation(show, self.bound, self.heads))
        try:
            with asked_by(chat.place.telegram_id):
                await control.run(self._write(chat, owed, answer))
        except asyncio.CancelledError:
            await complete(self._keep_partial(chat, reply_id, answer))
            raise
        except ModelError:
            await complete(until_stored(partial(self._book_unused, chat, answer)))
            raise
        if control.ending is None:
            answer.voice = await self._voice(answer.draft.audio)
            await complete(until_stored(partial(self._store, chat, reply_id, answer)))
        return answer

    async def end(self, chat: Chat, reply_id: int, answer: Answer, control: AnswerHandle, shown_in: int | None) -> None:
        """Store what became of an answer that was ended; `shown_in` is the message that shows its beginning.

        A stopped one stands as far as it got. One that goes on is still owed, and the next turn begins it anew.
        """
        async with self.storage.transaction() as tx:
            if control.ending is Interruption.STOPPED and answer.draft.text.strip():
                await self._store_reply(tx, chat, reply_id, answer)
            else:
                await self._add_unused(tx, chat, answer)
            if control.ending is Interruption.STOPPED and not answer.draft.text.strip():
                await self.storage.transcript.give_up(tx, chat.id)
                notice = Notice(chat.place, chat.private, texts.STOPPED, edits=shown_in)
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, control.update_ids)

    async def _write(self, chat: Chat, owed: PendingReply, answer: Answer) -> None:
        answer.user_id = await self.storage.edits.asker(chat.id)
        await self.budget.check(chat, answer.user_id)
        await self.attempts.write(chat, owed, answer)

    async def _voice(self, samples: bytes) -> File | None:
        if not samples:
            return None
        try:
            return File(FileKind.VOICE, await self.voice_note(samples))
        except KeepsakeError as exc:  # the words are there all the same
            log.warning("A spoken answer could not be made a voice message: %s", exc)
            return None

    async def _store(self, chat: Chat, reply_id: int, answer: Answer) -> None:
        async with self.storage.transaction() as tx:
            await self._store_reply(tx, chat, reply_id, answer)

    async def _store_reply(self, tx: Transaction, chat: Chat, reply_id: int, answer: Answer) -> None:
        draft, request = answer.draft, answer.request
        usage = None
        if request is not None:
            usage = await self._book(tx, chat, reply_id, request, answer)
        reply = NewReply(draft.text, self.count_tokens(draft.text), bool(request and request.marked))
        await self.storage.transcript.finish_reply(tx, chat.id, reply_id, reply, usage)
        await self._tell_besides(tx, chat, reply_id, answer)

    async def _book(self, tx: Transaction, chat: Chat, reply_id: int, request: Request, answer: Answer) -> Usage | None:
        """Book what an answer cost, and record what it was based on; returns what the server reported of it."""
        own = answer.draft.own_request
        name = own.switched.model if own.switched else request.model.name
        if request.model.single_turn and not await self.storage.usage.has(chat.id, name):
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, texts.ONE_AT_A_TIME))
        said = self.count_tokens(own.text + own.reasoning)
        counted = round(request.counted * (own.switched.share if own.switched else 1.0))
        asked = CountedRequest(name, counted, said, answer.user_id)
        usage = await self.ledger.book(tx, chat.id, asked, own.usage, turns=1)
        used = {name: usage}
        for model, more in await self._add_beside(tx, chat, answer):
            used[model] = used.get(model, Usage(0, 0, 0)) + more
        basis = basis_of(request.contents, name, used, self.budget.money(used))
        now = request.contents.view.window.chat
        await self.storage.bases.put(tx, now, reply_id, basis, notes_of(request.contents))
        return None if usage.estimated else usage

    async def _tell_besides(self, tx: Transaction, chat: Chat, reply_id: int, answer: Answer) -> None:
        """What there is to say besides the answer."""
        draft = answer.draft
        if chat.choices.show_thinking and draft.reasoning.strip():
            thought = draft.reasoning.strip()[:MOST_THOUGHTS]
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, thought, quote=True))
        if answer.voice is not None:
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, "", file=answer.voice))
        if draft.switched is not None:
            text = texts.BY_FALLBACK.format(model=draft.switched.model)
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, text))
        if answer.unsensed is not None:
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, sentence(answer.unsensed)))
        for told in answer.left_out:
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, told))
        cut = {Finish.LENGTH: texts.CUT_BY_LENGTH, Finish.FILTER: texts.CUT_BY_FILTER}.get(draft.finish or Finish.STOP)
        if cut is not None:
            go_on = (Button(texts.CONTINUE, f"{CONTINUE}{reply_id}"),) if draft.finish is Finish.LENGTH else ()
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, cut, buttons=go_on))

    async def _keep_partial(self, chat: Chat, reply_id: int, answer: Answer) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.transcript.keep_partial(tx, reply_id, answer.draft.text)
            await self._add_unused(tx, chat, answer)

    async def _book_unused(self, chat: Chat, answer: Answer) -> None:
        async with self.storage.transaction() as tx:
            await self._add_unused(tx, chat, answer)

    async def _add_unused(self, tx: Transaction, chat: Chat, answer: Answer) -> None:
        """What an answer cost that is not kept; an estimate, where something was said and the server told nothing."""
        answer.draft.abandon()
        await self._add_beside(tx, chat, answer)

    async def _add_beside(self, tx: Transaction, chat: Chat, answer: Answer) -> list[tuple[str, Usage]]:
        await self.storage.kept_responses.add(tx, chat.id, answer.draft.stored, self.clock())
        used: list[tuple[str, Usage]] = []
        if answer.request is None:
            return used
        for more in answer.draft.extra_requests(answer.request.counted, self.count_tokens):
            model = more.by(answer.request.model.name)
            asked = CountedRequest(model, more.counted, more.said, answer.user_id)
            used.append((model, await self.ledger.add(tx, chat.id, asked, more.usage)))
        return used
