"""Everything that Keepsake says in its own voice, but for the model's failures: their sentences are in ``errors``."""

START = (
    "Hi, I'm Keepsake. Write to me and I answer; this chat has one memory, and I keep it until you reset it.\n\n"
    "/help shows what I understand."
)
HELP = (
    "Just write; long messages, forwards and several messages in a row are fine.\n\n"
    "/stop ends the answer that I am writing and keeps what was said so far\n"
    "/retry answers your last message anew\n"
    "/reset forgets this conversation (with a minute to undo it)\n"
    "/help shows this\n\n"
    "In a group, mention me or reply to me."
)
COMMANDS = (
    ("help", "what I understand"),
    ("stop", "end the answer that I am writing"),
    ("retry", "answer the last message anew"),
    ("reset", "forget this conversation"),
)
"""The command menu: name and description."""

UNKNOWN_COMMAND = "I don't know that command. /help shows the ones I know."

RESET = "Done, I start afresh: nothing said so far is in my memory now. What was said is deleted after {days}."
RESET_EMPTY = "There is nothing to forget yet."
UNDO = "Undo"
RESET_UNDONE = "Undone: I remember everything again."
UNDO_TOO_LATE = "It is too late to undo that."
OLD_BUTTON = "This button no longer does anything."

STOPPED = "Stopped."
NOTHING_TO_STOP = "I am not answering anything right now."
NOTHING_TO_RETRY = "There is no message to answer again yet."

STILL_TRYING = "Still trying: the model takes its time…"
CUT_BY_LENGTH = "(The model reached its length limit there. Write “continue” and it goes on.)"
CUT_BY_FILTER = "(The model server's content filter ended the answer there.)"
TEXT_ONLY = "I can only read text so far, not what you just sent. Please write it in words."

STRANGER = (
    "Hi! This bot talks only to people on its list. Your id is {user_id}; "
    "if the bot is yours, put it into ALLOWED_IDS and start the bot again."
)
STRANGE_GROUP = (
    "Hi! This bot talks only in chats on its list. This chat's id is {chat_id}; "
    "whoever runs the bot can put it into ALLOWED_IDS."
)
FAILURE = "Something went wrong on my side. If it happens again, tell whoever runs this bot: reference {reference}."


def days(count: int) -> str:
    """A number of days in words."""
    return "a day" if count == 1 else f"{count} days"
