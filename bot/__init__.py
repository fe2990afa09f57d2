"""Keepsake: a Telegram chatbot that keeps one memory per chat."""

__version__ = "0.1.0"
