"""What a message holds besides words, as a short truthful text in square brackets: for the model, and the transcript.

Whatever strangers wrote (names, titles, options) is data in it: one line, bounded, and without brackets that could end
it. A message of a kind that is not known here is named as such; nothing is dropped in silence but what `SILENT` lists.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import timedelta

from telegram import (
    Animation,
    Audio,
    ChatShared,
    Checklist,
    Contact,
    Dice,
    Document,
    Game,
    GiftInfo,
    Giveaway,
    GiveawayWinners,
    Invoice,
    Location,
    Message,
    PaidMediaInfo,
    Poll,
    Sticker,
    Story,
    UniqueGiftInfo,
    UsersShared,
    Venue,
    Video,
    VideoNote,
    Voice,
    WebAppData,
)

LONGEST = 100
"""Characters of a name or a title."""
MOST_ITEMS = 12
"""Options of a poll, tasks of a list."""

Describe = Callable[..., str]


def described(message: Message) -> str | None:
    """The text for what a message holds besides its own words; None when there is nothing else."""
    told = held(message)
    if told or message.text is not None or message.caption is not None:
        return told
    unknown = next((name for name in message.api_kwargs if name not in NO_CONTENT), None)
    return f"[a message of a kind that I don't know: {clean(unknown)}]" if unknown else None


def held(holder: object) -> str | None:
    """The text for what a message, or a reply's account of a message elsewhere, holds."""
    for name, describe in KINDS.items():
        if value := getattr(holder, name, None):
            return f"[{describe(value)}]"
    return None


def clean(text: str | None) -> str:
    """A stranger's text as data: one line, bounded, without brackets and quotation marks of ours."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text or "")
    line = " ".join(re.sub(r"[\[\]\"]", " ", visible).split())
    return line if len(line) <= LONGEST else line[:LONGEST].rstrip() + "…"


def _seconds(value: int | timedelta | None) -> int:
    """A duration, which python-telegram-bot gives as one or the other."""
    return int(value.total_seconds()) if isinstance(value, timedelta) else int(value or 0)


def _duration(value: int | timedelta | None) -> str:
    minutes, seconds = divmod(_seconds(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _size(size: int | None) -> str:
    if size is None:
        return ""
    return f", {size / 1_048_576:.1f} MB" if size >= 104_858 else f", {max(1, round(size / 1024))} KB"


def _named(name: str | None, before: str) -> str:
    return f"{before}{shown}" if (shown := clean(name)) else ""


def _photo(_: object) -> str:
    return "photo"


def _animation(animation: Animation) -> str:
    return f"animation, {_duration(animation.duration)}, of which I see one picture"


def _video(video: Video) -> str:
    name, size = _named(video.file_name, " "), _size(video.file_size)
    return f"video{name}, {_duration(video.duration)}{size}, of which I see one picture"


def _video_note(note: VideoNote) -> str:
    return f"round video message, {_duration(note.duration)}"


def _voice(voice: Voice) -> str:
    return f"voice message, {_duration(voice.duration)}"


def _audio(audio: Audio) -> str:
    title = " - ".join(filter(None, (clean(audio.performer), clean(audio.title)))) or clean(audio.file_name)
    return f"audio{' ' + title if title else ''}, {_duration(audio.duration)}"


def _document(document: Document) -> str:
    return f"document{_named(document.file_name, ' ')}{_size(document.file_size)}"


def _live_photo(_: object) -> str:
    return "live photo, of which I see nothing"


def _sticker(sticker: Sticker) -> str:
    return f"sticker{_named(sticker.emoji, ' ')}{_named(sticker.set_name, ' of the set ')}"


def _story(story: Story) -> str:
    return f"story{_named(story.chat.effective_name, ' of ')}, which I can't see"


def _paid_media(media: PaidMediaInfo) -> str:
    return f"paid media for {media.star_count} stars, which I can't see"


def _location(location: Location) -> str:
    live = "live location" if location.live_period else "location"
    return f"{live}: {location.latitude:.5f}, {location.longitude:.5f}"


def _venue(venue: Venue) -> str:
    place = venue.location
    return f"place: {clean(venue.title)}, {clean(venue.address)} ({place.latitude:.5f}, {place.longitude:.5f})"


def _contact(contact: Contact) -> str:
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return f"contact: {clean(name)}, {clean(contact.phone_number)}"


def _poll(poll: Poll) -> str:
    options = "; ".join(clean(option.text) for option in poll.options[:MOST_ITEMS])
    kind = "quiz" if poll.type == Poll.QUIZ else "poll"
    return f'{kind}: "{clean(poll.question)}" with the options: {options}'


def _checklist(checklist: Checklist) -> str:
    tasks = (
        f"{'done' if task.completion_date else 'to do'}: {clean(task.text)}" for task in checklist.tasks[:MOST_ITEMS]
    )
    return f'checklist "{clean(checklist.title)}": {"; ".join(tasks)}'


def _dice(dice: Dice) -> str:
    return f"dice {clean(dice.emoji)}: {dice.value}"


def _game(game: Game) -> str:
    return f'game "{clean(game.title)}": {clean(game.description)}'


def _gift(info: GiftInfo) -> str:
    emoji, words = _named(info.gift.sticker.emoji, " "), _named(info.text, ", with the words: ")
    return f"gift{emoji} of {info.gift.star_count} stars{words}"


def _unique_gift(info: UniqueGiftInfo) -> str:
    return f"unique gift {clean(info.gift.base_name)} number {info.gift.number}"


def _giveaway(giveaway: Giveaway) -> str:
    chats = ", ".join(clean(chat.effective_name) for chat in giveaway.chats[:MOST_ITEMS])
    return f"giveaway with {giveaway.winner_count} winners, of: {chats}"


def _winners(winners: GiveawayWinners) -> str:
    names = ", ".join(clean(user.full_name) for user in winners.winners[:MOST_ITEMS])
    return f"giveaway won by: {names}"


def _invoice(invoice: Invoice) -> str:
    return f'invoice "{clean(invoice.title)}": {invoice.total_amount / 100:.2f} {clean(invoice.currency)}'


def _payment(_: object) -> str:
    return "a payment was made"


def _users(shared: UsersShared) -> str:
    names = (" ".join(filter(None, (user.first_name, user.last_name))) or user.username for user in shared.users)
    return f"shared contacts: {', '.join(clean(name) or 'somebody' for name in names)}"


def _chat_shared(shared: ChatShared) -> str:
    return f"shared chat: {clean(shared.title or shared.username) or 'one without a name'}"


def _web_app_data(data: WebAppData) -> str:
    return f"data of the web app behind the button {clean(data.button_text)}: {clean(data.data)}"


KINDS: Mapping[str, Describe] = {
    "animation": _animation,  # before document, which Telegram calls it too
    "live_photo": _live_photo,  # before photo
    "venue": _venue,  # before location
    "photo": _photo,
    "video": _video,
    "video_note": _video_note,
    "voice": _voice,
    "audio": _audio,
    "document": _document,
    "sticker": _sticker,
    "story": _story,
    "paid_media": _paid_media,
    "location": _location,
    "contact": _contact,
    "poll": _poll,
    "checklist": _checklist,
    "dice": _dice,
    "game": _game,
    "gift": _gift,
    "gift_upgrade_sent": _gift,
    "unique_gift": _unique_gift,
    "giveaway": _giveaway,
    "giveaway_winners": _winners,
    "invoice": _invoice,
    "successful_payment": _payment,
    "users_shared": _users,
    "chat_shared": _chat_shared,
    "web_app_data": _web_app_data,
}
"""By the field of the message, in the order in which they are looked for."""
NO_CONTENT = frozenset({"rich_message", "forum_topic_created", "guest_query_id"})
"""Fields that python-telegram-bot may not know and that are no kind of content."""
