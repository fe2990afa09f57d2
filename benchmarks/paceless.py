"""The bot as it is, but for Telegram's pace: a message a second would make a replay of hours out of one of minutes."""

import sys

from bot.__main__ import main
from bot.outbound import pacing

pacing._PRIVATE = pacing._GROUP = pacing._Rate(spacing=0.0001, burst=100)
pacing._OVERALL = pacing._Rate(spacing=0.0001, burst=100)

if __name__ == "__main__":
    sys.exit(main(["run"]))
