"""What stands under a message of ours: buttons, or a reply that Telegram's app opens, which can't be edited later."""

from collections.abc import Sequence

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from storage.records import Button, Notice


def below(notice: Notice) -> InlineKeyboardMarkup | ForceReply | None:
    """What stands under a notice; in a group a question opens the reply of whoever is asked."""
    if notice.asks:
        return ForceReply(selective=True, input_field_placeholder=notice.placeholder)
    return markup(notice.buttons)


def markup(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Buttons below one another."""
    rows = [[InlineKeyboardButton(button.label, callback_data=button.data)] for button in buttons]
    return InlineKeyboardMarkup(rows) if rows else None
