"""What the gate decides: who, in which chat, with what the database knows of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import (
    Bot,
    CallbackQuery,
    ChatMember,
    ChatMemberLeft,
    ChatMemberMember,
    ChatMemberUpdated,
    Message,
    MessageEntity,
    Update,
    User,
)
from telegram import Chat as TelegramChat

from bot.access.access_requests import AccessRequests
from bot.access.policy import AccessPolicy, AccessRules, Owners, digest
from bot.handlers.access_gate import AccessGate, Admission
from bot.handlers.context import UpdateProgress, context_of
from bot.handlers.owners import OwnerLinkHandlers
from bot.inbound.addressing import Addressing
from bot.updates.lanes import Lanes
from bot.updates.parsing import MessageBatch
from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant
from storage.inbox import RawUpdate
from storage.records import ChatKey

NOW = 1_700_000_000.0
AT = datetime.fromtimestamp(NOW, UTC)
ME, ROBOT = User(99, "Keepsake", is_bot=True), User(98, "Robot", is_bot=True)
OWNER, FRIEND, STRANGER, ENEMY = (
    User(number, name, is_bot=False) for number, name in ((1, "Ann"), (2, "Bob"), (3, "Cleo"), (4, "Dan"))
)
KNOWN_GROUP, NEW_GROUP, BAD_GROUP = (TelegramChat(number, TelegramChat.SUPERGROUP) for number in (-1, -2, -3))
CODE = "a-code-of-an-owner-link"
DECIDED = {2: AccessStatus.ALLOWED, 4: AccessStatus.BLOCKED, -1: AccessStatus.ALLOWED, -3: AccessStatus.BLOCKED}


def _home(user: User) -> TelegramChat:
    return TelegramChat(user.id, TelegramChat.PRIVATE)


def _message(user: User, chat: TelegramChat | None = None, text: str = "hello", **more: Any) -> Message:
    entities = [MessageEntity(MessageEntity.BOT_COMMAND, 0, len(text.split()[0]))] if text.startswith("/") else ()
    message = Message(7, AT, chat or _home(user), from_user=user, text=text, entities=entities, **more)
    message.set_bot(Bot("1:x"))
    return message


def _said(user: User, chat: TelegramChat | None = None) -> MessageBatch:
    message = _message(user, chat)
    return MessageBatch(ChatKey(message.chat.id), (message,), (1,))


def _sent(user: User, chat: TelegramChat | None = None, text: str = "/help", **more: Any) -> Update:
    return Update(1, message=_message(user, chat, text, **more))


def _pressed(user: User, data: str) -> Update:
    under = Message(8, AT, _home(user), from_user=ME)
    return Update(1, callback_query=CallbackQuery("1", user, "1", under, data))


def _joined(user: User, chat: TelegramChat) -> Update:
    change = ChatMemberUpdated(chat, user, AT, ChatMemberLeft(ME), ChatMemberMember(ME))
    return Update(1, my_chat_member=change)


def _removed(user: User, chat: TelegramChat) -> Update:
    change = ChatMemberUpdated(chat, user, AT, ChatMemberMember(ME), ChatMemberLeft(ME))
    assert change.new_chat_member.status == ChatMember.LEFT
    return Update(1, my_chat_member=change)


CASES: dict[str, tuple[Update | MessageBatch, dict[str, Admission]]] = {
    "an owner": (_said(OWNER), dict.fromkeys(("approval", "list", "open"), Admission.PASS)),
    "a friend": (_said(FRIEND), {"approval": Admission.PASS, "list": Admission.TURN_AWAY, "open": Admission.PASS}),
    "a stranger": (
        _said(STRANGER),
        {"approval": Admission.TURN_AWAY, "list": Admission.TURN_AWAY, "open": Admission.PASS},
    ),
    "a stranger's command": (
        _sent(STRANGER),
        {"approval": Admission.TURN_AWAY, "list": Admission.TURN_AWAY, "open": Admission.PASS},
    ),
    "a blocked person": (_said(ENEMY), dict.fromkeys(("approval", "list", "open"), Admission.DROP)),
    "a stranger in a group with access": (
        _said(STRANGER, KNOWN_GROUP),
        {"approval": Admission.PASS, "list": Admission.TURN_AWAY, "open": Admission.PASS},
    ),
    "a friend in a new group": (_said(FRIEND, NEW_GROUP), {"approval": Admission.TURN_AWAY}),
    "a blocked person in a group": (_said(ENEMY, KNOWN_GROUP), {"approval": Admission.DROP}),
    "an owner in a blocked group": (
        _said(OWNER, BAD_GROUP),
        dict.fromkeys(("approval", "list", "open"), Admission.LEAVE_GROUP),
    ),
    "a bot's command": (_sent(ROBOT, KNOWN_GROUP), {"approval": Admission.DROP, "open": Admission.DROP}),
    "a group that moves": (
        _sent(ENEMY, BAD_GROUP, "", migrate_to_chat_id=-1007),
        dict.fromkeys(("approval", "list", "open"), Admission.PASS),
    ),
    "removed by a blocked person": (_removed(ENEMY, BAD_GROUP), {"approval": Admission.PASS}),
    "brought by an owner": (_joined(OWNER, BAD_GROUP), {"approval": Admission.APPROVE_GROUP}),
    "brought by a friend": (_joined(FRIEND, NEW_GROUP), {"approval": Admission.TURN_AWAY}),
    "brought by a blocked person": (_joined(ENEMY, NEW_GROUP), {"approval": Admission.DROP}),
    "brought into a known group by a blocked person": (_joined(ENEMY, KNOWN_GROUP), {"approval": Admission.PASS}),
    "brought into a blocked group": (_joined(FRIEND, BAD_GROUP), {"approval": Admission.LEAVE_GROUP}),
    "an owner link": (
        _sent(STRANGER, text=f"/start {CODE}"),
        {"approval": Admission.CLAIM, "list": Admission.TURN_AWAY, "open": Admission.CLAIM},
    ),
    "an owner link from a blocked person": (_sent(ENEMY, text=f"/start {CODE}"), {"approval": Admission.DROP}),
    "a wrong code": (_sent(STRANGER, text="/start another"), {"approval": Admission.TURN_AWAY}),
    "a stranger's answer to a request": (_pressed(STRANGER, "access:allow:1"), {"approval": Admission.PASS}),
    "a stranger's other press": (_pressed(STRANGER, "retry:1"), {"approval": Admission.TURN_AWAY}),
    "a channel's post": (
        Update(1, channel_post=_message(OWNER, TelegramChat(-9, TelegramChat.CHANNEL))),
        {"approval": Admission.DROP, "open": Admission.DROP},
    ),
    "a draft that is stopped": (
        Update(1, api_kwargs={"stopped_message_generation": {"chat": {"id": 3}, "draft_id": 5}}),
        {"approval": Admission.PASS},
    ),
}


async def _gate(storage: Storage, mode: str) -> AccessGate:
    rules = AccessRules(mode, frozenset({OWNER.id}))
    owners = Owners(storage.access, rules)
    requests = AccessRequests(storage.access, storage.chats, storage.outbox, owners, lambda: NOW)
    lanes = Lanes()
    claims = OwnerLinkHandlers(storage.database, storage.access, requests, owners, lanes, lambda: NOW)
    async with storage.transaction() as tx:
        for number, status in DECIDED.items():
            await storage.access.put(tx, Applicant(number), status, SHELL, NOW)
        await storage.access.add_link(tx, digest(CODE), NOW, NOW + 60.0)
    addressing = Addressing(ME.id, "keepsake_bot", "Keepsake", always=False)
    return AccessGate(storage, addressing, AccessPolicy(storage.access, rules), owners, requests, claims, lanes)


@pytest.mark.parametrize("mode", ["approval", "list", "open"])
async def test_the_gate_decides(storage: Storage, mode: str) -> None:
    """One database for all cases: deciding writes nothing."""
    gate = await _gate(storage, mode)
    wanted = {name: by_mode[mode] for name, (_, by_mode) in CASES.items() if mode in by_mode}
    assert {name: await gate.decide(CASES[name][0]) for name in wanted} == wanted


async def test_stranger_to_the_list_is_refused_once(storage: Storage) -> None:
    gate = await _gate(storage, "list")
    for number in range(5):
        for subject in (_sent(STRANGER), _sent(STRANGER, NEW_GROUP), _sent(User(5, "Eva", is_bot=False))):
            async with storage.transaction() as tx:
                await storage.inbox.add(tx, [RawUpdate(number + 1, "{}")], NOW)
            update = await context_of(subject, UpdateProgress(storage))
            assert not await gate.admits(update, subject)
    told = [len(await storage.outbox.notices(ChatKey(chat))) for chat in (STRANGER.id, NEW_GROUP.id, 5)]
    assert told == [1, 1, 1]
