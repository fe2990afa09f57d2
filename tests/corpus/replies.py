"""Messages that answer another one, or a part of it."""

from sandbox.botapi.wire import Json
from tests.corpus.cards import BERN, CHECKLIST, CONTACT, GAME, POLL, STORY, VENUE
from tests.corpus.files import ANIMATION, AUDIO, DOCUMENT, LIVE_PHOTO, STICKER, VIDEO, VIDEO_NOTE, VOICE, sizes
from tests.corpus.people import BOB, CHANNEL, FORUM, NOON, SUPERGROUP, in_group, message, private
from tests.corpus.trade import GIVEAWAY, INVOICE, UNIQUE_GIFT, WINNERS
from tests.corpus.words import RICH

_ORIGIN: Json = {"type": "channel", "date": NOON - 60, "chat": CHANNEL, "message_id": 5}
ELSEWHERE: dict[str, object] = {
    "animation": ANIMATION,
    "audio": AUDIO,
    "document": DOCUMENT,
    "live_photo": LIVE_PHOTO,
    "paid_media": {"star_count": 25, "paid_media": [{"type": "preview"}]},
    "photo": sizes("elsewhere"),
    "sticker": STICKER,
    "story": STORY,
    "video": VIDEO,
    "video_note": VIDEO_NOTE,
    "voice": VOICE,
    "checklist": CHECKLIST,
    "contact": CONTACT,
    "dice": {"emoji": "🎲", "value": 4},
    "game": GAME,
    "giveaway": GIVEAWAY,
    "giveaway_winners": WINNERS,
    "invoice": INVOICE,
    "location": BERN,
    "poll": POLL,
    "venue": VENUE,
}
"""What a message in another chat can hold, as far as Telegram tells it to the chat where it is answered."""


def _before(**fields: object) -> Json:
    return in_group(text="Where do we meet?") | {"message_id": 990, "from": BOB} | fields


def _only(chat: Json, **fields: object) -> Json:
    """A message of Bob without words."""
    return message(chat, **fields) | {"message_id": 990, "from": BOB}


REPLIES: dict[str, Json] = {
    "reply": in_group(text="At noon?", reply_to_message=_before()),
    "reply with a quote": in_group(
        text="Here?",
        reply_to_message=_before(),
        quote={
            "text": "meet",
            "entities": [{"type": "bold", "offset": 0, "length": 4}],
            "position": 12,
            "is_manual": True,
        },
    ),
    "reply to a photo": in_group(text="Nice", reply_to_message=_only(SUPERGROUP, photo=sizes("replied"))),
    "reply to a rich message": in_group(text="Why?", reply_to_message=_only(SUPERGROUP, rich_message=RICH)),
    "reply to an anonymous administrator": in_group(
        text="Yes", reply_to_message=_before(sender_chat=SUPERGROUP, author_signature="Host")
    ),
    "reply to who joined": in_group(text="Welcome!", reply_to_message=_only(SUPERGROUP, new_chat_members=[BOB])),
    "reply to a gift": private(text="Thank you", reply_to_message=_only(SUPERGROUP, unique_gift=UNIQUE_GIFT)),
    "reply to a story": private(text="Lovely", reply_to_story=STORY),
    "reply to a task": in_group(
        text="I do it", reply_to_message=_only(SUPERGROUP, checklist=CHECKLIST), reply_to_checklist_task_id=2
    ),
    "reply to an option": in_group(
        text="This one", reply_to_message=_only(SUPERGROUP, poll=POLL), reply_to_poll_option_id="o2"
    ),
    "first words of a topic": message(
        FORUM,
        text="Which wheels?",
        message_thread_id=33,
        is_topic_message=True,
        reply_to_message=_only(FORUM, forum_topic_created={"name": "Robots", "icon_color": 7_322_096}),
    ),
    "reply to words elsewhere": in_group(
        text="Is that so?",
        external_reply={
            "origin": _ORIGIN,
            "chat": CHANNEL,
            "message_id": 5,
            "link_preview_options": {"is_disabled": True},
        },
        quote={"text": "The bridge is closed", "position": 0},
    ),
    **{
        f"reply to {name} elsewhere": in_group(
            text="What is it?",
            external_reply={"origin": _ORIGIN, "chat": CHANNEL, "message_id": 5, name: content}
            | ({"has_media_spoiler": True} if name == "photo" else {}),
        )
        for name, content in ELSEWHERE.items()
    },
}
