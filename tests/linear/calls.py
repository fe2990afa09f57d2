"""How the functions are called that need more than a text."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import GeneratorType

from bot.archive.importing import _without_surrogates
from bot.conversation import matching, memory_loss, memory_text, query, ranking, speaker_prefix, tokens
from bot.conversation.embedding import embedding_texts, words_of
from bot.conversation.forgetting import _has_quote, _is_about
from bot.conversation.incoming_message import IncomingMessage, Quote, render, separator
from bot.conversation.search_terms import MOST_TERMS
from bot.conversation.since import time_asked
from bot.conversation.time_ranges import named_time
from bot.handlers.search_command import excerpt
from bot.inbound.attachments import fitting
from bot.llm import error_bodies, failures, stream_events, template_tokens, tool_calls
from bot.llm.answer_stream import AnswerStream, Bounds
from bot.llm.chat_completions import Chunks
from bot.llm.interface import Message
from bot.llm.server_sent_events import parse_events
from bot.media import mail, markup
from bot.media.document import read_document
from bot.media.media_errors import MediaError
from bot.media.text import decode_text
from bot.outbound import blocks, formatting, lossless, markdown, numbering, splitting
from bot.outbound.content import Content, Text
from storage.history import InContext
from storage.records import HistoryTurn, Role

Run = Callable[[str], object]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LANGUAGES = frozenset({"en", "de", "ru"})
NAMES = ("Keepsake", "keepsake_bot")
MANY = Bounds(10**7, 10**7)
WORDS = "a b * ~ one two 你好"


def iterated(run: Callable[..., object]) -> Run:
    """The function, run to its end; what it refuses doesn't matter."""

    def whole(text: str) -> None:
        with suppress(Exception):
            result = run(text)
            if isinstance(result, GeneratorType):
                for _ in result:
                    pass

    return whole


def parts(form: Callable[[str, int], splitting.Piece]) -> Run:
    """All parts of an answer."""

    def run(source: str) -> None:
        offset = 0
        while source[offset:].strip():
            offset = form(source, offset).end

    return run


def spoken(text: str, *, role: Role = Role.USER) -> HistoryTurn:
    """A turn with this text."""
    return HistoryTurn(1, role, text, "Anna", NOW.timestamp())


def said(text: str, **more: object) -> IncomingMessage:
    """A message in a group with this text everywhere."""
    quote = Quote(text, author=text, attached=text)
    fields: Mapping[str, object] = {"speaker": "Anna", "quote": quote, "forwarded_from": text, "attached": text}
    return IncomingMessage(1, 1, text, NOW, **{**fields, **more})  # type: ignore[arg-type]  # by name


def streamed(text: str, size: int) -> None:
    """An answer that comes in pieces of this size, and what is made of it."""
    stream, received = AnswerStream(MANY), stream_events.Received()
    for at in range(0, len(text), size):
        for event in stream.read([stream_events.TextDelta(text[at : at + size])]):
            received.add(event)
    for event in stream.read([stream_events.Finished(stream_events.Finish.STOP)]):
        received.add(event)


def chunked(text: str, field: Callable[[str], object]) -> None:
    """An answer of one-letter chunks."""
    chunks = Chunks("e.org")
    for sign in text:
        chunks.read({"choices": [{"delta": field(sign)}]})
    chunks.read({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    chunks.end()


def events(text: str, size: int) -> None:
    """A body of server-sent events."""

    async def body() -> AsyncGenerator[bytes, None]:
        data = text.encode("utf-8", "surrogatepass")
        for at in range(0, len(data), size):
            yield data[at : at + size]

    async def read() -> None:
        async for _ in parse_events(body(), "e.org"):
            pass

    asyncio.run(read())


def documented(name: str, wrap: Callable[[str], str]) -> Run:
    """A file of this name."""

    def run(text: str) -> None:
        with suppress(MediaError):
            read_document(wrap(text).encode("utf-8", "replace"), name, None, most_characters=10**6)

    return run


def refused(text: str) -> None:
    """A server's error that quotes the text."""
    details = error_bodies.details_in({"error": {"message": text}}, text, f"<html>{text}")
    error_bodies.redact_prompt([text], details.everything)
    failures.failure_of_body(400, json.dumps({"error": {"message": text, "code": text}}).encode(), "e.org")
    failures.failure_of_body(500, text.encode("utf-8", "replace"), "e.org")


def converted(form: Callable[[str], Content]) -> Run:
    """A conversion and its checks."""

    def run(text: str) -> None:
        content = form(text)
        lossless.keeps_everything(text, content)
        formatting.limit_share(formatting.mark_literals(content, ["a", "*", text[:3]]))
        if isinstance(content, Text):
            formatting.drop_entities(content)
            formatting.add_mention(content, 1, content.text)

    return run


def _matched(text: str) -> bool:
    return matching.make_matcher(text, LANGUAGES).matches(text)


def _merged(text: str) -> None:
    loss = memory_loss.find_loss(text, "")
    memory_loss.add_lines("# a\nb", text, loss.lines, 10**6, tokens.estimate)


CALLS: dict[str, Run] = {
    name: iterated(run)
    for name, run in {
        "parts, rich": parts(lambda source, offset: next(splitting.pieces(source, offset, rich=True))),
        "parts, text": parts(lambda source, offset: next(splitting.pieces(source, offset, rich=False))),
        "parts, plain": parts(splitting.plain_piece),
        "parts, quoted": parts(splitting.quoted_piece),
        "previews, rich": parts(lambda source, offset: splitting.preview_piece(source, offset, rich=True)),
        "previews, text": parts(lambda source, offset: splitting.preview_piece(source, offset, rich=False)),
        "the last preview": lambda text: splitting.preview_piece(text, len(text) // 2, rich=False),
        "a rich message": converted(formatting.to_rich),
        "a text": converted(formatting.to_text),
        "a plain text": converted(formatting.to_plain),
        "layout": lambda text: blocks.layout.__wrapped__(text),
        "prepared, rich": lambda text: markdown.prepare(text, as_text=False),
        "prepared, text": lambda text: markdown.prepare(text, as_text=True),
        "list numbers": lambda text: numbering.restore_delimiters(text + numbering.DELIMITER, text),
        "list values": lambda text: numbering.add_values(text, text),
        "form of an answer": lambda text: formatting.is_sent_rich(text, "auto"),
        "a message": lambda text: render(said(text)),
        "a private message": lambda text: render(said(text, speaker=None)),
        "two messages": lambda text: separator(said(text, forwarded_from=None), said(text, forwarded_from=None)),
        "names in a message": lambda text: query.strip_names(text, NAMES),
        "a name of the bot": speaker_prefix.SpeakerPrefix(NAMES).strip_from,
        "what to forget": _matched,
        "languages": lambda text: matching.languages_in([text], ["de"]),
        "a quote to forget": lambda text: _has_quote(text, f"> {text}"),
        "a line to forget": lambda text: _is_about(text, text),
        "an excerpt of a hit": lambda text: excerpt(text, WORDS),
        "an excerpt of a hit for itself": lambda text: excerpt(text, text),
        "a recalled turn": lambda text: ranking.render_line(spoken(text), WORDS.split(), tokens.estimate),
        "a recalled turn for itself": lambda text: ranking.render_line(
            spoken(text), text.split()[:MOST_TERMS], tokens.estimate
        ),
        "texts to embed": lambda text: embedding_texts(
            InContext(spoken(text), spoken(text), spoken(text)),
            UTC,
            {spoken(text).turn_id: words_of([spoken(text)])[0]},
        ),
        "a time": lambda text: named_time(text, sorted(LANGUAGES), NOW, UTC),
        "a time since": lambda text: time_asked(text, sorted(LANGUAGES), NOW, UTC),
        "a memory": lambda text: memory_text.cut_to_size(text, len(text) / 20, tokens.estimate),
        "a small memory": lambda text: memory_text.cut_to_size(text, 20, tokens.estimate),
        "loss of a memory": lambda text: memory_loss.find_loss(text, text),
        "lines of a memory": lambda text: memory_loss.lines_about([text], [text]),
        "codes of a memory": lambda text: memory_loss.sharing_codes([text], [text], []),
        "a merged memory": _merged,
        "length of a memory": lambda text: tokens.describe_length(1000, text, tokens.estimate),
        "the beginning of a file": lambda text: fitting(text, len(text) // 10, tokens.estimate),
        "the dense beginning of a file": lambda text: fitting(text + "\n" * len(text), 1000, tokens.estimate),
        "an answer in letters": lambda text: streamed(text, 1),
        "an answer in pieces": lambda text: streamed(text, 7),
        "a whole answer": lambda text: streamed(text, len(text)),
        "thoughts in tags": lambda text: streamed(f"<think>{text}", 3),
        "thoughts in channels": lambda text: streamed(f"<|channel|>analysis<|message|>{text}", 3),
        "chunks of text": lambda text: chunked(text, lambda sign: {"content": sign}),
        "chunks of reasoning": lambda text: chunked(text, lambda sign: {"reasoning_content": sign, "reasoning": sign}),
        "chunks of details": lambda text: chunked(
            text, lambda sign: {"reasoning_details": [{"index": 0, "type": "t", "text": sign}]}
        ),
        "chunks of blocks": lambda text: chunked(text, lambda sign: {"thinking_blocks": [{"thinking": sign}]}),
        "chunks of a call": lambda text: chunked(
            text, lambda sign: {"tool_calls": [{"function": {"name": "f", "arguments": sign}}]}
        ),
        "events": lambda text: events(f"data: {text}\n\n", 10),
        "lines of events": lambda text: events(text.replace(" ", "\n"), 1000),
        "an error body": refused,
        "an error of the Bot API": lambda text: failures.failure({"message": text}),
        "a message without template tokens": lambda text: template_tokens.neutralize_messages([Message("user", text)]),
        "fields of a call": lambda text: tool_calls.unpack_opaque(json.dumps({"a": text})),
        "values of an import": lambda text: _without_surrogates([text, {text: text}]),
        "a text file": documented("a.txt", str),
        "a CSV file": documented("a.csv", str),
        "a page": documented("a.html", lambda text: f"<html><body>{text}"),
        "rich text": documented("a.rtf", lambda text: rf"{{\rtf1 {text}}}"),
        "a letter": documented("a.eml", lambda text: f"From: a@b.c\r\nSubject: {text}\r\n\r\n{text}"),
        "a letter's parts": lambda text: mail.read_email(f"From: {text}\r\nTo: {text}\r\n\r\n".encode(), None),
        "HTML": lambda text: markup.html(text.encode("utf-8", "replace")),
        "a legacy encoding": lambda text: decode_text(text.encode("cp1251", "replace"), "ru"),
        "bytes of UTF-16": lambda text: decode_text(text.encode("utf-16-le", "replace"), None),
    }.items()
}
"""By what they read."""
IN_LETTERS = frozenset({"an answer in letters", *(name for name in CALLS if name.startswith("chunks of "))})
"""A step for each letter, whatever it is: they take half of the time of all."""
QWEN = tokens.qwen_encoding()
if QWEN is not None:  # its vocabulary is read once
    CALLS["Qwen's tokens"] = partial(tokens._encoded, QWEN)
