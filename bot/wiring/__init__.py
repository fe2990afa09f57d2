"""Where the bot is put together, each part once: database, model servers, conversation, Telegram.

Read in the order of ``bot.app.live``: ``database``, ``foundation`` (with ``servers`` and ``budget``), ``conversation``,
``telegram``. Nothing is assigned to an object after its construction, but the worker of the lanes: it needs objects
that wake lanes, so the lanes come first and are started with it.
"""
