"""Owners and those who would like to be let in, as tests play them."""

import asyncio
import re
import time

from sandbox.botapi import Chat, Message, User
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage

BOT = {"id": 123456, "is_bot": True, "first_name": "Keepsake", "username": "keepsake_sandbox_bot"}
LINK = re.compile(r"https://t\.me/keepsake_sandbox_bot\?start=([A-Za-z0-9_-]+)")


def codes(log: str) -> list[str]:
    """What the links in a log say."""
    return LINK.findall(log)


async def claim(stage: Stage, code: str) -> None:
    """Ann opens the link."""
    before = len(stage.home.replies)
    await stage.ann.say(stage.home, f"/start {code}")
    await stage.replies(before + 1)


async def asked(stage: Stage, owner: Chat, count: int = 1) -> Message:
    """The newest of the owner's so many requests with buttons."""
    found: list[Message] = []

    def there(chat: Chat) -> bool:
        found[:] = [message for message in chat.replies if message.buttons]
        return len(found) >= count

    await owner.wait(there, PATIENCE_S)
    return found[-1]


async def pressed(stage: Stage, who: User, message: Message, label: str) -> str:
    """What Telegram shows above the chat when somebody presses a button."""
    number = await who.press(message, label)
    call = await stage.telegram.wait_call(
        "answerCallbackQuery", lambda call: call.params["callback_query_id"] == number, PATIENCE_S
    )
    return str(call.params.get("text", ""))


async def handled(stage: Stage) -> None:
    """Wait until the bot has taken, and dealt with, all that was sent to it."""
    await stage.fetched()
    while query(stage, "SELECT 1 FROM inbox WHERE state = 'new'"):  # noqa: ASYNC110 - it shows in the database only
        await asyncio.sleep(0.02)


def query(stage: Stage, sql: str) -> list[tuple[object, ...]]:
    """Rows of the bot's database; a change is made too."""
    return tables.read(stage, sql)


def dump(stage: Stage) -> str:
    """All that the bot's database holds."""
    return tables.dump(stage)


def membership(stage: Stage, by: User, chat: Chat, before: str, after: str) -> None:
    """Somebody changes what the bot is in a group."""
    change = {
        "chat": {"id": chat.id, "type": "supergroup", "title": chat.title},
        "from": {"id": by.id, "is_bot": False, "first_name": by.name, "language_code": "en"},
        "date": int(time.time()),
        "old_chat_member": {"status": before, "user": BOT},
        "new_chat_member": {"status": after, "user": BOT},
    }
    stage.telegram.push_update({"my_chat_member": change})


async def stale_press(stage: Stage, who: User, message: Message, answer: str) -> str:
    """What is shown when somebody presses a button that their app still shows, although the message has none now."""
    number = f"stale-{len(stage.telegram.calls)}"
    data = next(button.data for button in message.buttons if button.data and f":{answer}:" in button.data)
    sender = {"id": who.id, "is_bot": False, "first_name": who.name, "language_code": "en"}
    stage.telegram.push_update(
        {
            "callback_query": {
                "id": number,
                "from": sender,
                "chat_instance": "1",
                "data": data,
                "message": {
                    "message_id": message.id,
                    "date": int(time.time()),
                    "chat": {"id": message.chat_id, "type": "private", "first_name": who.name},
                    "from": BOT,
                    "text": message.text,
                },
            }
        }
    )
    call = await stage.telegram.wait_call(
        "answerCallbackQuery", lambda call: call.params["callback_query_id"] == number, PATIENCE_S
    )
    return str(call.params.get("text", ""))
