"""The messenger in the browser: chats with the bot, trouble on a switch, and the inspector next to each answer."""

from sandbox.page.page_server import serve_page

__all__ = ["serve_page"]
