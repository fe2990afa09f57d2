"""Where what a conversation is owed goes to, and in which shape."""

from bot.language import texts
from bot.outbound.content import Document, Photo, Voice
from bot.outbound.content import File as Upload
from bot.outbound.destination import Alone, Destination
from bot.outbound.refusals import failed_there, may_have_arrived
from storage.records import File, FileKind, Place


def destination(
    place: Place,
    private: bool,
    reply_to: int | None,
    receiver: int | None = None,
    query: str | None = None,
    edits: int | None = None,
) -> Destination:
    """Where a conversation is; `reply_to` is quoted in groups only.

    `receiver`: who alone is to see it there, if anybody, after the press `query`. What answers something that nobody
    else has seen, or takes the place of it (`edits`), is shown to nobody else: negative numbers are such messages'.
    """
    aside, number = place.alone_with, reply_to or 0
    topic = (place.thread_id or None) if aside is None else None
    thread, direct = (None, topic) if place.direct else (topic, None)
    alone = None
    if (whom := aside or receiver) is not None:
        answered = -number if number < 0 else None  # see `bot.outbound.ephemeral`
        strictly = aside is not None or min(number, edits or 0) < 0
        alone = Alone(whom, query, answered, strictly=strictly)
    quoted = number if number > 0 and not private else None
    return Destination(place.telegram_id, private, thread, direct, quoted, alone=alone)


def attachment(file: File, caption: str) -> Upload:
    """A file as it is sent."""
    if file.kind is FileKind.PHOTO:
        return Photo(file.data, caption)
    if file.kind is FileKind.VOICE:
        return Voice(file.data, caption)
    return Document(file.data, file.name or "file", caption)


def why_no_file(cause: BaseException | None) -> str:
    """What is said in place of a file that Telegram did not take."""
    if may_have_arrived(cause):
        return texts.UPLOAD_LATE
    return texts.UPLOAD_FAILED if failed_there(cause) else texts.UPLOAD_REFUSED
