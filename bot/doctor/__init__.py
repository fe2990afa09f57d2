"""``python -m bot doctor``: finds what stops the bot from answering and what could be better, also while it runs.

It sends Telegram two requests (getMe, getWebhookInfo) and the model server a few short ones, and checks the database.
"""
