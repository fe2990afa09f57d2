"""The conversation engine: what users say, what the model gets, what is kept. No Telegram, no openai."""
