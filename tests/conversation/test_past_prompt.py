"""A prompt built again says how it compares with the one that was sent."""

from dataclasses import replace
from datetime import UTC

import pytest

from bot.conversation.past_prompt import Fidelity, PastPrompt, PastPrompts
from bot.conversation.prompt import PromptParts, assemble, digest
from bot.conversation.tokens import estimate
from storage import Storage
from storage.bases import Basis
from storage.memories import Memory
from storage.records import Chat, ChatKey, MediaKind, NewMedium, NewReply, NewTurn, Usage
from storage.sent_prompts import SentPrompt

SENT = SentPrompt(None, "You are a cook.", 3, 1, 0, (), 900, 400, 800, 8192, 0.5, 1.5)
NOTES = "- Ann sails."


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    """Three pictures with words, and the answer to the last."""
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(1001), private=True, now=1.0)
        for number in range(3):
            media = (NewMedium(MediaKind.IMAGE, bytes([number]), "image/png", 10),)
            turn = NewTurn(f"picture {number}", "\n", 5, message_id=number, sender_id=5, media=media)
            await storage.transcript.append(tx, chat.id, [turn], now=1.0)
        reply_id = await storage.transcript.begin_reply(tx, chat.id, 2.0, reply_to=2)
        await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("Nice.", 1), Usage(900, 0, 1))
        await storage.memories.put(tx, chat, Memory(0, NOTES, 9, 3.0))
    return chat


async def built(storage: Storage, chat: Chat, sent: SentPrompt | None, notes: str = "") -> PastPrompt:
    async with storage.transaction() as tx:
        basis = Basis(3, 1, 3, 0, "m", Usage(900, 0, 1), sent=sent)
        await storage.bases.put(tx, chat, 4, basis, notes)
    read = await storage.bases.of(chat, 4)
    assert read is not None
    return await PastPrompts(storage, "You are the default.", estimate, UTC).of(chat, 4, read)


async def test_newest_pictures_are_those_that_were_sent(storage: Storage, chat: Chat) -> None:
    past = await built(storage, chat, SENT)
    assert [len(turn.media) for turn in past.parts.turns] == [0, 0, 1]
    assert past.parts.system == "You are a cook."
    assert past.fidelity is Fidelity.CHANGED


async def test_digest_tells_same_from_other(storage: Storage, chat: Chat) -> None:
    turns = (await storage.memories.window(chat.id)).turns
    shown = [replace(turn, media=turn.media if turn.id == 3 else ()) for turn in turns[:3]]
    right = digest(assemble(PromptParts("You are a cook.", NOTES, shown)), [shown[-1].media[0].hash])
    past = await built(storage, chat, replace(SENT, digest=right), NOTES)
    assert past.fidelity is Fidelity.EXACT
    assert past.notes is not None
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM bases")
    assert (await built(storage, chat, replace(SENT, digest="f" * 64))).fidelity is Fidelity.OTHER


async def test_older_records_are_built_from_settings(storage: Storage, chat: Chat) -> None:
    past = await built(storage, chat, None)
    assert past.fidelity is Fidelity.UNKNOWN
    assert past.parts.system == "You are the default."
    assert [turn.id for turn in past.parts.turns] == [1, 2, 3]
