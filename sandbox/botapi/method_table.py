"""The methods of the server, each with all its parameters in Bot API 10.1, and some of 10.3."""

from collections.abc import Mapping

from sandbox.botapi.methods import about_chats, editing, receiving, sending
from sandbox.botapi.parameters import (
    Method,
    Parameter,
    anything,
    array,
    boolean,
    chat,
    inline_keyboard,
    integer,
    picture,
    record,
    reply_markup,
    string,
    unsupported,
    upload,
)

UNSUPPORTED = Parameter(unsupported)
FLAG = Parameter(boolean)
TEXT = Parameter(string)
NUMBER = Parameter(integer)
TEXTS = Parameter(array(string))
CHAT = Parameter(chat, required=True, missing="chat_id is empty")
MESSAGE = Parameter(integer, required=True, missing="message identifier is not specified")

_user = record(
    {"id": integer},
    {**dict.fromkeys(("first_name", "last_name", "username", "language_code"), string), "is_bot": boolean},
)
_entity = record(
    {"type": string, "offset": integer, "length": integer},
    {
        **dict.fromkeys(("url", "language", "custom_emoji_id", "date_time_format"), string),
        "user": _user,
        "unix_time": integer,
    },
)
_link_preview = record(
    {},
    {
        **dict.fromkeys(("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text"), boolean),
        "url": string,
    },
)
_reply = record(
    {},
    {
        "message_id": integer,
        "ephemeral_message_id": integer,
        "chat_id": chat,
        "allow_sending_without_reply": boolean,
        **dict.fromkeys(
            (
                "quote",
                "quote_parse_mode",
                "quote_entities",
                "quote_position",
                "checklist_task_id",
                "poll_option_id",
            ),
            unsupported,
        ),
    },
)
_rich = record(
    {},
    {
        "html": string,
        "markdown": string,
        "blocks": array(anything),
        "is_rtl": boolean,
        "skip_entity_detection": boolean,
    },
)
_scope = record({"type": string}, {"chat_id": chat, "user_id": integer})

ENTITIES = Parameter(array(_entity))
COMMANDS = Parameter(
    array(record({"command": string, "description": string}, {"is_ephemeral": boolean})), required=True
)
RICH = Parameter(_rich, required=True)
_alone = record(
    {"receiver_user_id": integer}, {"callback_query_id": string, "replace_callback_query_message": unsupported}
)

FORMATTED: Mapping[str, Parameter] = {"parse_mode": UNSUPPORTED, "entities": ENTITIES}
CAPTIONED: Mapping[str, Parameter] = {"caption": TEXT, "parse_mode": UNSUPPORTED, "caption_entities": ENTITIES}
SENT: Mapping[str, Parameter] = {
    "chat_id": CHAT,
    "message_thread_id": NUMBER,
    "direct_messages_topic_id": NUMBER,
    "disable_notification": FLAG,
    "protect_content": FLAG,
    "reply_parameters": Parameter(_reply),
    "ephemeral_message_parameters": Parameter(_alone, since="10.3"),
    "reply_markup": Parameter(reply_markup),
    **dict.fromkeys(
        (
            "business_connection_id",
            "allow_paid_broadcast",
            "message_effect_id",
            "suggested_post_parameters",
        ),
        UNSUPPORTED,
    ),
}
DRAFTED: Mapping[str, Parameter] = {
    "chat_id": CHAT,
    "message_thread_id": NUMBER,
    "draft_id": Parameter(integer, required=True),
    "can_stop": Parameter(boolean, since="10.3"),
    "keep_on_stop": Parameter(boolean, since="10.3"),
}
EDITED: Mapping[str, Parameter] = {
    "chat_id": CHAT,
    "message_id": MESSAGE,
    "reply_markup": Parameter(inline_keyboard),
    "business_connection_id": UNSUPPORTED,
    "inline_message_id": UNSUPPORTED,
}
EPHEMERAL: Mapping[str, Parameter] = {
    "chat_id": CHAT,
    "receiver_user_id": Parameter(integer, required=True),
    "ephemeral_message_id": MESSAGE,
}
SCOPED: Mapping[str, Parameter] = {"scope": Parameter(_scope), "language_code": TEXT}

METHODS: Mapping[str, Method] = {
    "getMe": Method(about_chats.get_me, {}),
    "getUpdates": Method(
        receiving.get_updates, {"offset": NUMBER, "limit": NUMBER, "timeout": NUMBER, "allowed_updates": TEXTS}
    ),
    "setWebhook": Method(
        receiving.set_webhook,
        {
            "url": Parameter(string, required=True),
            "certificate": UNSUPPORTED,
            "ip_address": UNSUPPORTED,
            "max_connections": NUMBER,
            "allowed_updates": TEXTS,
            "drop_pending_updates": FLAG,
            "secret_token": TEXT,
        },
    ),
    "deleteWebhook": Method(receiving.delete_webhook, {"drop_pending_updates": FLAG}),
    "getWebhookInfo": Method(receiving.get_webhook_info, {}),
    "sendMessage": Method(
        sending.send_message,
        {
            **SENT,
            **FORMATTED,
            "text": Parameter(string, required=True, missing="message text is empty"),
            "link_preview_options": Parameter(_link_preview),
        },
    ),
    "copyMessage": Method(
        sending.copy_message,
        {
            **SENT,
            **CAPTIONED,
            "from_chat_id": Parameter(chat, required=True, missing="from_chat_id is empty"),
            "message_id": MESSAGE,
            "video_start_timestamp": UNSUPPORTED,
            "show_caption_above_media": FLAG,
        },
    ),
    "sendPhoto": Method(
        sending.send_photo,
        {
            **SENT,
            **CAPTIONED,
            "photo": Parameter(picture, required=True, missing="there is no photo in the request"),
            "show_caption_above_media": FLAG,
            "has_spoiler": FLAG,
        },
    ),
    "sendVoice": Method(
        sending.send_voice,
        {
            **SENT,
            **CAPTIONED,
            "voice": Parameter(upload, required=True, missing="there is no voice in the request"),
            "duration": NUMBER,
        },
    ),
    "sendDocument": Method(
        sending.send_document,
        {
            **SENT,
            **CAPTIONED,
            "document": Parameter(upload, required=True, missing="there is no document in the request"),
            "thumbnail": UNSUPPORTED,
            "disable_content_type_detection": FLAG,
        },
    ),
    "sendRichMessage": Method(sending.send_rich_message, {**SENT, "rich_message": RICH}, since="10.1"),
    "sendMessageDraft": Method(sending.send_message_draft, {**DRAFTED, **FORMATTED, "text": TEXT}, since="9.3"),
    "sendRichMessageDraft": Method(sending.send_rich_message_draft, {**DRAFTED, "rich_message": RICH}, since="10.1"),
    "sendChatAction": Method(
        sending.send_chat_action,
        {
            "business_connection_id": UNSUPPORTED,
            "chat_id": CHAT,
            "message_thread_id": NUMBER,
            "action": Parameter(string, required=True),
        },
    ),
    "editMessageText": Method(
        editing.edit_message_text,
        {
            **EDITED,
            **FORMATTED,
            "text": TEXT,
            "link_preview_options": Parameter(_link_preview),
            "rich_message": Parameter(_rich, since="10.1"),
        },
    ),
    "editMessageCaption": Method(editing.edit_message_caption, {**EDITED, **CAPTIONED}),
    "editMessageReplyMarkup": Method(editing.edit_message_reply_markup, EDITED),
    "editEphemeralMessageText": Method(
        editing.edit_text,
        {
            **EPHEMERAL,
            **FORMATTED,
            "text": TEXT,
            "rich_message": Parameter(_rich),
            "link_preview_options": Parameter(_link_preview),
            "reply_markup": Parameter(inline_keyboard),
        },
        since="10.3",
    ),
    "editEphemeralMessageReplyMarkup": Method(
        editing.edit_reply_markup, {**EPHEMERAL, "reply_markup": Parameter(inline_keyboard)}, since="10.3"
    ),
    "deleteEphemeralMessage": Method(editing.delete, EPHEMERAL, since="10.3"),
    "deleteMessage": Method(editing.delete_message, {"chat_id": CHAT, "message_id": MESSAGE}),
    "deleteMessages": Method(
        editing.delete_messages, {"chat_id": CHAT, "message_ids": Parameter(array(integer), required=True)}
    ),
    "answerCallbackQuery": Method(
        receiving.answer_callback_query,
        {
            "callback_query_id": Parameter(string, required=True),
            "text": TEXT,
            "show_alert": FLAG,
            "url": UNSUPPORTED,
            "cache_time": NUMBER,
        },
    ),
    "setMyCommands": Method(about_chats.set_my_commands, {**SCOPED, "commands": COMMANDS}),
    "getMyCommands": Method(about_chats.get_my_commands, SCOPED),
    "deleteMyCommands": Method(about_chats.delete_my_commands, SCOPED),
    "setMyDescription": Method(about_chats.set_my_description, {"description": TEXT, "language_code": TEXT}),
    "getMyDescription": Method(about_chats.get_my_description, {"language_code": TEXT}),
    "setMyShortDescription": Method(
        about_chats.set_my_short_description, {"short_description": TEXT, "language_code": TEXT}
    ),
    "getMyShortDescription": Method(about_chats.get_my_short_description, {"language_code": TEXT}),
    "getFile": Method(receiving.get_file, {"file_id": Parameter(string, required=True)}),
    "getChat": Method(about_chats.get_chat, {"chat_id": CHAT}),
    "getChatMember": Method(
        about_chats.get_chat_member, {"chat_id": CHAT, "user_id": Parameter(integer, required=True)}
    ),
    "editForumTopic": Method(
        about_chats.edit_forum_topic,
        {
            "chat_id": CHAT,
            "message_thread_id": Parameter(integer, required=True),
            "name": TEXT,
            "icon_custom_emoji_id": UNSUPPORTED,
        },
    ),
    "leaveChat": Method(about_chats.leave_chat, {"chat_id": CHAT}),
}

BY_LOWER_NAME = {name.lower(): (name, method) for name, method in METHODS.items()}
"""Telegram ignores the case of method names."""
