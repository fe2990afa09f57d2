"""Turning Telegram's messages into the conversation's own values."""
