"""Descriptions of what a message contains besides text, in square brackets, for the model and the transcript.

An unknown kind of content is described as such if it has a caption; without one it is ignored, like everything in
`SILENT`.
"""

from collections.abc import Callable, Mapping

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
    LivePhoto,
    Location,
    Message,
    PaidMediaInfo,
    Poll,
    PollOption,
    Sticker,
    Story,
    SuccessfulPayment,
    UniqueGiftInfo,
    UsersShared,
    Venue,
    Video,
    VideoNote,
    Voice,
    WebAppData,
)

from bot.inbound.sanitize import amount, clean, count, duration, listed, named, size

_CHAT = "a change of the chat itself, which is not said to the bot"
_MEMBERS = "a change of the members, which is not said to the bot"
_CALL = "a call between people, in which the bot takes no part"
_MONEY = "a record of a transaction, which is not said to the bot"
SILENT = {
    **dict.fromkeys(
        (
            "new_chat_title",
            "new_chat_photo",
            "delete_chat_photo",
            "group_chat_created",
            "supergroup_chat_created",
            "channel_chat_created",
            "message_auto_delete_timer_changed",
            "pinned_message",
            "chat_background_set",
            "forum_topic_created",
            "forum_topic_edited",
            "forum_topic_closed",
            "forum_topic_reopened",
            "general_forum_topic_hidden",
            "general_forum_topic_unhidden",
            "direct_message_price_changed",
            "paid_message_price_changed",
            "boost_added",
            "migrate_to_chat_id",
            "migrate_from_chat_id",
            "community_chat_added",
            "community_chat_removed",
        ),
        _CHAT,
    ),
    **dict.fromkeys(
        ("new_chat_members", "left_chat_member", "chat_owner_left", "chat_owner_changed", "community_chat_joined"),
        _MEMBERS,
    ),
    **dict.fromkeys(
        (
            "video_chat_scheduled",
            "video_chat_started",
            "video_chat_ended",
            "video_chat_participants_invited",
        ),
        _CALL,
    ),
    **dict.fromkeys(
        (
            "refunded_payment",
            "giveaway_created",
            "giveaway_completed",
            "suggested_post_approved",
            "suggested_post_approval_failed",
            "suggested_post_declined",
            "suggested_post_paid",
            "suggested_post_refunded",
        ),
        _MONEY,
    ),
    "connected_website": "a login on a website, not a message",
    "write_access_allowed": "a permission, not a message",
    "managed_bot_created": "an action in Telegram's settings, not a message",
    "passport_data": "a person's documents, encrypted for someone else, which must not be stored",
    "proximity_alert_triggered": "Telegram's own alert between two people",
    "poll_option_added": "a change of an earlier poll",
    "poll_option_deleted": "a change of an earlier poll",
    "checklist_tasks_done": "a change of an earlier checklist",
    "checklist_tasks_added": "a change of an earlier checklist",
}
"""Fields of messages that are ignored, and why."""
Describe = Callable[..., str]
NO_CONTENT = frozenset({"rich_message", "forum_topic_created", "guest_query_id", "receiver_user"})
"""Fields that python-telegram-bot may not know, and that are not a kind of content."""


def described(message: Message) -> str | None:
    """The description of a message's content besides its text; None if there is none."""
    return known_content(message, _sight(message)) or _unknown(message)


def known_content(holder: object, more: str = "") -> str | None:
    """The description of a known kind of content in a Message or ExternalReplyInfo, ending with `more`."""
    for name, describe in KINDS.items():
        if value := getattr(holder, name, None):
            return f"[{describe(value)}{more}]"
    return None


def _sight(message: Message) -> str:
    """What a model can see of something that moves: the still picture, if Telegram made one."""
    if message.live_photo is not None:
        return "" if not message.photo else ", of which one picture is here"
    moving = message.animation or message.video
    if moving is None:
        return ""
    return ", of which one picture is here" if moving.thumbnail else ", of which nothing is here to see"


def _unknown(message: Message) -> str | None:
    """The description of a kind of content that is newer than this code, recognized as an object next to a caption.

    Without a caption it is more likely an event in the chat than something said.
    """
    if message.caption is None or any(getattr(message, name, None) for name in SILENT):
        return None
    new = [name for name, value in message.api_kwargs.items() if isinstance(value, list | dict)]
    name = next((field for field in new if field not in NO_CONTENT | SILENT.keys()), None)
    return f"[a message of a kind that I don't know: {clean(name)}]" if name else None


def _photo(_: object) -> str:
    return "photo"


def _animation(animation: Animation) -> str:
    return f"animation, {duration(animation.duration)}"


def _video(video: Video) -> str:
    return f"video{named(video.file_name, ' ')}, {duration(video.duration)}{size(video.file_size)}"


def _video_note(note: VideoNote) -> str:
    return f"round video message, {duration(note.duration)}"


def _voice(voice: Voice) -> str:
    return f"voice message, {duration(voice.duration)}"


def _audio(audio: Audio) -> str:
    title = " - ".join(filter(None, (clean(audio.performer), clean(audio.title)))) or clean(audio.file_name)
    return f"audio{' ' + title if title else ''}, {duration(audio.duration)}"


def _document(document: Document) -> str:
    return f"document{named(document.file_name, ' ')}{size(document.file_size)}"


def _live_photo(photo: LivePhoto) -> str:
    return f"live photo, {duration(photo.duration)}"


def _sticker(sticker: Sticker) -> str:
    return f"sticker{named(sticker.emoji, ' ')}{named(sticker.set_name, ' of the set ')}"


def _story(story: Story) -> str:
    return f"story{named(story.chat.effective_name, ' of ')}, which I can't see"


def _paid_media(media: PaidMediaInfo) -> str:
    return f"paid media for {count(media.star_count, 'star')}, which I can't see"


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
    kind = "quiz" if poll.type == Poll.QUIZ else "poll"
    options = listed(_option(option) for option in poll.options)
    return f'{"closed " if poll.is_closed else ""}{kind}: "{clean(poll.question)}" with the options: {options}'


def _option(option: PollOption) -> str:
    """An option in quotation marks, so that its own text can't be mistaken for votes or further options."""
    return f'"{clean(option.text)}"' + (f" ({count(option.voter_count, 'vote')})" if option.voter_count else "")


def _checklist(checklist: Checklist) -> str:
    tasks = listed(f'{"done" if task.completion_date else "to do"}: "{clean(task.text)}"' for task in checklist.tasks)
    return f'checklist "{clean(checklist.title)}": {tasks}'


def _dice(dice: Dice) -> str:
    return f"dice {clean(dice.emoji)}: {dice.value}"


def _game(game: Game) -> str:
    return f'game "{clean(game.title)}": {clean(game.description)}'


def _gift(info: GiftInfo) -> str:
    emoji, words = named(info.gift.sticker.emoji, " "), named(info.text, ", with the words: ")
    return f"gift{emoji} of {count(info.gift.star_count, 'star')}{words}"


def _upgrade(info: GiftInfo) -> str:
    return f"upgrade of a {_gift(info)}"


def _unique_gift(info: UniqueGiftInfo) -> str:
    return f"unique gift {clean(info.gift.base_name)} number {info.gift.number}"


def _giveaway(giveaway: Giveaway) -> str:
    chats = listed((clean(chat.effective_name) for chat in giveaway.chats), ", ")
    return f"giveaway with {count(giveaway.winner_count, 'winner')}, of: {chats}{_prize(giveaway)}"


def _winners(giveaway: GiveawayWinners) -> str:
    names = listed((clean(user.full_name) for user in giveaway.winners), ", ")
    return f"giveaway won by: {names}{_prize(giveaway)}"


def _prize(giveaway: Giveaway | GiveawayWinners) -> str:
    stars, months = giveaway.prize_star_count, giveaway.premium_subscription_month_count
    prizes = (
        count(stars, "star") if stars else "",
        f"{count(months, 'month')} of Telegram Premium" if months else "",
        clean(giveaway.prize_description),
    )
    return f", to win: {', '.join(filter(None, prizes))}" if any(prizes) else ""


def _invoice(invoice: Invoice) -> str:
    price = amount(invoice.total_amount, invoice.currency)
    return f'invoice "{clean(invoice.title)}": {price}{named(invoice.description, ", ")}'


def _payment(payment: SuccessfulPayment) -> str:
    return f"a payment was made: {amount(payment.total_amount, payment.currency)}"


def _users(shared: UsersShared) -> str:
    names = (" ".join(filter(None, (user.first_name, user.last_name))) or user.username for user in shared.users)
    return f"shared contacts: {listed((clean(name) or 'somebody' for name in names), ', ')}"


def _chat_shared(shared: ChatShared) -> str:
    return f"shared chat: {clean(shared.title or shared.username) or 'one without a name'}"


def _web_app_data(data: WebAppData) -> str:
    return f"data of the web app behind the button {clean(data.button_text)}: {clean(data.data)}"


KINDS: Mapping[str, Describe] = {
    "animation": _animation,  # before document, which Telegram also sets
    "live_photo": _live_photo,  # before photo, for the same reason
    "venue": _venue,  # before location, for the same reason
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
    "gift_upgrade_sent": _upgrade,
    "unique_gift": _unique_gift,
    "giveaway": _giveaway,
    "giveaway_winners": _winners,
    "invoice": _invoice,
    "successful_payment": _payment,
    "users_shared": _users,
    "chat_shared": _chat_shared,
    "web_app_data": _web_app_data,
}
"""By the message's field, in the order in which they are tried."""
