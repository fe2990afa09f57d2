"""Keepsake: a Telegram chatbot that keeps one memory per chat."""
