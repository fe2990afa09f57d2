"""The engine: what is said, what the model gets, and what is kept of its answer. No Telegram, no openai."""
