"""Everything that Keepsake says in its own voice, in English; the model's failures have their sentences in ``errors``.

Other languages have a file of the same names in ``translations``; ``language.texts`` is the one that is spoken.
"""

from bot.texts.access_texts import *  # noqa: F403 - all of them are texts
from bot.texts.file_texts import *  # noqa: F403

START = "Hi, I'm Keepsake. Just write to me. I remember this chat until you reset it.\n\n/help shows what I can do."
HELP = (
    "Just write to me. Long messages, forwards and several messages in a row are fine, and so are pictures, voice "
    "messages and files.\n\n"
    "/summary sums up what we talked about (/summary 50: the last 50 messages, /summary 3h: the last three hours)\n"
    "/memory shows my notes on the older part of this chat, and lets you correct them\n"
    "/search finds where something was said\n"
    "/why shows what my last answer was based on (as a reply to an answer: what that one was based on)\n"
    "/forget deletes something for good: add a few words, or reply to a message with it\n"
    "/stop stops the answer I'm writing and keeps what's there so far\n"
    "/retry answers your last message again\n"
    "/reset forgets this whole conversation (you have a minute to undo it)\n"
    "/usage shows how many tokens this chat has used\n"
    "/export sends you this chat as a file\n"
    "/settings changes my persona, how I remember, the language and more\n"
    "/privacy says what I store about you\n"
    "/help shows this list\n\n"
    "If you edit your last message, I'll answer it again. Telegram doesn't tell me when you delete one: reply to it "
    "with /forget first.\n\n"
    "In a group, mention me, reply to me, or start a message with my name. Only administrators can use /forget, "
    "/reset, /export and /settings there."
)
HELP_OWNER = (
    "As an owner of this bot, you also have:\n\n"
    "/users shows who has access\n"
    "/allow lets someone in\n"
    "/block blocks someone\n"
    "/broadcast sends a message to everyone who has access\n"
    "/budget shows and sets daily limits\n\n"
    "In a group, reply to someone with /allow or /block."
)
COMMANDS = (
    ("help", "what I can do"),
    ("summary", "what we talked about"),
    ("memory", "my notes on the older part of this chat"),
    ("search", "find where something was said"),
    ("why", "what my last answer was based on"),
    ("forget", "delete something for good"),
    ("stop", "stop the answer I'm writing"),
    ("retry", "answer your last message again"),
    ("reset", "forget this conversation"),
    ("usage", "how many tokens this chat has used"),
    ("export", "download this chat"),
    ("settings", "persona, memory, language and more"),
    ("privacy", "what I store about you"),
    ("users", "who has access"),
    ("allow", "let someone in"),
    ("block", "block someone"),
    ("broadcast", "write to everyone who has access"),
    ("budget", "daily limits"),
)
"""The command menu: name and description."""

GREETING = (
    "Hi, I'm {name}. Mention me (@{username}), reply to me, or start a message with my name, and I'll answer. {heard}"
    "\n\n/help shows what I can do, /privacy what I store."
)
GREETING_HEARS = (
    "I also remember what's said in between, so that I can follow the conversation. An administrator can turn that "
    "off in /settings."
)
GREETING_CALLED = "I ignore everything else that's said here."
ONLY_ADMINS = "Only an administrator of this group can do that."

PRIVACY = (
    "What you write to me and what I answer is stored on this bot's server, with your name and Telegram ID, until you "
    "delete it. To answer, I send part of this conversation to the model servers that this bot uses, and to no one "
    "else. Pictures and voice messages are stored without the place and time they were taken. Nothing from one chat "
    "ever gets into another."
)
PRIVACY_SERVERS = (
    "Besides Telegram, these servers receive what I need for answering, searching and transcribing: {servers}."
)
PRIVACY_RETENTION = "What was said here is deleted for good after {days}."
PRIVACY_BACKUPS = (
    "The server's database is backed up every night. What is deleted here is gone from the backups after {days}."
)
PRIVACY_REPORTS = "Reports of errors, without anyone's words, go to {server}."
PRIVACY_LOGS = "This server's log may contain what is said here, because its operator has turned that on."
PRIVACY_LISTENS = (
    "In this group I also store what's said between messages to me, as far as Telegram shows it to me, so that I can "
    "follow the conversation. An administrator can turn that off in /settings."
)
PRIVACY_CALLED = "In this group I store only messages to me and the messages they reply to."
PRIVACY_DELETE = (
    "/forget deletes something for good, /reset everything said here. Deleting a message in Telegram doesn't delete "
    "it here, because Telegram doesn't tell bots about it: reply to it with /forget first."
)

UNKNOWN_COMMAND = "I don't know that command. /help lists the ones I know."

RESET = "Done. I've started afresh and forgotten everything said so far. It will be deleted for good after {days}."
RESET_EMPTY = "There's nothing to forget yet."
UNDO = "Undo"
RESET_UNDONE = "Undone. I remember everything again."
UNDO_TOO_LATE = "It's too late to undo that."
OLD_BUTTON = "This button no longer works."

MEMORY = "My notes on the older part of this chat, exactly as the model reads them:\n\n{text}\n\n{numbers}"
MEMORY_EMPTY = "I can still see the whole conversation, so I haven't made any notes yet.\n\n{numbers}"
MEMORY_NONE = (
    "I can't see the older part of this chat any more, and I have no notes on it. I can still find things in it when "
    "you bring them up, and you can find them with /search.\n\n{numbers}"
)
MEMORY_NUMBERS = "In view: {rounds}, about {tokens} of {window} tokens."
MEMORY_NUMBERS_NOTES = "In view: {rounds}, about {tokens} of {window} tokens, {memory} of them notes."
MEMORY_MEDIA = "Pictures and voice messages in view: {count}. My notes will keep what they showed and said."
MEMORY_CACHED = "{share} of the last prompt came from the cache."
MEMORY_MADE = "Notes from {at}."
MEMORY_COVERS = "They cover {spans}."
NOTHING_SAID = "Nothing has been said here yet."
COMPACT_NOW = "Compact now"
COMPACTING = "I'm making notes on the older part…"
COMPACT_NOTHING = "There's too little in view for that to help."
COMPACT_VOID = "Something was changed or deleted in the meantime, so I left everything as it was."
COMPACT_CUT = "The model didn't finish the notes, so I left everything as it was. Please press the button again."
SHOW_BEFORE, STILL_EARLIER, BRING_BACK = "Previous notes", "Even earlier notes", "Restore these notes"
NOTES_BEFORE = "Notes from {at}. If you restore them, this will change (+ comes back, ✕ goes):\n\n{changes}"
CORRECT = "Correct"
CORRECTED = "Done. /memory shows my notes as they are now."
CORRECT_AGAIN = "My notes changed while I was working on that. Please say it again."
FORGET = "Forget something"
FORGET_HOW = "What should I forget? Use /forget with a few words, or as a reply to a message."
FORGET_NOTHING = "I can't find anything like that, either in this chat or in my notes."
FORGET_FOUND = "Should I forget this for good?\n\n{found}"
THE_BOT = "the bot"
FORGET_PAGE = "{messages}, page {page} of {pages}:"
FORGET_IN_NOTES = "In my notes:"
FORGET_YES, FORGET_NO = "Forget it", "Keep it"
FORGOTTEN = "Done. Forgotten: {forgotten}. Only you can delete what's in Telegram itself."
FORGOTTEN_LINES, FORGOTTEN_BOTH = "{lines} of my notes", "{messages} and {lines} of my notes"
KEPT = "OK, kept."
SUMMARY_HOW = (
    "Use /summary, /summary 50 for the last 50 messages, /summary 3h for the last three hours, or /summary since "
    "yesterday."
)
SUMMARY_NOTHING = "Nothing was said during that time."

USAGE_NONE = "The model server hasn't reported any usage for this chat yet."
USAGE_TODAY, USAGE_MONTH, USAGE_ALL = "Today", "This month", "All time"
USAGE_PERIOD = "{name}: {turns}\nTokens in: {fresh} new, {cached} from the cache · out: {output}"
USAGE_PERIOD_UNCACHED = "{name}: {turns}\nTokens in: {input} · out: {output}"
USAGE_SAVED = "The cache saved {saved} of the input price."
USAGE_WRITTEN = "Written to the cache, which costs more: {count}."
USAGE_REASONING = "Reasoning, part of the output: {count}."
USAGE_IMAGES = "Pictures, part of the input: {count}."
USAGE_AUDIO = "Audio, part of the input: {count}."
USAGE_ESTIMATED = "Answers I estimated because the server didn't report them: {count}."
USAGE_NOTE = (
    "As reported by the model server, for everything done for this chat: answers, memory, summaries, titles. "
    "Personal budgets count what each person asked for, in all chats."
)
EXPORT_ASK = "Which format? JSON has everything, and another bot can import it. Markdown is for reading."
EXPORT_JSON, EXPORT_MARKDOWN = "JSON", "Markdown"
EXPORT_HOW = "Use /export, /export json or /export markdown."
EXPORT_MADE = "Here's what was said in this chat:"
EXPORTED = "{messages}, without anything that was reset or forgotten."
EXPORT_SPAN = " from {first} to {last}"
EXPORT_DAY = " from {day}"
EXPORT_LEFT_OUT = "Pictures and audio aren't in this file."
EXPORT_TOO_LARGE = "This chat is too long for a file that Telegram accepts. The bot's operator can export it instead."
MARKDOWN_TITLE, MARKDOWN_NOTES, MARKDOWN_SOMEBODY = "Conversation", "Notes on the older part", "Someone"
MARKDOWN_PICTURE, MARKDOWN_SOUND = "picture", "audio"
DRAFT_THINKING = "Thinking..."
CHART_CACHED, CHART_FRESH, CHART_OUTPUT = "input, cached", "input, new", "output"
CHART_TOKENS = "tokens per day"
SEARCH_HOW = "What should I look for? Use /search with a few words."
SEARCH_NOTHING = "I can't find anything like that in this chat."
SEARCH_MORE = "… and {count} more. Add words to narrow it down."
WHY = "What my answer from {at} to “{question}” was based on:"
WHY_QUESTION_GONE = "What my answer from {at} was based on (the question has been forgotten):"
WHY_RECALLED = "Recalled from earlier:"
WHY_LOOKED_UP = "Looked up while answering:"
WHY_MORE = "… and {count} more."
WHY_NOTHING_RECALLED = "Nothing was recalled from earlier."
WHY_VIEW = "In view: {messages} since {since}, out of {all} at the time."
WHY_NOTES = "Notes on what was no longer in view: about {tokens} tokens. /memory shows them as they are now."
WHY_NOTES_THEN = "Notes at the time"
WHY_TOKENS = "Tokens in: {fresh} new, {cached} from the cache · out: {output}"
WHY_TOKENS_UNCACHED = "Tokens in: {input} · out: {output}"
WHY_ESTIMATED = "The model server didn't report all of these tokens, so they are partly an estimate."
WHY_PRICE = "Cost: {money}"
WHY_MODEL = "Model: {model}"
WHY_NONE_YET = "I haven't answered anything here yet."
WHY_NO_RECORD = "I have no record of what that answer was based on. It's either too old or imported."
WHY_NOT_AN_ANSWER = (
    "That isn't an answer of mine that I remember. Use /why as a reply to one of my answers, or on its own for the "
    "last one."
)
SETTINGS = "The settings of this chat. Press one to change it."
SETTING_BUTTON = "{label}: {value}"
ON, OFF = "on", "off"
AS_THE_BOT = "default"
AS_TELEGRAM = "same as Telegram"
BACK = "« Back"
SET_MODEL, SET_MODEL_MEANS = "Model", "Which model should answer here?"
SET_PERSONA, SET_PERSONA_MEANS = "Persona", "Who should I be here? These are the model's first instructions."
PERSONA_BRIEF, PERSONA_TEACHER = "Brief", "Patient teacher"
PERSONA_ENGINEER, PERSONA_TRANSLATOR = "Software engineer", "Translator"
PERSONA_OWN, PERSONA_CUSTOM = "Write your own…", "custom"
PERSONA_SET = "Done. Takes effect with your next message."
PERSONA_LONG = "That's too long: I can use at most a quarter of what the model can read. Please try a shorter one."
SET_WAY, SET_WAY_MEANS = (
    "Memory",
    "How should I remember what is too old to stay in view?\n\nNotes: I keep notes on it.\nRecent messages: I only "
    "keep the latest ones.\nEverything: I keep everything in view as long as it fits. This costs the most.",
)
WAY_SUMMARY, WAY_TRUNCATE, WAY_FULL = "Notes", "Recent messages", "Everything"
SET_RECALL, SET_RECALL_MEANS = "Recall", "Should I look up what was said long ago when it matters?"
SET_THINKING, SET_THINKING_MEANS = (
    "Thinking",
    "Should the model think before it answers? That takes longer and costs more.",
)
SET_SHOW, SET_SHOW_MEANS = "Show thinking", "Should I show what the model was thinking, as a quote you can expand?"
SET_LISTEN, SET_LISTEN_MEANS = (
    "Listening",
    "Should I remember what's said here between messages to me, so that I can follow the conversation?",
)
SET_VOICE, SET_VOICE_MEANS = "Voice", "Should I also speak my answers, as voice messages?"
SET_FORMAT, SET_FORMAT_MEANS = (
    "Format",
    "How should I show my answers?\n\nAutomatic: as text, or as a rich message if there's a table or a formula.\n"
    "Rich: always as a rich message, which some apps show as blank.\nText: always as text, which every app can show.",
)
FORMAT_AUTO, FORMAT_RICH, FORMAT_TEXT = "Automatic", "Rich", "Text"
SET_LANGUAGE, SET_LANGUAGE_MEANS = "Language", "Which language should I use for buttons and for messages of my own?"
TICK = "✓"
SETTING_CHANGED = "Done."

RETRY, CONTINUE, STOP = "Try again", "Continue", "Stop"
GO_ON = "Please continue."
STOPPED = "Stopped."
NOTHING_TO_STOP = "I'm not answering anything right now."
NOTHING_TO_RETRY = "There's no message to answer again yet."

STILL_TRYING = "Still trying. The model is taking its time…"
IN_LINE = "The model server is busy right now. I'll answer as soon as it can take your message…"
CUT_BY_LENGTH = "(The model reached its length limit here.)"
OWNER_WRONG_KEY = (
    "The model server rejects your bot's key (OPENAI_API_KEY). I won't mention this again until it has answered once."
)
OWNER_NO_CREDIT = (
    "Your bot's account with the model server is out of credit. I won't mention this again until it has answered once."
)
BY_FALLBACK = "(Answered by {model}, because the usual model can't be reached.)"
ONE_AT_A_TIME = (
    "This chat's model takes one message at a time. I keep what was said before, but the model doesn't see it."
)
EARLIER_REFUSED = "(The model server refuses something that was said here earlier, so I'll leave it out from now on.)"
CUT_BY_FILTER = "(The model server's content filter stopped the answer here.)"
SET_ASIDE = (
    "This made me crash three times, so I've set it aside. Send it another way, or press the button to try again."
)
NOT_SENT = (
    "Something I wanted to say here made me crash three times, so I've set it aside. Press the button to try again."
)
TAKEN_UP_AGAIN = "Trying again."

FAILURE = "Something went wrong on my side. If it happens again, tell the bot's operator this reference: {reference}."

TURNS = {"one": "{n} answer", "other": "{n} answers"}
ROUNDS = {"one": "{n} exchange", "other": "{n} exchanges"}
MESSAGES = {"one": "{n} message", "other": "{n} messages"}
LINES = {"one": "{n} line", "other": "{n} lines"}
DAYS = {"one": "{n} day", "other": "{n} days"}
CHATS = {"one": "{n} chat", "other": "{n} chats"}
SECONDS = {"one": "{n} second", "other": "{n} seconds"}
"""What is counted, by plural category, for the places in braces: TURNS in USAGE_PERIOD, ROUNDS in MEMORY_NUMBERS, LINES
in FORGOTTEN_LINES, MESSAGES (`messages`, `limit`) in several, DAYS in RESET, TURNED_AWAY and PRIVACY, CHATS in
BROADCAST_ASK and BROADCASTING, SECONDS (`wait`) in TOO_OFTEN."""

TOO_OFTEN = (
    "That's more than {limit} in a minute. I've kept what you wrote. Write again in {wait}, and I'll answer all of it."
)
TOO_MANY_WAITING = (
    "More messages are waiting here than I can keep up with, so I skipped the newest. Please send them again later."
)
BUDGET_USER = "Per person, per day: {amount}"
BUDGET_CHAT = "Per chat, per day: {amount}"
BUDGET_TOTAL = "All together, per day: {amount}, used today: {used}"
BUDGET_ONE = "{id}, per day: {amount}, used today: {used}"
BUDGET_NONE = "no limit"
BUDGET_HOW = (
    "Numbers without a currency are tokens, in and out. To change a limit: /budget user 200k, /budget chat 0.50 USD or "
    "/budget total off. For one person or chat, use an ID: /budget 12345 500k. To go back to the general limit: "
    "/budget 12345 default."
)
BUDGET_UNPRICED = (
    "I don't know what {model} costs in {currency}. Add its price to the MODEL_PROFILES file, or set a number of "
    "tokens instead."
)
BUDGET_NEARLY_USER = "You've used {percent} of your budget for today ({used} of {amount})."
BUDGET_NEARLY_CHAT = "This chat has used {percent} of its budget for today ({used} of {amount})."
BUDGET_NEARLY_TOTAL = "Your bot has used {percent} of its budget for today ({used} of {amount}). /budget changes it."
BUDGET_OF_USER = "Your budget for today: {used} of {amount} used ({percent})."
BUDGET_OF_CHAT = "This chat's budget for today: {used} of {amount} used ({percent})."
USAGE_PARTS = "What counted this month:"
USAGE_ANSWERS = "answers: {count}"
USAGE_OTHERS = "for memory, titles, tools: {count}"
USAGE_MEANING, USAGE_VOICE = "search by meaning", "voice messages"
USAGE_CHATS = "All chats this month:"
USAGE_MONEY = "Today's cost: {money}."
CORRECT_ASK = "What should I change in my notes? Reply to this message, for example: “I live in Bern, not in Basel.”"
CORRECT_PLACEHOLDER = "What to change, or /cancel"
FORGET_ASK = "What should I forget? Reply to this message with a few words from it."
FORGET_PLACEHOLDER = "A few words from it, or /cancel"
PERSONA_ASK = (
    "What should the model's first instructions be? Reply to this message, for example: “You are a ship's cook. Answer "
    "in rhyme.”"
)
PERSONA_PLACEHOLDER = "The model's first instructions, or /cancel"
CANCEL = "Cancel"
CANCELLED = "Cancelled. I'm no longer waiting for an answer."
NOTHING_TO_CANCEL = "I haven't asked you anything."
NOT_ASKED = "I asked someone else that, so only their answer counts."
QUESTION_OVER = "That question has expired. Press its button again, and I'll ask once more."
ANSWER_EDITED = "An answer counts as it was first sent. To give another one, press the button again."
ANSWER_IN_WORDS = "Please answer that in writing."
