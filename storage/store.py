"""The storage as the application uses it: one database, and an object for each group of tables."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from storage import old_version
from storage.access_list import AccessList
from storage.answer_rates import AnswerRates
from storage.bases import Bases
from storage.broadcasts import Broadcasts
from storage.chat_archive import ChatArchive
from storage.chats import Chats
from storage.database import Database, StorageError, Transaction
from storage.deletions import Deletions
from storage.edits import Edits
from storage.fts import FTSSearch
from storage.group_sends import GroupSends
from storage.history import History
from storage.inbox import Inbox
from storage.media_store import Media
from storage.memories import Memories
from storage.model_servers import ModelServers
from storage.outbox import Outbox
from storage.questions import Questions
from storage.read_only import open_read_only
from storage.running_requests import RunningRequests
from storage.search import Search
from storage.sqlite import SQLiteDatabase
from storage.transcript import Transcript
from storage.usage import UsageLog
from storage.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Storage:
    """All tables. Each write takes the ``Transaction`` it belongs to; each read is a statement of its own."""

    database: Database
    inbox: Inbox
    access: AccessList
    broadcasts: Broadcasts
    chats: Chats
    transcript: Transcript
    media: Media
    edits: Edits
    memories: Memories
    history: History
    search: Search
    vectors: Vectors
    bases: Bases
    deletions: Deletions
    outbox: Outbox
    group_sends: GroupSends
    questions: Questions
    usage: UsageLog
    requests: RunningRequests
    servers: ModelServers
    archive: ChatArchive
    rates: AnswerRates | None = None
    """Where several processes may use the database."""

    @classmethod
    async def open(cls, path: Path, *, keeps_old: bool = True) -> Self:
        """Open or create the database at `path`, and migrate it to this version's schema.

        A database with an older schema is copied first, unless it is a copy itself (`keeps_old` False).
        Raises NewerDatabaseError if a later version of Keepsake wrote it, and StorageError if it can't be opened.
        """
        database = await SQLiteDatabase.open(path, old_version.keep if keeps_old else None)
        return cls.of(database, FTSSearch(database))

    @classmethod
    async def connect(cls, url: str, patience: float = 60.0) -> Self:
        """Connect to a PostgreSQL database, and migrate it to this version's schema.

        `patience`: how long to wait for a server that can't be reached or written to yet, in seconds.
        Raises NewerDatabaseError if a later version of Keepsake wrote it, and StorageError if it can't be used.
        """
        from storage.postgres.postgresql import PostgresDatabase
        from storage.postgres.tsvector import PostgresSearch

        database = await PostgresDatabase.open(url, patience)
        return replace(cls.of(database, PostgresSearch(database)), rates=AnswerRates(database))

    @classmethod
    async def open_read_only(cls, path: Path) -> Self:
        """Open an existing database of this version's schema, only to read it. Raises StorageError."""
        database = await open_read_only(path)
        return cls.of(database, FTSSearch(database))

    @classmethod
    async def connect_read_only(cls, url: str) -> Self:
        """The same for a PostgreSQL database: the server refuses to write in these sessions."""
        from storage.postgres.postgresql import PostgresDatabase
        from storage.postgres.tsvector import PostgresSearch

        database = await PostgresDatabase.open_read_only(url)
        return cls.of(database, PostgresSearch(database))

    @classmethod
    def of(cls, database: Database, search: Search) -> Self:
        """All tables of an open database."""
        media, chats, usage = Media(database), Chats(database), UsageLog(database)
        return cls(
            database=database,
            inbox=Inbox(database),
            access=AccessList(database),
            broadcasts=Broadcasts(database),
            chats=chats,
            transcript=Transcript(database, media),
            media=media,
            edits=Edits(database),
            memories=Memories(database, media),
            history=History(database),
            search=search,
            vectors=Vectors(database),
            bases=Bases(database),
            deletions=Deletions(database),
            outbox=Outbox(database),
            group_sends=GroupSends(database),
            questions=Questions(database),
            usage=usage,
            requests=RunningRequests(),
            servers=ModelServers(database),
            archive=ChatArchive(database, chats, media, usage),
        )

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """The context of a transaction: everything written inside is committed, or nothing."""
        return self.database.transaction()

    async def answers(self) -> bool:
        """Whether the database can be read now."""
        try:
            await self.database.rows("SELECT 1")
        except StorageError:
            return False
        return True

    async def close(self) -> None:
        """Wait for the current transaction, then close the connections."""
        await self.database.close()
