"""From Telegram to the lanes: every update is on the disk before Telegram is told that it arrived."""
