"""Messages that nobody said: why each kind of them is passed over."""

_ROOM = "what happened to the chat itself, which nobody says to the bot"
_MEMBERS = "who comes and goes, which nobody says to the bot"
_CALL = "a call among people, which the bot takes no part in"
_MONEY = "a record of Telegram's own accounts, which nobody says to the bot"

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
        _ROOM,
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
    "connected_website": "a log-in elsewhere, of which Telegram tells the bot",
    "write_access_allowed": "a permission, not a message",
    "managed_bot_created": "an act of Telegram's settings, not a message",
    "passport_data": "documents of a person, encrypted for somebody else: not to be kept",
    "proximity_alert_triggered": "Telegram's own alarm between two people",
    "poll_option_added": "a change of a poll that was sent before",
    "poll_option_deleted": "a change of a poll that was sent before",
    "checklist_tasks_done": "a change of a list that was sent before",
    "checklist_tasks_added": "a change of a list that was sent before",
}
"""Fields of a message, and the reason for the bot's silence."""
