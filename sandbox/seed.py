"""The people and chats of a new sandbox, and which of them may use the bot.

The owner's private chat, the group and the forum work at once; everyone else has to ask the owner for access.
"""

from collections.abc import Mapping

from sandbox.botapi import BotApi, Chat

OWNER, STRANGER = "You", "Sam"
GROUP, GROUP_PEOPLE = "Friends", (OWNER, "Ann", "Bob")
FORUM, FORUM_PEOPLE = "Book club", (OWNER, "Ann", "Cleo")
TOPICS = ("Novels", "Poems")


def seed(telegram: BotApi) -> Mapping[str, str]:
    """Add what is missing, and leave what is there as it is. Returns the bot's settings for access."""
    owner, stranger = telegram.user(OWNER), telegram.user(STRANGER)
    telegram.private(owner)
    telegram.private(stranger)
    group = telegram.find_group(GROUP) or telegram.group(GROUP, [telegram.user(name) for name in GROUP_PEOPLE])
    forum = telegram.find_group(FORUM) or _new_forum(telegram)
    return {"ACCESS": "approval", "OWNER_IDS": str(owner.id), "ALLOWED_IDS": f"{group.id},{forum.id}"}


def _new_forum(telegram: BotApi) -> Chat:
    forum = telegram.group(FORUM, [telegram.user(name) for name in FORUM_PEOPLE], forum=True)
    for name in TOPICS:
        forum.topic(name)
    return forum
