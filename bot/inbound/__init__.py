"""From Telegram's messages to our own values."""
