"""Every error that Keepsake raises, in one tree.

    KeepsakeError
        ├── StartError            the process can't start (exit code 1)
    │   ├── SettingError      a variable is missing or wrong (exit code 2)
        │   └── ArchiveError      a history can't be exported or imported
        ├── Undeliverable         Telegram will never accept this message
        └── ModelError            the model gave no answer
        ├── WrongKey
        ├── NoPermission
        ├── NoCredit
        ├── RateLimited
        ├── ContextTooLong
        │   ├── MessageTooLong
        │   └── TooManyBytes
        ├── ContentRefused
        │   ├── MessageRefused
        │   └── InstructionsRefused
        ├── ImageRefused
        │   └── TooManyImages
        ├── MediaRefused
        ├── CannotSee
        ├── CannotHear
        ├── NothingHeard
        ├── SingleTurn
        ├── ServerTrouble
        ├── NoAnswerInTime
        ├── StreamCut
        ├── EmptyAnswer
        │   └── ThoughtsTooLong
        ├── RequestRefused
        ├── CompactionPaused
                └── BudgetSpent       the model was not asked
            ├── UserBudgetSpent
            ├── ChatBudgetSpent
            └── TotalBudgetSpent

Errors of libraries (openai, telegram, sqlite3) are translated where they are caught, ``from exc``. The first paragraph
of a ``ModelError``'s docstring is what the user reads; the message it was raised with is for the log.
"""

from collections.abc import Mapping


class KeepsakeError(Exception):
    """The base of all errors that Keepsake raises."""


class StartError(KeepsakeError):
    """The bot can't start; the message says why in one line."""


class SettingError(StartError):
    """A setting is missing or wrong; the message begins with the variable's name."""


class ArchiveError(StartError):
    """A history can't be exported or imported; the message says why in one line."""


class Undeliverable(KeepsakeError):
    """Telegram refuses this message for good: the bot was blocked, or the chat is gone."""


class ModelError(KeepsakeError):
    """I couldn't get an answer from the model. Please try again with /retry.

    `model` and `request_id` identify the request, as far as they are known; `retry_after` is the server's header.
    """

    model = ""
    request_id = ""
    retry_after = ""
    wait_s: float | None = None
    """The seconds to wait according to the server's error message, where its headers don't say."""
    status: int | None = None
    """The HTTP status, if there was a response."""
    fields = ""
    """The names of the request's fields that the server objects to."""
    reached = True
    """Whether the server could be reached at all."""
    sent = True
    """Whether the request was sent at all."""
    words: Mapping[str, str] = {}
    """The values of the placeholders in the sentence."""

    @property
    def sentence(self) -> str:
        """What the user reads: the first paragraph of the class's docstring, on one line."""
        paragraph = (type(self).__doc__ or "").split("\n\n", 1)[0]
        return " ".join(paragraph.split()).format(**self.words)


class WrongKey(ModelError):
    """The model server rejects this bot's key. The bot's operator has to fix that; nothing you wrote is lost."""


class NoPermission(ModelError):
    """This bot isn't allowed to use its model. The bot's operator has to fix that; nothing you wrote is lost."""


class NoCredit(ModelError):
    """This bot's account with the model server is out of credit. Its operator has to top it up; nothing is lost."""


class RateLimited(ModelError):
    """The model server is busy and asked me to slow down. Please try again in a minute with /retry."""


class ContextTooLong(ModelError):
    """This conversation is longer than the model can read. Start over with /reset, or send a shorter message."""

    limit: int | None = None
    """The most tokens that a prompt may have, if the server says so."""


class MessageTooLong(ContextTooLong):
    """That message is longer than the model can read, so I left it out. Please send it in shorter pieces."""


class TooManyBytes(ContextTooLong):
    """That's more than the model server can take at once. Start over with /reset, or send something smaller."""


class ContentRefused(ModelError):
    """The model server's content filter stopped this answer. It may help to put your message in other words."""


class MessageRefused(ContentRefused):
    """The model server's content filter refused that message, so I'll leave it out. Please put it in other words."""

    turn_ids: tuple[int, ...] = ()
    """The turns that are left out."""


class InstructionsRefused(ContentRefused):
    """The model server's content filter refuses my instructions for this chat. Try another persona: /settings."""


class ImageRefused(ModelError):
    """The model couldn't read that picture. Please try another one, or a smaller one."""


class TooManyImages(ImageRefused):
    """The model can only look at a few pictures at once, so it no longer sees the oldest ones."""

    most: int | None = None
    """How many pictures the model takes, if the server says so."""


class MediaRefused(ModelError):
    """The model couldn't take in what you sent. Please try another file, or a smaller one."""


class CannotSee(ModelError):
    """My model can't see pictures. I've kept yours for when it can. Please tell me in words what matters."""


class CannotHear(ModelError):
    """My model can't listen to audio. I've kept your recording for when it can. Please write to me instead."""


class NothingHeard(ModelError):
    """I couldn't hear any words in that."""


class SingleTurn(ModelError):
    """This chat's model takes one message at a time, so it can't look back. Another one may: see /settings."""


class ServerTrouble(ModelError):
    """The model server is having problems right now. Please try again in a while with /retry."""


class NoAnswerInTime(ModelError):
    """The model didn't answer in time. Please try again with /retry."""


class StreamCut(ModelError):
    """The connection to the model broke in the middle of the answer. Please try again with /retry."""


class EmptyAnswer(ModelError):
    """The model had nothing to say to that. Please try again with /retry, or put it in other words."""


class ThoughtsTooLong(EmptyAnswer):
    """The model was still thinking when it reached its limit. Please try again with /retry, or ask for less."""


class RequestRefused(ModelError):
    """The model server refused the request. Please try /retry; if that doesn't help, tell the bot's operator."""


class CompactionPaused(ModelError):
    """Updating my notes failed several times in a row, so I've paused it for a week. Press again to try anyway.

    The model wasn't asked.
    """


class BudgetSpent(ModelError):
    """Today's budget is used up. I'll answer again after midnight ({zone})."""

    words: Mapping[str, str] = {"zone": "UTC"}
    until = 0.0
    """When the budget is renewed, in Unix seconds."""


class UserBudgetSpent(BudgetSpent):
    """You've used up your budget for today. I'll answer again after midnight ({zone}). Use /retry then."""


class ChatBudgetSpent(BudgetSpent):
    """This chat has used up its budget for today. I'll answer again after midnight ({zone}). Use /retry then."""


class TotalBudgetSpent(BudgetSpent):
    """I've used up my budget for today. I'll answer again after midnight ({zone}). Use /retry then."""
