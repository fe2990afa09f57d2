"""A preview and its delivery against the sandbox's strict Bot API, new and old, with Telegram's flood limits on."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest
from telegram import Bot

from bot.outbound.content import Destination
from bot.outbound.delivery import DeliveredPart, Deliverer
from bot.outbound.flood_control import FloodControl
from bot.outbound.preview import Preview
from bot.outbound.refusals import Features
from sandbox.botapi import BotApi, Chat
from tests.outbound.documents import Document, first_seen, words
from tests.outbound.double import QUICK, SPEED
from tests.selection import first

VERSIONS = ["10.1", "10.0", "9.3", "9.2"]
DOCUMENT = Document(2, 40_000).source


@dataclass(slots=True)
class Conversation:
    """One chat on one server, and the sender that writes to it."""

    api: BotApi
    chat: Chat
    to: Destination
    begun: list[int] = field(default_factory=list)
    parts: list[DeliveredPart] = field(default_factory=list)

    async def show(self, sender: Deliverer, source: str) -> Preview:
        """Write the answer with a preview until its first text is visible, or can't be."""

        async def on_begun(message_id: int) -> None:
            self.begun.append(message_id)

        preview = sender.preview(self.to, 1, begun=None, on_begun=on_begun)
        async with preview:
            preview.thinking()
            await self.api.changed(lambda: bool(self.chat.draft or self.chat.action))
            for end in range(0, len(source), 4000):
                preview.update(source[: end + 4000])
                await asyncio.sleep(0.02)
        return preview

    async def answer(self, source: str) -> Preview:
        async def arrived(part: DeliveredPart) -> None:
            self.parts.append(part)

        loop = asyncio.get_running_loop()
        async with self.api.run() as url, Bot(self.api.token, base_url=f"{url}/bot") as bot:
            flood_control = FloodControl(lambda: loop.time() * SPEED, lambda seconds: asyncio.sleep(seconds / SPEED))
            sender = Deliverer(bot, flood_control, Features(), QUICK)
            preview = await self.show(sender, source)
            await sender.deliver(self.to, source, arrived, begun=preview.message_id)
        return preview


def conversation(version: str, *, private: bool) -> Conversation:
    api = BotApi(version=version, clock=lambda: time.monotonic() * SPEED)
    api.flood_limits = True
    user = api.user("Ada")
    chat = api.private(user) if private else api.group("All", [user])
    return Conversation(api, chat, Destination(chat.id, private))


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("version", first(VERSIONS))
async def test_reply_of_40000_characters_arrives_in_order(version: str, private: bool) -> None:
    talk = conversation(version, private=private)
    await talk.answer(DOCUMENT)
    assert first_seen(message.text for message in talk.chat.replies) == words(DOCUMENT)
    assert [message.id for message in talk.chat.replies] == [part.message_id for part in talk.parts]
    assert all(message.html is not None for message in talk.chat.replies) == (version == "10.1")
    assert all(message.html or message.entities for message in talk.chat.replies)
    refused = {call.description for call in talk.api.calls if call.code not in (200, 404, 429)}
    assert all("message is not modified" in one or "message text is empty" in one for one in refused)


@pytest.mark.parametrize(("version", "private"), [(version, True) for version in VERSIONS[:3]] + [("9.2", False)])
async def test_the_answer_is_seen_while_it_is_written(version: str, private: bool) -> None:
    talk = conversation(version, private=private)
    preview = await talk.answer("**Hello** there, " * 500)
    assert preview.shown
    assert talk.begun == ([] if private else [talk.parts[0].message_id])
