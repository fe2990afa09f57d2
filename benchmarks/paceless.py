"""The bot without what depends on the clock, so that a replay measures the same on a busy machine.

Telegram's rate limits are off: at one message per second, a replay would take hours instead of minutes. A question's
vector is waited for, since after a late one the bot searches by words only for a while; and the turns' vectors are made
at normal priority.
"""

import sys

from bot.__main__ import main
from bot.conversation import embedding
from bot.llm import local
from bot.outbound import flood_control

flood_control._PRIVATE = flood_control._GROUP = flood_control._Rate(spacing=0.0001, burst=100)
flood_control._OVERALL, flood_control._OVERALL_BURST = 10_000, 100
embedding.ANSWER_WITHIN_S = 60.0
local.NICE = 0

if __name__ == "__main__":
    sys.exit(main(["run"]))
