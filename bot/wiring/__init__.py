"""Where the bot is assembled, each part once: database, model servers, conversation, Telegram.

Read it in the order of ``bot.app.live``: ``persistence``, ``foundation`` (with ``servers`` and ``limits``),
``conversation``, ``telegram``. No object is changed after its construction, with one exception: the worker of the lanes
needs objects that wake lanes, so the lanes are created first and get their worker when they are started.
"""
