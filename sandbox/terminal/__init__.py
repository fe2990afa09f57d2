"""A chat in the terminal with a bot, through the sandbox's servers."""

from sandbox.terminal.program import main

__all__ = ["main"]
