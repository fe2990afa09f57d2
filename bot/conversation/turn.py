"""One turn of a conversation: the model answers what the user said, and the answer is stored.

After every step the database is in a state that a restart can continue from: an answer is pending until it is stored,
and it is stored, together with its cost, before it is delivered.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from bot.conversation.answer import AnswerInFlight, AnswerPreview, StoredAnswer
from bot.conversation.attempts import AnswerAttempts
from bot.conversation.basis import basis_of, notes_of, sent_prompt_of
from bot.conversation.budget import Budget
from bot.conversation.generation import Generation
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.conversation.tokens import TokenCounter
from bot.conversation.turn_result import TurnResult, answered_by, result_of
from bot.conversation.usage_recorder import UsageRecorder
from bot.errors import KeepsakeError, ModelError
from bot.llm.request_queue import asked_by
from bot.metrics import RECALL, TURNS
from storage import Storage, Transaction, complete, until_stored
from storage.records import Chat, File, FileKind, Usage
from storage.transcript import PendingReply

VoiceNote = Callable[[bytes], Awaitable[bytes]]
"""Converts a model's speech to a voice message; raises KeepsakeError."""

log = logging.getLogger(__name__)


class Conversation:
    """Gets answers from the model, and stores their outcome."""

    def __init__(
        self,
        storage: Storage,
        *,
        attempts: AnswerAttempts,
        usage: UsageRecorder,
        budget: Budget,
        prefix: SpeakerPrefix,
        count_tokens: TokenCounter,
        bound: float,
        voice_note: VoiceNote,
        clock: Callable[[], float],
    ) -> None:
        """`bound`: see Generation; `clock` gives Unix seconds."""
        self._database = storage.database
        self._transcript, self._bases = storage.transcript, storage.bases
        self._outbox, self._inbox, self._servers = storage.outbox, storage.inbox, storage.servers
        self._usage_log, self._requests = storage.usage, storage.requests
        self._attempts = attempts
        self._usage = usage
        self._budget = budget
        self._prefix = prefix
        self._count_tokens = count_tokens
        self._bound = bound
        self._voice_note = voice_note
        self._clock = clock

    async def charge_lost(self, telegram_id: int | None = None) -> None:
        """Charge what the model was answering when the last process died; what that cost is estimated.

        `telegram_id`: only in this Telegram chat, which another process had.
        """
        async with self._database.transaction() as tx:
            for lost in await self._requests.take(tx, telegram_id):
                await self._usage.record_lost(tx, lost)

    async def begin(self, chat: Chat, pending: PendingReply, preview: Callable[[int], AnswerPreview]) -> AnswerInFlight:
        """The pending answer, as the reply begun before or as a new one; `preview` is called with the reply's id."""
        reply_id = await self._begin_reply(chat, pending)
        shows = preview(reply_id)
        generation = Generation(shows, self._bound, self._prefix)
        return AnswerInFlight(chat, pending, reply_id, preview=shows, generation=generation)

    async def answer(self, answer: AnswerInFlight) -> None:
        """Get an answer from the model, and store the outcome.

        Raises a ModelError if there is no answer. It is then still pending, and the caller informs the user.
        """
        async with answer.preview:
            await self._write(answer)
        if (
            answer.interruption is not None
        ):  # stored after the preview has ended, because only then is its message known
            await until_stored(partial(self._store, answer))

    async def _begin_reply(self, chat: Chat, pending: PendingReply) -> int:
        if pending.reply_id is not None and not pending.stale:
            return pending.reply_id
        async with self._database.transaction() as tx:
            if pending.stale:
                return await self._transcript.replace_stale_reply(tx, chat.id, self._clock(), pending)
            return await self._transcript.begin_reply(tx, chat.id, self._clock(), reply_to=pending.reply_to)

    async def _write(self, answer: AnswerInFlight) -> None:
        try:
            with asked_by(answer.chat.key.telegram_id):
                await answer.run(self._ask(answer))
        except asyncio.CancelledError:
            await complete(self._store(answer))
            raise
        except ModelError:
            await complete(until_stored(partial(self._store, answer)))
            raise
        if answer.interruption is None:
            answer.voice = await self._voice(answer.generation.audio)
            await complete(until_stored(partial(self._store, answer)))

    async def _ask(self, answer: AnswerInFlight) -> None:
        answer.user_id = answer.pending.asker
        await self._budget.check(answer.chat, answer.user_id)
        await self._attempts.write(answer)

    async def _voice(self, samples: bytes) -> File | None:
        if not samples:
            return None
        try:
            return File(FileKind.VOICE, await self._voice_note(samples))
        except KeepsakeError as exc:  # there is still the text
            log.warning("A spoken answer could not be converted to a voice message: %s", exc)
            return None

    async def _store(self, answer: AnswerInFlight) -> None:
        """Store the answer's outcome in one transaction."""
        chat_id, request = answer.chat.id, answer.request
        asks_once = request is not None and request.model.single_turn
        is_first = asks_once and not await self._usage_log.has(chat_id, answered_by(answer))
        result = result_of(answer, self._count_tokens, is_first=is_first)
        async with self._database.transaction() as tx:
            reported = await self._record_usage(tx, answer, result)
            await self._requests.end(tx, answer.reply_id)
            if result.reply is not None:
                await self._transcript.finish_reply(tx, chat_id, answer.reply_id, result.reply, reported)
            if result.partial is not None:
                await self._transcript.keep_partial(tx, answer.reply_id, result.partial)
            if result.gives_up:
                await self._transcript.give_up(tx, chat_id)
            for notice in result.notices:
                await self._outbox.add(tx, notice)
            await self._inbox.done(tx, result.update_ids)
        if answer.stored is not None:
            TURNS.labels(answer.stored.model).inc()
            RECALL.labels("hit" if answer.stored.recalled else "miss").inc()

    async def _record_usage(self, tx: Transaction, answer: AnswerInFlight, result: TurnResult) -> Usage | None:
        """Record all requests' usage, and the basis of a kept answer. Returns the reported usage of its own request."""
        chat_id, used = answer.chat.id, dict[str, Usage]()
        own: Usage | None = None
        if result.own is not None:
            recorded = await self._usage.record(tx, chat_id, result.own.request, result.own.reported, turns=1)
            own = recorded.usage
            if answer.request is not None and result.own.request.model == answer.request.model.name:
                answer.token_ratio = recorded.ratio
            used[result.own.request.model] = own
        if answer.generation.stored:
            await self._servers.add_responses(tx, chat_id, answer.generation.stored, self._clock())
        for charge in result.extra:
            more, model = await self._usage.add(tx, chat_id, charge.request, charge.reported), charge.request.model
            used[model] = used.get(model, Usage(0, 0, 0)) + more
        if own is None or answer.request is None:
            return None
        contents = answer.request.contents
        money = self._budget.money(used)
        basis = replace(
            basis_of(contents, answered_by(answer), used, money),
            sent=sent_prompt_of(answer.request, answer.shown_after, time.monotonic() - answer.begun_at),
        )
        recalled = sum(found.shown for found in basis.found)
        answer.stored = StoredAnswer(basis.model, basis.usage, money, recalled)
        asked = contents.view.window.chat
        chat = replace(asked, epoch=asked.epoch + len(contents.noted))  # only others' changes void what is recorded
        await self._bases.put(tx, chat, answer.reply_id, basis, notes_of(contents))
        return None if own.estimated else own
