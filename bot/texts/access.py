"""Who may talk to the bot: what strangers and owners are told about it."""

STRANGER = (
    "Hi! This bot talks only to people on its list. Your id is {user_id}; "
    "if the bot is yours, put it into ALLOWED_IDS and start the bot again."
)
STRANGE_GROUP = (
    "Hi! This bot talks only in chats on its list. This chat's id is {chat_id}; "
    "whoever runs the bot can put it into ALLOWED_IDS."
)
KNOCKED = "Hi! I've asked my owner whether I may talk to you, and I tell you as soon as I know."
GROUP_KNOCKED = "Hi! I've asked my owner whether I may talk in this group, and I say so as soon as I know."
NO_OWNER_YET = "Hi! I have no owner yet who could let you in. If this bot is yours, open the link in its log."
LET_IN = "My owner said yes: you can write to me now."
GROUP_LET_IN = (
    "My owner said yes: I answer in this group now. Mention me, reply to me, or begin a message with my name; /help "
    "shows what I understand, /privacy what I keep."
)
TURNED_AWAY = "I'm sorry, my owner said no. You can ask again in {days}."
REQUEST_PERSON = "Somebody would like to talk to me.\n\nName: {name}\nUsername: {username}\nId: {id}"
REQUEST_GROUP = "May I talk in this group?\n\nTitle: {name}\nI was added by: {by}\nId: {id}"
NO_USERNAME, NOBODY_KNOWN = "none", "I don't know"
ALLOW, DENY, BLOCK = "Allow", "Deny", "Block"
ALLOWED_BY, DENIED_BY, BLOCKED_BY = "allowed by {name}", "denied by {name}", "blocked by {name}"
STILL_ASKING = "not yet"
DECIDED, ALREADY_DECIDED = "Decided: {decision}.", "Already decided: {decision}."
THE_SHELL = "whoever runs the bot"
ONLY_OWNERS = "Only an owner of this bot can do that."
OWNER_NOW = (
    "Welcome! You are this bot's owner now. I ask you about everybody who would like to talk to me; /users shows who "
    "has access, and your menu has more."
)
OWNER_LINK_USED = "That link was used already, and it works only once."
OWNER_LINK_EXPIRED = "That link has expired. python -m bot owner makes a new one, and so does the bot's next start."
ACCESS_IS = "ACCESS={mode}"
DESCRIPTION = (
    "I am an assistant that remembers: this chat has one memory, and I keep it until you reset it. Write, speak, or "
    "send pictures and files. /privacy says what is kept of you."
)
SHORT_DESCRIPTION = "An assistant that remembers what you talked about."
REQUESTS_MORE = (
    "{count} wait for an answer now. I ask about the next ones when you have decided about these; /users lists them "
    "all."
)
USERS_OWNERS, USERS_PEOPLE, USERS_GROUPS = "Owners", "People", "Groups"
USERS_WAITING, USERS_BLOCKED = "Waiting for an answer", "Blocked"
USERS_MADE = "Who has access:"
SINCE, GIVEN_BY = "since {day}", "by {name}"
TOKENS_USED = "tokens {input} in, {output} out"
THE_SETTINGS, OPEN_TO_ALL = "the settings", "ACCESS=open"
ALLOW_HOW = "Use /allow with an id or with a @username that I know, or as a reply to my question or to a forward."
BLOCK_HOW = "Use /block with an id or with a @username that I know, or as a reply to my question or to a forward."
ACCESS_UNKNOWN = "I know nobody called {name}. Let them write to me first, or tell me their id."
ACCESS_OF_NOBODY = (
    "I can't tell whose message that is, or it is from nobody you could let in or block: from me, the group itself or "
    "its channel. Tell me an id."
)
ACCESS_OF_MANY = (
    "{id} stands for many at once: Telegram uses it for all anonymous administrators, or for all channels. Tell me the "
    "id of the person, the channel or the group."
)
ACCESS_OF_OWNER = "{name} is an owner; whoever runs the bot can change that."
ACCESS_BY_LIST = "With ACCESS=list only those in OWNER_IDS and ALLOWED_IDS have access."
ACCESS_GIVEN, ACCESS_BLOCKED = "{name} has access now.", "{name} is blocked now."
BROADCAST_HOW = (
    "Use /broadcast with the text that I shall send to everybody who has access, with a file, or as a reply to a"
    " message."
)
BROADCAST_CAPTION = (
    "Under a file I can send 1,024 characters at most. Please shorten this, or send the file and the text apart, and"
    " reply to each with /broadcast."
)
BROADCAST_ASK = "Shall I send this to {chats}?\n\n{text}"
BROADCAST_ASK_COPY = "Shall I send this message to {chats}?"
BROADCAST_YES, BROADCAST_NO = "Send it", "Don't send it"
BROADCASTING = "I am sending it to {chats}…"
BROADCAST_DROPPED = "I don't send it."
BROADCAST_DONE = "Your message is out: it reached {sent} of {chats}."
BROADCAST_STOPPED = "Stopped. Your message had reached {sent} of {chats}."

NOT_SHOWN_ALONE = (
    "Telegram did not let me show an answer here only to whoever had asked for it. Please ask me in our private chat, "
    "or here for everybody to see."
)
