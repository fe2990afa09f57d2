"""Messages of words: plain, formatted, rich, and in whatever envelope they come."""

from sandbox.botapi.wire import Json
from tests.corpus.cards import BERN
from tests.corpus.files import ANIMATION, AUDIO, DOCUMENT, VIDEO, VOICE, sizes
from tests.corpus.people import (
    ANN,
    BOB,
    CHANNEL,
    DIRECT,
    FORUM,
    GROUP,
    HELPER,
    NOON,
    PRIVATE,
    SUPERGROUP,
    in_group,
    message,
    private,
)

_FORMATS = ("bold", "italic", "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code")
_FOUND = ("mention", "hashtag", "cashtag", "url", "email", "phone_number")
_ENTITIES: list[Json] = [
    *({"type": kind, "offset": 0, "length": 4} for kind in _FORMATS + _FOUND),
    {"type": "pre", "offset": 0, "length": 4, "language": "python"},
    {"type": "text_link", "offset": 5, "length": 4, "url": "https://menu.example/today"},
    {"type": "text_mention", "offset": 5, "length": 4, "user": BOB},
    {"type": "custom_emoji", "offset": 5, "length": 2, "custom_emoji_id": "5368324170671202286"},
    {"type": "date_time", "offset": 5, "length": 4, "unix_time": NOON, "date_time_format": "wdt"},
    {"type": "a kind of tomorrow", "offset": 0, "length": 1},
]
_BUTTONS: list[list[Json]] = [
    [{"text": "Open", "url": "https://shop.example", "style": "primary", "icon_custom_emoji_id": "1"}],
    [{"text": "App", "web_app": {"url": "https://shop.example/app"}}, {"text": "Copy", "copy_text": {"text": "42"}}],
    [{"text": "Log in", "login_url": {"url": "https://shop.example/login"}}, {"text": "Yes", "callback_data": "y"}],
    [
        {"text": "Share", "switch_inline_query": "tea"},
        {"text": "Here", "switch_inline_query_current_chat": ""},
        {"text": "There", "switch_inline_query_chosen_chat": {"query": "tea", "allow_user_chats": True}},
    ],
]
_CAPTION: Json = {"text": "a caption", "credit": ["by ", {"type": "bold", "text": "Ann"}]}
_INLINE: list[object] = [
    "Plain, ",
    *(
        {"type": kind, "text": kind}
        for kind in ("bold", "italic", "underline", "strikethrough", "spoiler", "subscript", "superscript", "marked")
    ),
    {"type": "code", "text": "x = 1"},
    {"type": "date_time", "text": "noon", "unix_time": NOON, "date_time_format": "t"},
    {"type": "text_mention", "text": "Bob", "user": BOB},
    {"type": "custom_emoji", "custom_emoji_id": "1", "alternative_text": "👍"},
    {"type": "mathematical_expression", "expression": "a^2"},
    {"type": "url", "text": "menu", "url": "https://menu.example"},
    {"type": "email_address", "text": "a@b.example", "email_address": "a@b.example"},
    {"type": "phone_number", "text": "+41", "phone_number": "+41"},
    {"type": "bank_card_number", "text": "4242", "bank_card_number": "4242"},
    {"type": "mention", "text": "@bob", "username": "bob"},
    {"type": "hashtag", "text": "#tea", "hashtag": "tea"},
    {"type": "cashtag", "text": "$CHF", "cashtag": "CHF"},
    {"type": "bot_command", "text": "/help", "bot_command": "help"},
    {"type": "anchor", "name": "top"},
    {"type": "anchor_link", "text": "up", "anchor_name": "top"},
    {"type": "reference", "text": "a note", "name": "n1"},
    {"type": "reference_link", "text": "1", "reference_name": "n1"},
    {"type": "button", "button": {"text": "Vote", "callback_data": "v", "style": "link"}},
    {"type": "a word of tomorrow", "text": "new"},
]
_SAID: Json = {"type": "paragraph", "text": ["said ", {"type": "italic", "text": ["in ", "earnest"]}]}


def _cell(text: str, **fields: object) -> Json:
    return {"text": text, "align": "left", "valign": "top", **fields}


RICH: Json = {
    "blocks": [
        {"type": "heading", "text": "A rich heading", "size": 1},
        {"type": "paragraph", "text": _INLINE},
        {"type": "pre", "text": "print(1)", "language": "python"},
        {"type": "divider"},
        {"type": "mathematical_expression", "expression": "e = mc^2"},
        {"type": "anchor", "name": "middle"},
        {
            "type": "list",
            "items": [
                {"label": "1.", "blocks": [_SAID], "value": 1, "type": "1"},
                {"label": "•", "blocks": [_SAID], "has_checkbox": True, "is_checked": True},
            ],
        },
        {"type": "blockquote", "blocks": [_SAID], "credit": "Bob"},
        {"type": "pullquote", "text": "pulled", "credit": "Bob"},
        {"type": "collage", "blocks": [{"type": "photo", "photo": sizes("collage")}], "caption": _CAPTION},
        {"type": "slideshow", "blocks": [{"type": "video", "video": VIDEO, "has_spoiler": True}], "caption": _CAPTION},
        {
            "type": "table",
            "cells": [
                [_cell("Tea", is_header=True, colspan=1, rowspan=1), _cell("Price", is_header=True)],
                [_cell("Green"), _cell("12")],
                [{"align": "left", "valign": "top"}],
            ],
            "is_bordered": True,
            "is_striped": True,
            "caption": "Prices",
        },
        {"type": "details", "summary": "More", "blocks": [_SAID], "is_open": True},
        {"type": "map", "location": BERN, "zoom": 12, "width": 600, "height": 400, "caption": _CAPTION},
        {"type": "photo", "photo": sizes("rich"), "has_spoiler": True, "caption": _CAPTION},
        {"type": "video", "video": VIDEO, "caption": _CAPTION},
        {"type": "animation", "animation": ANIMATION, "has_spoiler": True, "caption": _CAPTION},
        {"type": "audio", "audio": AUDIO, "caption": _CAPTION},
        {"type": "voice_note", "voice_note": VOICE, "caption": _CAPTION},
        {"type": "document", "document": DOCUMENT, "caption": _CAPTION},
        {"type": "expandable_blockquote", "text": ["a long ", {"type": "bold", "text": "quote"}], "credit": "Eve"},
        {
            "type": "buttons",
            "align": "center",
            "buttons": [
                {
                    "text": ["Buy ", {"type": "custom_emoji", "custom_emoji_id": "1", "alternative_text": "👍"}],
                    "url": "u",
                },
                {"text": "Sold out", "style": "danger", "disabled": {}},
            ],
        },
        {"type": "footer", "text": "the end"},
        {"type": "thinking", "text": "hm"},
        {"type": "a block of tomorrow", "text": "whatever comes"},
    ],
    "is_rtl": True,
}
_BOB_CALLED: Json = {"type": "mention", "text": "@bob", "username": "bob"}
"""In one block of each kind that holds words."""
CALLS: dict[str, Json] = {
    "paragraph": {"type": "paragraph", "text": ["ask ", _BOB_CALLED]},
    "heading": {"type": "heading", "size": 2, "text": _BOB_CALLED},
    "list item": {"type": "list", "items": [{"label": "•", "blocks": [{"type": "paragraph", "text": _BOB_CALLED}]}]},
    "quote": {"type": "blockquote", "blocks": [{"type": "paragraph", "text": ["so ", _BOB_CALLED]}], "credit": "Eve"},
    "pulled quote": {"type": "pullquote", "text": "so", "credit": ["by ", _BOB_CALLED]},
    "expandable quote": {"type": "expandable_blockquote", "text": {"type": "bold", "text": [_BOB_CALLED]}},
    "table cell": {"type": "table", "cells": [[_cell("Tea"), {"text": _BOB_CALLED, "align": "left", "valign": "top"}]]},
    "caption of a table": {"type": "table", "cells": [[_cell("Tea")]], "caption": [_BOB_CALLED]},
    "details": {"type": "details", "summary": "More", "blocks": [{"type": "paragraph", "text": _BOB_CALLED}]},
    "summary": {"type": "details", "summary": ["for ", _BOB_CALLED], "blocks": []},
    "caption": {"type": "photo", "photo": sizes("rich"), "caption": {"text": ["look, ", _BOB_CALLED]}},
    "footer": {"type": "footer", "text": _BOB_CALLED},
}
_NEW_GROUP: Json = SUPERGROUP | {"is_forum": False}

WORDS: dict[str, Json] = {
    "text": private(text="Hello there", has_protected_content=True, effect_id="5104841245755180586"),
    "text with all entities": in_group(text="Bold link", entities=_ENTITIES),
    "text with a preview": private(
        text="https://menu.example",
        entities=[{"type": "url", "offset": 0, "length": 20}],
        link_preview_options={
            "is_disabled": False,
            "url": "https://menu.example",
            "prefer_small_media": True,
            "prefer_large_media": False,
            "show_above_text": True,
        },
    ),
    "text with buttons": private(text="Choose", via_bot=HELPER, reply_markup={"inline_keyboard": _BUTTONS}),
    "rich message": private(rich_message=RICH),
    "text from right to left": private(text="שלום, מה שלומך?"),
    "text of emoji only": private(text="👨‍👩‍👧‍👦🏳️‍🌈"),
    "text that was edited": private(text="Hello, again", edit_date=NOON + 60),
    "text of an anonymous administrator": in_group(
        text="Hello all",
        sender_chat=_NEW_GROUP,
        author_signature="Host",
        sender_tag="boss",
        **{"from": {"id": 1_087_968_824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}},
    ),
    "text of a channel that speaks in a group": in_group(
        text="News",
        sender_chat=CHANNEL,
        **{"from": {"id": 136_817_688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}},
    ),
    "post of a channel in its group": in_group(
        text="News",
        sender_chat=CHANNEL,
        is_automatic_forward=True,
        forward_origin={"type": "channel", "date": NOON, "chat": CHANNEL, "message_id": 5, "author_signature": "Eva"},
        **{"from": {"id": 777_000, "is_bot": False, "first_name": "Telegram"}},
    ),
    "text in a topic": message(FORUM, text="Which wheels?", message_thread_id=33, is_topic_message=True),
    "text in a small group": message(GROUP, text="Hello neighbours"),
    "text of another bot": in_group(text="I am a bot too", **{"from": HELPER}),
    "text that was paid for": message(DIRECT, text="Read me", paid_star_count=10, is_paid_post=True, sender_tag="fan"),
    "text for a business": private(
        text="Are you open?", business_connection_id="b1", sender_business_bot=HELPER, is_from_offline=True
    ),
    "text to a guest": in_group(
        text="What do you say?", guest_query_id="q1", guest_bot_caller_user=ANN, guest_bot_caller_chat=PRIVATE
    ),
    "forward of a person": private(text="Look", forward_origin={"type": "user", "date": NOON - 60, "sender_user": BOB}),
    "forward of somebody hidden": private(
        text="Look", forward_origin={"type": "hidden_user", "date": NOON - 60, "sender_user_name": "Carol"}
    ),
    "forward of a group": private(
        text="Look",
        forward_origin={"type": "chat", "date": NOON - 60, "sender_chat": SUPERGROUP, "author_signature": "Host"},
    ),
    "forward of a channel": private(
        photo=sizes("forward"),
        caption="News",
        forward_origin={"type": "channel", "date": NOON - 60, "chat": CHANNEL, "message_id": 5},
    ),
    "forward of a kind of tomorrow": private(text="Look", forward_origin={"type": "a dream", "date": NOON - 60}),
    **{f"mention in a {name}": in_group(rich_message={"blocks": [block]}) for name, block in CALLS.items()},
    "post of a channel to its members, rich": in_group(
        rich_message={"blocks": [{"type": "paragraph", "text": "Rich news"}]},
        sender_chat=CHANNEL,
        is_automatic_forward=True,
        forward_origin={"type": "channel", "date": NOON, "chat": CHANNEL, "message_id": 6},
        **{"from": {"id": 777_000, "is_bot": False, "first_name": "Telegram"}},
    ),
    "rich message in a channel's direct messages": message(
        DIRECT, rich_message={"blocks": [{"type": "paragraph", "text": "A rich question"}]}
    ),
    "rich message that was forwarded": private(
        rich_message={"blocks": [{"type": "paragraph", "text": "/allow 666"}]},
        forward_origin={"type": "user", "date": NOON - 60, "sender_user": BOB},
    ),
    "ephemeral text": in_group(text="Keepsake, hello", receiver_user=HELPER, ephemeral_message_id=3),
    "ephemeral rich message": in_group(rich_message=RICH, receiver_user=HELPER, ephemeral_message_id=4),
    "content of a kind of tomorrow": private(hologram={"width": 3, "height": 3, "depth": 3}),
}
