"""From Telegram to the lanes: every update is on disk before it is acknowledged."""
