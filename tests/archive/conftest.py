"""A database with all kinds of rows, and what is compared of two of them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from datetime import UTC, date
from pathlib import Path

import pytest

from bot.archive.export import Exporter
from bot.archive.importing import Importer, ImportOptions, put
from bot.conversation.tokens import estimate
from storage import Storage
from storage.memories import Memory
from storage.records import ChatKey, ChatSettings, MediaKind, NewMedium, NewReply, NewTurn, Usage
from storage.sqlite import SQLiteDatabase
from tests.conftest import ON_POSTGRES, SQLITE, open_database
from tests.storage.test_chats import all_chosen

HOME, GROUP, TOPIC = ChatKey(1001), ChatKey(-1001), ChatKey(-1001, 7)
NOW = 1_795_000_000.123456
CHOICES = all_chosen()
PICTURE, SOUND = b"\x89PNG\r\n\x1a\n one", b"RIFF two"
MEDIA = (NewMedium(MediaKind.IMAGE, PICTURE, "image/png", 70), NewMedium(MediaKind.AUDIO, SOUND, "wav", 25))

ROWS = {
    "chats": "SELECT telegram_id, thread_id, direct, private, created_at, stamped_at, heard_language, gone, greeted, "
    + ", ".join(field.name for field in fields(ChatSettings))
    + " FROM chats ORDER BY telegram_id, thread_id",
    "turns": "SELECT telegram_id, thread_id, role, state, content, glue, sender_id, speaker, tokens, said_at,"
    " turns.created_at, asked, from_bot, refused, reply_to, marked, input_tokens, cached_tokens, output_tokens"
    " FROM turns JOIN chats ON chats.id = chat_id AND turns.id > reset_turn AND state != 'streaming'"
    " ORDER BY telegram_id, thread_id, turns.id",
    "turn_messages": "SELECT content, message_id, delivered_end FROM turn_messages JOIN turns ON turns.id = turn_id"
    " JOIN chats ON chats.id = chat_id AND turns.id > reset_turn ORDER BY telegram_id, thread_id, turns.id, message_id",
    "turn_media": "SELECT content, position, hash, kind, format, turn_media.tokens, turn_media.refused FROM turn_media"
    " JOIN turns ON turns.id = turn_id JOIN chats ON chats.id = chat_id AND turns.id > reset_turn"
    " ORDER BY telegram_id, thread_id, turns.id, position",
    "media": "SELECT hash, bytes FROM media ORDER BY hash",
    "memories": "SELECT telegram_id, text, tokens, made_at, (SELECT count(*) FROM turns WHERE turns.chat_id = chats.id"
    " AND turns.id > chats.reset_turn AND turns.id <= through_turn) AS covers"
    " FROM memories JOIN chats ON chats.id = chat_id AND memories.reset_turn = chats.reset_turn ORDER BY telegram_id",
    "speakers": "SELECT telegram_id, folded, name, shown, sender_id FROM speakers JOIN chats ON chats.id = chat_id"
    " ORDER BY telegram_id, folded",
    "usage": "SELECT telegram_id, day, usage.model, requests, turns, input_tokens, cached_tokens, output_tokens,"
    " written_tokens, reasoning_tokens, audio_tokens, image_tokens, estimated"
    " FROM usage JOIN chats ON chats.id = chat_id ORDER BY telegram_id, day, usage.model",
}
"""What a round trip has to keep; ids of rows are other ones in another database."""


@pytest.fixture
async def other(request: pytest.FixtureRequest, first_database: Path, tmp_path: Path) -> AsyncIterator[Storage]:
    """Another database, in which something was said before: its ids are other ones."""
    async with AsyncExitStack() as stack:
        if ON_POSTGRES:
            url = await stack.enter_async_context(request.getfixturevalue("postgres").new())
        else:
            url = f"{SQLITE}{shutil.copyfile(first_database, tmp_path / 'other.db')}"
        yield await stack.enter_async_context(_with_other_ids(url))


@asynccontextmanager
async def _with_other_ids(url: str) -> AsyncIterator[Storage]:
    opened = await open_database(url)
    async with opened.transaction() as tx:
        chat = await opened.chats.ensure(tx, ChatKey(5), private=True, now=NOW)
        await opened.transcript.append(tx, chat.id, [turn("before", 1)], NOW)
        await tx.execute("DELETE FROM turns")
        await tx.execute("DELETE FROM chats")
    yield opened
    await opened.close()


def turn(
    content: str, message_id: int, *, sender: int = 42, separator: str = "\n\n", media: tuple[NewMedium, ...] = ()
) -> NewTurn:
    said_at = NOW + message_id + 0.000001
    return NewTurn(content, separator, estimate(content), message_id, sender, f"Ann {sender}", said_at, media=media)


async def fill(storage: Storage) -> None:
    """Conversations with everything in them that can be in one."""
    async with storage.transaction() as tx:
        if isinstance(storage.database, SQLiteDatabase):
            await tx.execute("UPDATE sqlite_sequence SET seq = 900 WHERE name = 'turns'")
        else:
            await tx.execute("SELECT setval(pg_get_serial_sequence('turns', 'id'), 900)")
    await _home(storage)
    async with storage.transaction() as tx:
        group = await storage.chats.ensure(tx, GROUP, private=False, now=NOW - 3)
        for sender, shown in ((42, "Ann"), (43, "Ann"), (44, "Ünal \u202e 漢字")):
            await storage.chats.speaker_name(tx, group.id, sender, shown)
        await storage.transcript.append(tx, group.id, [turn("Ann: overheard", 5)], NOW, asked=False)
        await storage.chats.heard(tx, group.id, "zh-hans")
        await tx.execute("UPDATE chats SET gone = 1, greeted = 1, stamped_at = ? WHERE id = ?", (NOW, group.id))
        topic = await storage.chats.ensure(tx, TOPIC, private=False, now=NOW)
        await storage.transcript.append(tx, topic.id, [turn("Bo: waits", 6, media=MEDIA[:1])], NOW)


async def _home(storage: Storage) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=NOW - 5)
        await storage.chats.choose(tx, chat.id, CHOICES)
        await storage.transcript.append(tx, chat.id, [turn("was reset", 1)], NOW)
        await storage.deletions.reset(tx, chat.id, NOW)
        said = [turn('a "b" \\ 漢 👋\u2028', 2, media=MEDIA), turn("c", 3, separator=""), turn("", 4, media=MEDIA[1:])]
        await storage.transcript.append(tx, chat.id, said, NOW)
        reply = await storage.transcript.begin_reply(tx, chat.id, NOW + 1.5, reply_to=3)
        answer = NewReply("**yes**", 3, marked=True)
        await storage.transcript.finish_reply(tx, chat.id, reply, answer, Usage(900, 800, 7))
        await storage.outbox.part_delivered(tx, reply, 8, 4)
        await storage.usage.record(tx, chat.id, date(2026, 11, 23), "big", Usage(900, 800, 7, 60, 5, 4, 3, 1))
        await storage.transcript.append(tx, chat.id, [turn("and?", 9)], NOW)
        await tx.execute("UPDATE turn_media SET refused = 1 WHERE kind = 'audio'")
        await tx.execute("UPDATE turns SET refused = 1 WHERE id = (SELECT max(id) FROM turns WHERE role = 'user')")
    found = await storage.chats.find(HOME)
    assert found is not None
    async with storage.transaction() as tx:
        await storage.memories.put(tx, found, Memory(reply, "Ann knows «b».\n- one", 9, NOW + 3))


async def rows(storage: Storage) -> dict[str, list[dict[str, object]]]:
    """What is compared, with times to the microsecond."""
    return {
        name: [
            {column: round(one, 6) if isinstance(one, float) else one for column, one in dict(row).items()}
            for row in await storage.database.rows(sql)
        ]
        for name, sql in ROWS.items()
    }


async def exported(storage: Storage) -> str:
    return "".join([piece async for piece in Exporter(storage.archive, storage.media).everything()])


async def imported(storage: Storage, text: str, folder: Path, wish: ImportOptions | None = None) -> None:
    file = folder / "import.json"
    file.write_text(text, encoding="utf-8")
    await put(storage, Importer(estimate, UTC).read(file, wish or ImportOptions()), NOW)
