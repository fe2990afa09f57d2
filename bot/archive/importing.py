"""Imports files: each is checked completely before anything is written, and written completely or not at all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.archive import chatgpt, native_format, packed, schema
from bot.archive.native_format import ConversationBundle
from bot.conversation.tokens import TokenCounter
from bot.errors import ArchiveError
from storage import Storage
from storage.records import ChatKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which conversations of ChatGPT's file to import, and into which chat."""

    key: ChatKey | None = None
    conversations: tuple[str, ...] = ()
    """Their titles or IDs."""
    every: bool = False


class Importer:
    """Reads files; times in ChatGPT's are converted to `zone`."""

    def __init__(self, count_tokens: TokenCounter, zone: tzinfo) -> None:
        self._count_tokens = count_tokens
        self._zone = zone

    def read(self, file: Path, wish: ImportOptions) -> list[ConversationBundle]:
        """The conversations of a file. Raises ArchiveError, which says where something is wrong."""
        text = packed.read(file)
        try:
            return self._chatgpt(text, wish) if _is_chatgpt(text) else self._keepsake(text, wish)
        except ArchiveError as exc:
            raise ArchiveError(f"{file}: {exc}") from exc

    def _keepsake(self, text: str, wish: ImportOptions) -> list[ConversationBundle]:
        if wish != ImportOptions():
            raise ArchiveError("a Keepsake file says where it belongs: leave out --chat, --conversation and --all")
        if text.lstrip().startswith("{"):
            files: Sequence[schema.ExportedConversation] = [_checked(TypeAdapter(schema.ExportedConversation), text)]
        else:
            files = _checked(TypeAdapter(tuple[schema.ExportedConversation, ...]), text)
        places = [(file.chat.id, file.chat.thread) for file in files]
        if len(set(places)) < len(places):
            raise ArchiveError("the same chat is in it twice")
        return [native_format.bundle(file, self._count_tokens) for file in files]

    def _chatgpt(self, text: str, wish: ImportOptions) -> list[ConversationBundle]:
        entries, titles = _entries(text)
        if wish.every:
            indices = list(range(len(entries)))
        elif wish.conversations:
            indices = [chatgpt.chosen(titles, one) for one in dict.fromkeys(wish.conversations)]
        elif len(entries) == 1:
            indices = [0]
        else:
            found = f"the file has {len(entries)} conversations: choose with --conversation ID, or take --all"
            raise ArchiveError(f"{found}\n{chatgpt.listing(titles, self._zone)}".rstrip())
        if wish.key is None or wish.key.telegram_id <= 0:
            raise ArchiveError("say which private chat this is for, by its ID: --chat ID, or --chat ID/TOPIC")
        kind = TypeAdapter(chatgpt.ChatGPTConversation)
        conversations = [_checked_value(kind, entries[index], index) for index in dict.fromkeys(indices)]
        conversations.sort(key=lambda conversation: conversation.create_time or 0.0)
        return [chatgpt.ChatGPTReader(wish.key, self._zone, self._count_tokens).bundle(conversations)]


def _entries(text: str) -> tuple[list[object], list[chatgpt.ChatGPTTitle]]:
    """The conversations of ChatGPT's file, unchecked, and what identifies them."""
    try:
        found = _without_surrogates(json.loads(text))
    except RecursionError as exc:  # a depth that the parser permits, but that leaves no room for anything else
        raise ArchiveError("it is nested too deep") from exc
    entries = found if isinstance(found, list) else [found]
    return entries, [_checked_value(TypeAdapter(chatgpt.ChatGPTTitle), entry, i) for i, entry in enumerate(entries)]


async def put(storage: Storage, bundles: Sequence[ConversationBundle], now: float) -> None:
    """Write conversations to the database. Raises ArchiveError, and writes nothing, if one already exists."""
    async with storage.transaction() as tx:
        for bundle in bundles:
            key = bundle.chat.key
            if await storage.archive.has_turns(tx, key):
                raise ArchiveError(f"the chat {named(key)} already has a history, which was left as it is")
            await storage.archive.put(tx, bundle.chat, bundle.contents, now)


def named(key: ChatKey) -> str:
    """A chat key in the form that the shell commands accept."""
    return f"{key.telegram_id}/{key.thread_id}" if key.thread_id else str(key.telegram_id)


def _is_chatgpt(text: str) -> bool:
    """Whether the file is ChatGPT's, whose entries are trees."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ArchiveError(f"this is not JSON: {exc}") from exc
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, dict) and "mapping" in first:
        return True
    if found == [] or (isinstance(first, dict) and first.get("format") == schema.FORMAT):
        return False
    raise ArchiveError("this is neither a Keepsake file nor ChatGPT's conversations.json")


def _without_surrogates(value: object) -> object:
    """The value with unpaired surrogates replaced, in which ChatGPT's answers sometimes end."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return {k: _without_surrogates(item) for k, item in value.items()} if isinstance(value, dict) else value


def _checked(kind: TypeAdapter[T], text: str) -> T:
    try:
        return kind.validate_json(text)
    except ValidationError as exc:
        raise ArchiveError(_first(exc)) from None


def _checked_value(kind: TypeAdapter[T], value: object, index: int) -> T:
    try:
        return kind.validate_python(value)
    except ValidationError as exc:
        raise ArchiveError(f"{index}.{_first(exc)}") from None


def _first(exc: ValidationError) -> str:
    first, *others = exc.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return f"{where}: {first['msg'].removeprefix('Value error, ')}{more}"
