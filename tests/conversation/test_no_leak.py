"""Whatever two chats say, in the same words or not, neither finds a turn of the other."""

import asyncio
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from storage import Storage
from tests.conversation.conftest import open_chat

WORDS = st.sampled_from(
    ["zebra", "zebras", "moth", "tag", "own", "qzbqz", "NOT", "猫", "医院", "Ann", "November", '"', "*", "?"]
)
TEXT = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
SAID = st.lists(st.tuples(st.integers(0, 2), TEXT), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None, database=None)
@given(SAID, TEXT, st.integers(0, 12), st.integers(1, 14))
def test_chat_finds_only_its_turns_in_range(
    first_database: Path, said: list[tuple[int, str]], asked: str, after: int, before: int
) -> None:
    asyncio.run(_find_everywhere(first_database, said, asked, after, before))


async def _find_everywhere(
    first_database: Path, said: list[tuple[int, str]], asked: str, after: int, before: int
) -> None:
    with TemporaryDirectory() as folder:
        storage = await Storage.open(Path(copy(first_database, folder)))
        try:
            chats = [await open_chat(storage, number) for number in (1, 11, -1)]
            own: list[set[int]] = [set(), set(), set()]
            for chat, text in said:
                own[chat].add(await chats[chat].say(text))
            for history, ids in zip(chats, own, strict=True):
                await history.index()
                recalled = await history.find(f"{asked}?", after=after, before=before)
                assert set(recalled.turn_ids) <= {one for one in ids if after < one < before}
                assert set(await history.search(asked, after=after)) <= {one for one in ids if after < one}
        finally:
            await storage.close()
