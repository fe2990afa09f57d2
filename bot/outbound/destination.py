"""Where a message goes."""

from dataclasses import dataclass


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
    """No sound: more of the same follows, and its last part rings."""
