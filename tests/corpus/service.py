"""What Telegram itself tells in a chat: nobody says it to anybody."""

from sandbox.botapi.wire import Json
from tests.corpus.files import DOCUMENT, sizes
from tests.corpus.people import ANN, BOB, CHANNEL, FORUM, GROUP, HELPER, NOON, SUPERGROUP, in_group, message, private

_FILL: Json = {"type": "gradient", "top_color": 1, "bottom_color": 2, "rotation_angle": 45}
_BACKGROUNDS: dict[str, Json] = {
    "fill": {"type": "fill", "fill": {"type": "solid", "color": 255}, "dark_theme_dimming": 10},
    "wallpaper": {
        "type": "wallpaper",
        "document": DOCUMENT,
        "dark_theme_dimming": 10,
        "is_blurred": True,
        "is_moving": True,
    },
    "pattern": {
        "type": "pattern",
        "document": DOCUMENT,
        "fill": _FILL,
        "intensity": 50,
        "is_inverted": True,
        "is_moving": True,
    },
    "freeform": {
        "type": "fill",
        "fill": {"type": "freeform_gradient", "colors": [1, 2, 3]},
        "dark_theme_dimming": 0,
    },
    "theme": {"type": "chat_theme", "theme_name": "🏡"},
}


def _in_forum(**fields: object) -> Json:
    return message(FORUM, message_thread_id=33, is_topic_message=True, **fields)


SERVICE: dict[str, Json] = {
    "members who joined": in_group(new_chat_members=[BOB, HELPER]),
    "member who left": in_group(left_chat_member=BOB),
    "owner who left": in_group(chat_owner_left={"new_owner": BOB}),
    "owner who changed": in_group(chat_owner_changed={"new_owner": BOB}),
    "new title": in_group(new_chat_title="Hikers of Bern"),
    "new picture of the chat": in_group(new_chat_photo=sizes("chat")),
    "picture of the chat that was deleted": in_group(delete_chat_photo=True),
    "new group": message(GROUP, group_chat_created=True),
    "new supergroup": in_group(supergroup_chat_created=True),
    "new channel": message(CHANNEL, channel_chat_created=True),
    "timer of messages": in_group(message_auto_delete_timer_changed={"message_auto_delete_time": 86_400}),
    "group that moves to a supergroup": message(GROUP, migrate_to_chat_id=SUPERGROUP["id"]),
    "supergroup that was a group": in_group(migrate_from_chat_id=GROUP["id"]),
    "pinned message": in_group(pinned_message=in_group(text="Meeting at noon")),
    "pinned message that is gone": in_group(pinned_message={"chat": SUPERGROUP, "message_id": 9, "date": 0}),
    "log-in on a website": private(connected_website="shop.example"),
    "leave to write": private(
        write_access_allowed={"from_request": True, "web_app_name": "shop", "from_attachment_menu": True}
    ),
    "boost": in_group(boost_added={"boost_count": 2}, sender_boost_count=2),
    **{f"background: {name}": private(chat_background_set={"type": kind}) for name, kind in _BACKGROUNDS.items()},
    "topic that was opened": _in_forum(
        forum_topic_created={
            "name": "Robots",
            "icon_color": 7_322_096,
            "icon_custom_emoji_id": "5368324170671202286",
            "is_name_implicit": True,
        }
    ),
    "topic that was renamed": _in_forum(forum_topic_edited={"name": "Drones", "icon_custom_emoji_id": "1"}),
    "topic that was closed": _in_forum(forum_topic_closed={}),
    "topic that was opened again": _in_forum(forum_topic_reopened={}),
    "general topic that was hidden": message(FORUM, general_forum_topic_hidden={}),
    "general topic that was shown": message(FORUM, general_forum_topic_unhidden={}),
    "bot that somebody manages": private(managed_bot_created={"bot": HELPER}),
    "community that a chat joined": in_group(community_chat_added={"community": {"id": 7, "name": "Towns"}}),
    "community that a chat left": in_group(community_chat_removed={}),
    "somebody who came by a community": in_group(community_chat_joined={"community": {"id": 7, "name": "Towns"}}),
    "call that was planned": in_group(video_chat_scheduled={"start_date": NOON + 3_600}),
    "call that began": in_group(video_chat_started={}),
    "call that ended": in_group(video_chat_ended={"duration": 90}),
    "call with guests": in_group(video_chat_participants_invited={"users": [ANN, BOB]}),
}
