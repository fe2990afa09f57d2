"""The bot without Telegram's rate limits: at one message per second, a replay would take hours instead of minutes."""

import sys

from bot.__main__ import main
from bot.outbound import flood_control

flood_control._PRIVATE = flood_control._GROUP = flood_control._Rate(spacing=0.0001, burst=100)
flood_control._OVERALL = flood_control._Rate(spacing=0.0001, burst=100)

if __name__ == "__main__":
    sys.exit(main(["run"]))
