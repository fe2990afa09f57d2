"""Where the bot is put together, each part once: database, model servers, conversation, Telegram.

To be read in the order of ``bot.app.live``: ``persistence``, ``foundation`` (with ``servers`` and ``limits``),
``conversation``, ``telegram``. Nothing is assigned to an object after its construction except the lanes' worker: it
needs objects that wake lanes, so the lanes come first and are started with it.
"""
