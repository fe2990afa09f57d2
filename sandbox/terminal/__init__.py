"""A chat in the terminal, in front of the sandbox's servers and a bot."""

from sandbox.terminal.program import main

__all__ = ["main"]
