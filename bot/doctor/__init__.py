"""``python -m bot doctor``: sees what stops answers and what could be better, and disturbs no running bot.

It asks Telegram two questions (getMe, getWebhookInfo), the model's server for a few words, and looks at the database.
"""
