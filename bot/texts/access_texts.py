"""Texts about access, for applicants and owners."""

STRANGER = (
    "Hi. This bot only talks to people on its list. Your ID is {user_id}. "
    "If this is your bot, add that to ALLOWED_IDS and restart it."
)
STRANGE_GROUP = (
    "Hi. This bot only talks in chats on its list. This chat's ID is {chat_id}. "
    "The bot's operator can add it to ALLOWED_IDS."
)
ACCESS_ASKED = "Hi. I've asked my owner whether I may talk to you. I'll let you know."
GROUP_ACCESS_ASKED = "Hi. I've asked my owner whether I may talk in this group. I'll let you know."
NO_OWNER_YET = "Hi. I don't have an owner yet who could let you in. If this is your bot, open the link in its log."
LET_IN = "My owner said yes. You can write to me now."
GROUP_LET_IN = (
    "My owner said yes, so I can talk in this group now. Mention me, reply to me, or start a message with my name. "
    "/help shows what I can do, /privacy what I store."
)
TURNED_AWAY = "I'm sorry, my owner said no. You can ask again in {days}."
REQUEST_PERSON = "Someone would like to talk to me.\n\nName: {name}\nUsername: {username}\nID: {id}"
REQUEST_GROUP = "May I talk in this group?\n\nTitle: {name}\nAdded by: {by}\nID: {id}"
NO_USERNAME, NOBODY_KNOWN = "none", "I don't know"
ALLOW, DENY, BLOCK = "Allow", "Deny", "Block"
ALLOWED_BY, DENIED_BY, BLOCKED_BY = "allowed by {name}", "denied by {name}", "blocked by {name}"
STILL_ASKING = "not yet"
DECIDED, ALREADY_DECIDED = "Decided: {decision}.", "Already decided: {decision}."
THE_SHELL = "the bot's operator"
ONLY_OWNERS = "Only an owner of this bot can do that."
OWNER_NOW = (
    "Welcome. You're an owner of this bot now. I'll ask you when someone new wants to talk to me. /users shows who has "
    "access, and /help lists your other commands."
)
OWNER_LINK_USED = "That link has already been used, and it only works once."
OWNER_LINK_EXPIRED = "That link has expired. To get a new one, run python -m bot owner or restart the bot."
ACCESS_IS = "ACCESS={mode}"
DESCRIPTION = (
    "I'm an assistant that remembers. Just write, speak, or send pictures and files. I remember this chat until you "
    "reset it. /privacy says what I store about you."
)
SHORT_DESCRIPTION = "An assistant that remembers what you talked about."
REQUESTS_MORE = {
    "one": "{n} request is waiting for an answer. /users lists it.",
    "other": "{n} requests are waiting for an answer. I'll ask about the next ones when you've decided on these. "
    "/users lists them all.",
}
USERS_OWNERS, USERS_PEOPLE, USERS_GROUPS = "Owners", "People", "Groups"
USERS_WAITING, USERS_DENIED, USERS_BLOCKED = "Waiting for an answer", "Denied", "Blocked"
USERS_MADE = "Who has access:"
SINCE, GIVEN_BY = "since {day}", "by {name}"
TOKENS_USED = "{input} tokens in, {output} out"
THE_SETTINGS, OPEN_TO_ALL = "the settings", "ACCESS=open"
ALLOW_HOW = "Use /allow with an ID or an @username I know, or as a reply to my question or a forwarded message."
BLOCK_HOW = "Use /block with an ID or an @username I know, or as a reply to my question or a forwarded message."
ACCESS_UNKNOWN = "I don't know anyone called {name}. Ask them to write to me first, or give me their ID."
ACCESS_OF_NOBODY = (
    "I can't tell who wrote that message, or it's from me, the group itself or its channel, which you can't let in or "
    "block. Please give me an ID."
)
ACCESS_OF_MANY = (
    "{id} isn't one person: Telegram uses it for all anonymous administrators, or for all channels. Please give me the "
    "ID of the person, the channel or the group."
)
ACCESS_OF_OWNER = "{name} is an owner. Only the bot's operator can change that."
ACCESS_BY_LIST = "With ACCESS=list, only those in OWNER_IDS and ALLOWED_IDS have access."
ACCESS_GIVEN, ACCESS_BLOCKED = "{name} has access now.", "{name} is blocked now."
BROADCAST_HOW = (
    "Use /broadcast with the text I should send to everyone who has access, as the caption of a file, or as a reply to "
    "a message."
)
BROADCAST_CAPTION = (
    "A caption can have at most 1,024 characters. Please shorten this, or send the file and the text separately and "
    "reply to each with /broadcast."
)
BROADCAST_ASK = "Should I send this to {chats}?\n\n{text}"
BROADCAST_ASK_COPY = "Should I send this message to {chats}?"
BROADCAST_YES, BROADCAST_NO = "Send it", "Don't send it"
BROADCASTING = "Sending it to {chats}…"
BROADCAST_DROPPED = "OK, not sent."
BROADCAST_DONE = {
    "one": "Your message has been sent. It reached {sent} of {n} chat.",
    "other": "Your message has been sent. It reached {sent} of {n} chats.",
}
BROADCAST_STOPPED = {
    "one": "Stopped. Your message had already reached {sent} of {n} chat.",
    "other": "Stopped. Your message had already reached {sent} of {n} chats.",
}

NOT_SHOWN_ALONE = (
    "Telegram didn't let me show an answer only to the person who asked. Please ask me in our private chat, or here "
    "where everyone can see it."
)
