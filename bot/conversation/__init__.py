"""The conversation engine: what users say, what the model is sent, what is stored. No Telegram, no openai."""
