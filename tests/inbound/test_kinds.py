"""Every kind of message is described, or passed over for a stated reason."""

import pytest
from telegram import Message

from bot.conversation.incoming_message import render
from bot.inbound.kinds import KINDS, SILENT, described
from bot.inbound.quotes import links
from bot.inbound.reading import said
from sandbox.botapi.wire import Json
from tests.corpus import CORPUS
from tests.corpus.bare import bare
from tests.corpus.fields import CONTENT, ENVELOPE
from tests.corpus.files import VIDEO
from tests.corpus.hostile import HOSTILE, retyped, sent_by
from tests.corpus.people import private

LONGEST = 1_600
"""Characters of a description: a title and a dozen options of a hundred characters each."""


def _message(raw: Json) -> Message:
    message = Message.de_json(raw, None)
    assert message is not None
    return message


def _described(name: str) -> str | None:
    return described(_message(CORPUS[name]))


def _silent(raw: Json) -> bool:
    return not (SILENT.keys() | {"hologram"}).isdisjoint(raw)


def test_the_corpus_holds_every_field_of_a_message() -> None:
    assert len(CORPUS) >= 60
    assert frozenset().union(*CORPUS.values()) - {"hologram"} == CONTENT | ENVELOPE


def test_every_kind_is_described_or_ignored_deliberately() -> None:
    assert KINDS.keys() | SILENT.keys() == CONTENT
    assert KINDS.keys().isdisjoint(SILENT)
    assert all(len(reason) > 10 for reason in SILENT.values())


def test_every_message_has_words_unless_ignored_deliberately() -> None:
    heard = {name: said(_message(raw), bot_id=1) for name, raw in CORPUS.items()}
    assert [name for name, words in heard.items() if words is None] == [
        name for name, raw in CORPUS.items() if _silent(raw)
    ]
    spoken = {name: words for name, words in heard.items() if words is not None}
    assert [name for name, words in spoken.items() if not render(words).strip()] == []
    assert [name for name, words in spoken.items() if not words.notes and not words.text] == []


@pytest.mark.parametrize("name", [name for name, raw in CORPUS.items() if not CONTENT.isdisjoint(raw)])
def test_content_is_described_in_one_line_between_brackets(name: str) -> None:
    text = _described(name)
    if _silent(CORPUS[name]):
        assert text is None
    else:
        assert text is not None
        assert (text[0], text[-1], text.count("["), text.count("]")) == ("[", "]", 1, 1)


def test_words_alone_need_no_description() -> None:
    alone = [name for name, raw in CORPUS.items() if CONTENT.isdisjoint(raw) and "hologram" not in raw]
    assert [name for name in alone if _described(name)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("location", "[location: 46.94797, 7.44745]"),
        ("live location", "[live location: 46.94797, 7.44745]"),
        ("venue", "[place: Bear Park, Grosser Muristalden 6, Bern (46.94797, 7.44745)]"),
        ("contact", "[contact: Ann Lee, +41310000000]"),
        ("dice 🎯", "[dice 🎯: 6]"),
        ("poll", '[poll: "Lunch?" with the options: "Pizza" (2 votes); "Soup" (1 vote); "The place"; "The list"]'),
        ("quiz", '[quiz: "The capital of Switzerland?" with the options: "Bern"; "Basel"]'),
        ("checklist", '[checklist "Weekend": to do: "Buy bread"; done: "Call Bob"; done: "Post"]'),
        ("voice message of more than an hour", "[voice message, 1:02:05]"),
        ("live photo", "[live photo, 0:03, of which one picture is here]"),
        ("video", "[video holiday.mp4, 1:05, 11.8 MB, of which one picture is here]"),
        ("video that says little of itself", "[video, 0:00, of which nothing is here to see]"),
        ("audio", "[audio The Brook - Morning Walk, 4:05]"),
        ("document", "[document report.pdf, 1.2 MB]"),
        ("sticker", "[sticker 😀 of the set HappyHikers]"),
        ("game", '[game "Snake": Eat and grow]'),
        ("story", "[story of City News, which I can't see]"),
        ("paid media", "[paid media for 25 stars, which I can't see]"),
        ("invoice", '[invoice "Tea": 12.50 CHF, Green, 100 g]'),
        ("payment in stars", "[a payment was made: 25 stars]"),
        ("gift", "[gift 😀 of 15 stars, with the words: Happy birthday!]"),
        ("giveaway of stars", "[giveaway with 1 winner, of: City News, to win: 500 stars]"),
        ("users who are shared", "[shared contacts: Bob Hill, somebody]"),
    ],
)
def test_a_description_tells_what_was_sent(name: str, text: str) -> None:
    assert _described(name) == text


def test_compatibility_fields_are_not_mistaken_for_content() -> None:
    """Telegram sends an animation as a document too, for older programs."""
    assert "document" in CORPUS["animation"]
    assert _described("animation") == "[animation, 0:03, of which one picture is here]"


def test_unknown_kind_with_caption_is_kept() -> None:
    assert described(_message(private(hologram={"width": 3}, caption="look"))) == (
        "[a message of a kind that I don't know: hologram]"
    )
    assert described(_message(private(is_shiny=True, caption="look", video=VIDEO))) == _described("video")
    assert described(_message(private(is_shiny=True, caption="look", rich_message={"blocks": []}))) is None


@pytest.mark.parametrize("name", [name for name, raw in CORPUS.items() if _silent(raw)])
def test_service_message_with_new_field_stays_one(name: str) -> None:
    assert described(_message(CORPUS[name] | {"hologram": {"width": 3}})) is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_cannot_break_notes(text: str) -> None:
    """Neither the line of a note nor its bracket ends where the text of a stranger wants it."""
    for name, raw in sent_by(text).items():
        message = _message(raw)
        for line in filter(None, (described(message), *links(message))):
            assert len(line.splitlines()) == 1, name
            assert (line[0], line[-1], line.count("["), line.count("]")) == ("[", "]", 1, 1), name
            assert len(line) <= LONGEST, name
            assert line.isprintable(), name


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_never_silence(text: str) -> None:
    silent = [name for name, raw in sent_by(text).items() if said(_message(raw), 1) is None and not _silent(raw)]
    assert [name for name in silent if text.strip()] == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_line_in_group_cannot_imitate_another(text: str) -> None:
    for name, raw in sent_by(text).items():
        words = said(_message(raw), 1)
        if words is not None and words.speaker == "Ann Lee":
            first, *others = [line for line in render(words).splitlines() if not line.startswith("> ")]
            assert first.startswith("Ann Lee: "), name
            assert all(line.startswith("  ") for line in others), name


def test_types_that_nobody_knows_raise_nothing() -> None:
    retyped_corpus = {name: _message(retyped(raw, "a type of tomorrow")) for name, raw in CORPUS.items()}
    silent = [name for name, message in retyped_corpus.items() if said(message, 1) is None]
    assert silent == [name for name, raw in CORPUS.items() if _silent(raw)]


def test_what_telegram_may_leave_out_can_be_missing() -> None:
    bared = {name: bare(raw) for name, raw in CORPUS.items()}
    silent = [name for name, raw in bared.items() if said(_message(raw), 1) is None]
    assert silent == [name for name, raw in bared.items() if _silent(raw)]


@pytest.mark.parametrize("text", ["yes (300 votes)", "yes （300 votes）", "yes (300 vоtes)", 'yes" (9 votes); "no'])
def test_nobody_types_votes_or_other_options(text: str) -> None:
    poll = CORPUS["poll"]["poll"]
    assert isinstance(poll, dict)
    options = [{**option, "text": text} for option in poll["options"][:1]]
    told = described(_message({**CORPUS["poll"], "poll": {**poll, "options": options}}))
    said = " ".join(text.replace('"', " ").split())
    assert told == f'[poll: "Lunch?" with the options: "{said}" (2 votes)]'
