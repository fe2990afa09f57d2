"""The user-side API: another process, or a page, plays the people of the simulated Telegram (docs/sandbox.md)."""
