"""A message of every kind that Telegram's Bot API 10.3 knows, as the JSON that arrives, with all its fields."""

from collections.abc import Mapping

from sandbox.botapi.wire import Json
from tests.corpus.cards import CARDS
from tests.corpus.media import MEDIA
from tests.corpus.replies import REPLIES
from tests.corpus.service import SERVICE
from tests.corpus.trade import TRADE
from tests.corpus.words import WORDS

CORPUS: Mapping[str, Json] = WORDS | MEDIA | CARDS | TRADE | SERVICE | REPLIES
"""By what it is."""
