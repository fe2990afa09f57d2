"""Where a message goes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alone:
    """The one member of a group that is to see a message, and what lets us show it to nobody else (Bot API 10.3)."""

    receiver: int
    query: str | None = None
    """A press of theirs on a button, some seconds old."""
    answers: int | None = None
    """An ephemeral message of theirs, as fresh."""
    strictly: bool = False
    """Where it can't be shown to them alone, it is shown to nobody."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat or one of its topics, and the message there that is answered."""

    chat_id: int
    private: bool
    """Drafts exist in private chats only, and flood limits differ."""
    thread_id: int | None = None
    direct_topic_id: int | None = None
    """In a channel's direct messages: whose topic it is."""
    reply_to: int | None = None
    """The message to quote, in the first part only; it may be gone by now."""
    quiet: bool = False
    """No sound: more of the same follows, if only the voice that says it too, and its last part rings."""
    alone: Alone | None = None
    patient: bool = False
    """What goes to other chats goes first: it is for strangers, or for everybody."""
