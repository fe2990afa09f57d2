"""Conversations as files: the bot's own lossless format, Markdown for readers, and ChatGPT's export."""
