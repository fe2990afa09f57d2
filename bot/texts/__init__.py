"""Everything that Keepsake says in its own voice, in English; the model's failures have their sentences in ``errors``.

Other languages have a file of the same names in ``translations``; ``language.texts`` is the one that is spoken.
"""

from bot.texts.access import *  # noqa: F403 - all of them are texts
from bot.texts.files import *  # noqa: F403
from bot.texts.questions import *  # noqa: F403

START = (
    "Hi, I'm Keepsake. Write to me and I answer; this chat has one memory, and I keep it until you reset it.\n\n"
    "/help shows what I understand."
)
HELP = (
    "Just write; long messages, forwards and several messages in a row are fine.\n\n"
    "/summary tells what we talked about (/summary 50: the last messages, /summary 3h: the last hours)\n"
    "/memory shows what I keep of the older part, and lets you change it\n"
    "/search finds where something was said\n"
    "/why tells what my last answer was based on; as a reply to an answer, what that one was\n"
    "/forget deletes something for good: with words, or as a reply to a message\n"
    "/stop ends the answer that I am writing and keeps what was said so far\n"
    "/retry answers your last message anew\n"
    "/reset forgets this whole conversation (with a minute to undo it)\n"
    "/usage shows what it costs\n"
    "/export sends you all of it as a file\n"
    "/settings changes how I remember\n"
    "/privacy says what is kept of you\n"
    "/help shows this\n\n"
    "Pictures, voice messages and files are fine too. When you edit your last message, I answer anew. Telegram does "
    "not tell me when you delete one: use /forget as a reply to it.\n\n"
    "In a group, mention me, reply to me, or begin with my name."
)
COMMANDS = (
    ("help", "what I understand"),
    ("summary", "what we talked about"),
    ("memory", "what I keep of the older part"),
    ("search", "where something was said"),
    ("why", "what the last answer was based on"),
    ("forget", "delete something for good"),
    ("stop", "end the answer that I am writing"),
    ("retry", "answer the last message anew"),
    ("reset", "forget this conversation"),
    ("usage", "what it costs"),
    ("export", "all of it as a file"),
    ("settings", "how I remember"),
    ("privacy", "what is kept of you"),
    ("users", "who has access"),
    ("allow", "let somebody in"),
    ("block", "hear somebody no longer"),
    ("broadcast", "write to everybody who has access"),
    ("budget", "what may be used on a day"),
)
"""The command menu: name and description."""

GREETING = (
    "Hi, I'm {name}. Mention me (@{username}), reply to me, or begin a message with my name, and I answer. {heard}\n\n"
    "/help shows what I understand, /privacy what I keep."
)
GREETING_HEARS = (
    "I also remember what is said here in between, so that I know what you talk about; an administrator can switch "
    "that off in /settings."
)
GREETING_CALLED = "What you say to others I don't get to know."
ONLY_ADMINS = "Only an administrator of this group can do that."

PRIVACY = (
    "What you write to me, and my answers, are stored on this bot's server, with your name and Telegram id, until you "
    "delete them. To answer, I send a part of this conversation to the model server that this bot uses, and nothing "
    "to anybody else. Pictures and voice messages are kept without where and when they were taken. What is in one "
    "chat never gets into another one."
)
PRIVACY_LISTENS = (
    "In this group I also keep what is said between the messages to me, as far as Telegram shows it to me, so that I "
    "know what you talk about. An administrator can switch that off in /settings."
)
PRIVACY_CALLED = "In this group I keep only what is said to me, and what is replied to then."
PRIVACY_DELETE = (
    "/forget deletes something for good, /reset everything that was said here. A message that you delete in Telegram "
    "is not deleted here, because bots are not told of it: use /forget as a reply to it before."
)

UNKNOWN_COMMAND = "I don't know that command. /help shows the ones I know."

RESET = "Done, I start afresh: nothing said so far is in my memory now. What was said is deleted after {days}."
RESET_EMPTY = "There is nothing to forget yet."
UNDO = "Undo"
RESET_UNDONE = "Undone: I remember everything again."
UNDO_TOO_LATE = "It is too late to undo that."
OLD_BUTTON = "This button no longer does anything."

MEMORY = "What I keep of the older part of this chat, word for word as it stands in my prompt:\n\n{text}\n\n{numbers}"
MEMORY_EMPTY = "I still have the whole conversation in view, so there are no notes about it yet.\n\n{numbers}"
MEMORY_NONE = (
    "The older part of this chat has left my view, and I keep no notes about it; what matters of it is still found "
    "when you speak of it, and by /search.\n\n{numbers}"
)
MEMORY_NUMBERS = "In view: {rounds}, about {tokens} of {window} tokens, {memory} of them notes."
MEMORY_MEDIA = "Pictures and voice messages in view: {count}; the notes will keep what they showed and said."
MEMORY_CACHED = "{share} of the last prompt came from the cache."
MEMORY_MADE = "Notes of {at}."
MEMORY_COVERS = "They cover {spans}."
NOTHING_SAID = "Nothing has been said here yet."
COMPACT_NOW = "Compact now"
COMPACTING = "I am making notes of the older part…"
COMPACT_NOTHING = "There is too little in view for that to be of use."
COMPACT_VOID = "Something was taken back meanwhile, so I left everything as it is."
COMPACT_CUT = "The model made no whole notes, so I left everything as it is. Please press the button again."
SHOW_BEFORE, STILL_EARLIER, BRING_BACK = "The notes before", "Still earlier ones", "Bring them back"
NOTES_BEFORE = "The notes of {at}. If you bring them back, this changes (+ comes back, ✕ goes):\n\n{changes}"
CORRECT = "Correct"
CORRECTED = "Done. /memory shows what I keep now."
CORRECT_AGAIN = "My notes changed while I was at it. Please say that again."
FORGET = "Forget something"
FORGET_HOW = "Tell me what: /forget with some words, or /forget as a reply to a message."
FORGET_NOTHING = "I find nothing like that, neither in what was said nor in my notes."
FORGET_FOUND = "I would forget for good:\n\n{found}"
THE_BOT = "the bot"
FORGET_PAGE = "{messages}, page {page} of {pages}:"
FORGET_IN_NOTES = "In my notes:"
FORGET_YES, FORGET_NO = "Forget it", "Keep it"
FORGOTTEN = "Done: {messages} and {lines} of my notes are forgotten. What is in Telegram itself only you can delete."
KEPT = "I keep it."
SUMMARY_HOW = (
    "Use /summary, /summary 50 for the last 50 messages, /summary 3h for the last three hours, or /summary since "
    "yesterday."
)
SUMMARY_NOTHING = "Nothing was said in that time."

USAGE_NONE = "The model server has not reported any use in this chat yet."
USAGE_TODAY, USAGE_MONTH, USAGE_ALL = "Today", "This month", "All time"
USAGE_PERIOD = (
    "{name}: {turns}\nTokens in: {fresh} fresh, {cached} from the cache · out: {output}\n"
    "The cache saved {saved} of the price of the input."
)
USAGE_WRITTEN = "Written into the cache, which costs more: {count}."
USAGE_REASONING = "Of the output, thoughts: {count}."
USAGE_MEDIA = "Of the input, pictures: {image}, sounds: {audio}."
USAGE_ESTIMATED = "Answers that the server did not report, and that are estimated: {count}."
USAGE_NOTE = "As the model server reported it, for this chat."
EXPORT_ASK = "As which kind of file? JSON holds everything, also for another bot; Markdown is for reading."
EXPORT_JSON, EXPORT_MARKDOWN = "JSON", "Markdown"
EXPORT_HOW = "Use /export, /export json or /export markdown."
EXPORT_MADE = "Here is what was said in this chat:"
EXPORTED = "{messages}, without what was reset or forgotten."
EXPORT_SPAN = " from {first} to {last}"
EXPORT_LEFT_OUT = "Pictures and sounds are not in this file."
EXPORT_TOO_LARGE = "This chat is too long for a file that Telegram takes. Whoever runs this bot can export it there."
MARKDOWN_TITLE, MARKDOWN_NOTES, MARKDOWN_SOMEBODY = "Conversation", "Notes of the older part", "Somebody"
MARKDOWN_PICTURE, MARKDOWN_SOUND = "picture", "sound"
DRAFT_THINKING = "Thinking..."
CHART_CACHED, CHART_FRESH, CHART_OUTPUT = "input, cached", "input, fresh", "output"
CHART_TOKENS = "tokens a day"
SEARCH_HOW = "Tell me what to look for: /search with some words."
SEARCH_NOTHING = "I find nothing like that in this chat."
SEARCH_MORE = "… and {count} more; more words narrow it down."
WHY = "What my answer of {at} to “{question}” was based on:"
WHY_QUESTION_GONE = "What my answer of {at} was based on; the question to it is forgotten:"
WHY_RECALLED = "Recalled from earlier:"
WHY_LOOKED_UP = "Looked up while I was answering:"
WHY_MORE = "… and {count} more."
WHY_NOTHING_RECALLED = "Nothing from earlier was recalled."
WHY_VIEW = "In view: {messages} since {since}, of {all} by then."
WHY_NOTES = "Notes of what had left my view: about {tokens} tokens. /memory shows them as they are now."
WHY_NOTES_THEN = "The notes at the time"
WHY_TOKENS = "Tokens in: {fresh} fresh, {cached} from the cache · out: {output}"
WHY_ESTIMATED = "The model server did not report all of these tokens, so they are partly an estimate."
WHY_PRICE = "Price: {money}"
WHY_MODEL = "Model: {model}"
WHY_NONE_YET = "I have not answered anything here yet."
WHY_NO_RECORD = (
    "I have no record of what that answer was based on: it is older than these records, or came from an import."
)
WHY_NOT_AN_ANSWER = (
    "That is no answer of mine that I still know. Use /why as a reply to one of my answers, or alone for the last one."
)
SETTINGS = "The settings of this chat. Press one to change it."
ON, OFF = "on", "off"
AS_THE_BOT = "as the bot is set"
AS_TELEGRAM = "as your Telegram"
BACK = "« Back"
SET_MODEL, SET_MODEL_MEANS = "Model", "Which model answers here?"
SET_PERSONA, SET_PERSONA_MEANS = "Persona", "What shall I be here? This is what the model is told first."
PERSONA_BRIEF, PERSONA_TEACHER = "Brief", "Patient teacher"
PERSONA_ENGINEER, PERSONA_TRANSLATOR = "Software engineer", "Translator"
PERSONA_OWN = "Your own…"
PERSONA_SET = "Done. It holds from your next message on."
PERSONA_LONG = "I need some words for that, and not more than a quarter of what the model can read. Please try again."
SET_WAY, SET_WAY_MEANS = (
    "Memory",
    "How shall I remember what is too long ago to stay in view?\n\nNotes: I keep notes of it.\nLast rounds: I keep "
    "only what was said last.\nEverything: I keep all in view as long as it fits, which costs the most.",
)
WAY_SUMMARY, WAY_TRUNCATE, WAY_FULL = "Notes", "Last rounds", "Everything"
SET_RECALL, SET_RECALL_MEANS = "Recall", "Shall I look up what was said long ago when it matters?"
SET_THINKING, SET_THINKING_MEANS = (
    "Thinking",
    "Shall the model think before it answers? It takes longer, and costs more.",
)
SET_SHOW, SET_SHOW_MEANS = "Show thinking", "Shall I show what the model thought, as a quote to unfold?"
SET_LISTEN, SET_LISTEN_MEANS = (
    "Listening",
    "Shall I remember what is said here between the messages to me, so that I know what you talk about?",
)
SET_VOICE, SET_VOICE_MEANS = "Voice", "Shall I speak my answers too, as voice messages?"
SET_FORMAT, SET_FORMAT_MEANS = (
    "Format",
    "How shall I show my answers?\n\nAutomatic: as text, and as a rich message where there is a table or a formula.\n"
    "Rich: always as a rich message, which some apps show blank.\nText: always as text, which every app shows.",
)
FORMAT_AUTO, FORMAT_RICH, FORMAT_TEXT = "Automatic", "Rich", "Text"
SET_LANGUAGE, SET_LANGUAGE_MEANS = "Language", "Which language shall I use for buttons and notes of my own?"
TICK = "✓"
SETTING_CHANGED = "Done."

RETRY, CONTINUE, STOP = "Try again", "Continue", "Stop"
GO_ON = "Please continue."
STOPPED = "Stopped."
NOTHING_TO_STOP = "I am not answering anything right now."
NOTHING_TO_RETRY = "There is no message to answer again yet."

STILL_TRYING = "Still trying: the model takes its time…"
IN_LINE = "The model server is busy right now; I'll answer as soon as it can take your message…"
CUT_BY_LENGTH = "(The model reached its length limit there.)"
OWNER_WRONG_KEY = (
    "The model server refuses your bot's key (OPENAI_API_KEY). I tell you this once, until it answers again."
)
OWNER_NO_CREDIT = (
    "Your bot's account with the model server is out of credit. I tell you this once, until it answers again."
)
BY_FALLBACK = "(This answer is by {model}, since the usual model can't be reached.)"
ONE_AT_A_TIME = (
    "The model of this chat takes one message at a time. What was said before is kept, but the model doesn't get to "
    "see it."
)
EARLIER_REFUSED = "(The model server refuses something that was said here earlier, so I leave that out from now on.)"
CUT_BY_FILTER = "(The model server's content filter ended the answer there.)"
SET_ASIDE = "This ended me three times, so I have set it aside. Send it in another way, or press the button."
NOT_SENT = "What I had to say here ended me three times, so I have set it aside. Press the button to have me try again."
TAKEN_UP_AGAIN = "I am trying it again."

FAILURE = "Something went wrong on my side. If it happens again, tell whoever runs this bot: reference {reference}."

TURNS, ROUNDS, MESSAGES, LINES, DAYS = "turn|turns", "round|rounds", "message|messages", "line|lines", "day|days"
CHATS = "chat|chats"
"""Things that are counted: the forms for one and for more."""

TOO_OFTEN = "That was more than {limit} in a minute. I keep what you say; write again in {wait}, and I answer it all."
TOO_MANY_WAITING = (
    "More messages are waiting here than I can keep up with, so I left out the newest. Please send them again later."
)
BUDGET_USER = "Per person and day: {amount}"
BUDGET_CHAT = "Per chat and day: {amount}"
BUDGET_TOTAL = "All together, per day: {amount}, used today: {used}"
BUDGET_ONE = "{id}, per day: {amount}, used today: {used}"
BUDGET_NONE = "no limit"
BUDGET_HOW = (
    "Numbers without a currency are tokens, in and out. To change one: /budget user 200k, /budget chat 0.50 USD, "
    "/budget total off, or with an id, which may also go back to what holds for all: /budget 12345 500k, /budget "
    "12345 default."
)
BUDGET_UNPRICED = (
    "I don't know what {model} costs in {currency}: its price belongs into the file of MODEL_PROFILES. A number "
    "of tokens works without."
)
BUDGET_NEARLY_USER = "You have used {percent} of your budget for today ({used} of {amount})."
BUDGET_NEARLY_CHAT = "This chat has used {percent} of its budget for today ({used} of {amount})."
BUDGET_NEARLY_TOTAL = "Your bot has used {percent} of its budget for today ({used} of {amount}). /budget changes it."
BUDGET_OF_USER = "Your budget for today: {used} of {amount} used ({percent})."
BUDGET_OF_CHAT = "This chat's budget for today: {used} of {amount} used ({percent})."
USAGE_MONEY = "Today's price: {money}."
SECONDS = "second|seconds"
