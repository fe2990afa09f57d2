"""The types of settings: each checks one text, and raises ValueError with a sentence that says what is wrong."""

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, SecretStr

from bot.pricing import Amount

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_VALUE = r"(?:[0-9]{1,4}|[a-z]{3})"
_ITEM = rf"(?:(?:\*|{_VALUE}-{_VALUE})(?:/[0-9]{{1,4}})?|{_VALUE})"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*", re.IGNORECASE | re.ASCII)
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
NO_POSTGRES = "PostgreSQL needs the extra `postgres`: pip install 'keepsake-bot[postgres]'"
LONGEST_NAME = 200
"""The most bytes a model's name may have: it has to fit on a button."""
RESERVED = frozenset(
    {"model", "messages", "input", "instructions", "previous_response_id", "store", "stream"}
    | {"incremental_output", "result_format", "api_key", "base_address", "session", "request_timeout"}
)
"""Parameters of a request that the bot sets itself in one API or another, and can't work without."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
upper_case = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True)
class Crontab:
    """A schedule as in crontab(5): five fields or a nickname, in the local time of a zone.

    cronsim behaves like Debian's cron: if neither day of month nor day of week begins with a star, either one matches;
    times in an hour that the clocks skip are due right after it, and times in an hour that they repeat are due once.
    cronsim also accepts seconds and other extensions, which are rejected here because no crontab has them.
    """

    fields: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Self:
        """Parse five fields or a nickname. Raises ValueError with a message for the operator."""
        words = re.split(r"[ \t]+", text.strip(" \t"))
        if words[0].startswith("@"):
            words = _meant_by(text.strip(" \t")).split()
        if len(words) != len(_FIELDS):
            raise ValueError(f"it has five fields, not {len(words)}")
        for name, word in zip(_FIELDS, words, strict=True):
            if not _FIELD.fullmatch(word):
                raise ValueError(f"{name}: {word[:20]!r} is not a number, a name, a range, a step or a list of them")
        found = cls(" ".join(words), zone)
        try:
            due = found.after(_ANY_TIME)
        except CronSimError as exc:
            raise ValueError(f"{str(exc).lower()}: out of range, or a day that never comes") from exc
        if due is None:
            raise ValueError("that day never comes")
        return found

    def after(self, moment: datetime) -> datetime | None:
        """The first due time after this moment, both in UTC; None if there is none."""
        return next((due for due in self._due(moment) if due > moment), None)

    def _due(self, moment: datetime) -> Iterator[datetime]:
        """Due times from about that moment on; in a repeated hour the first one counts, which may be over."""
        return (due.astimezone(UTC) for due in CronSim(self.fields, moment.astimezone(self.zone)))


def _meant_by(nickname: str) -> str:
    if nickname.lower() == "@reboot":
        raise ValueError("@reboot is not a time: the bot catches up on what is due whenever it starts")
    try:
        return NICKNAMES[nickname.lower()]
    except KeyError:
        raise ValueError(f"{nickname[:20]!r} is not one of {', '.join(NICKNAMES)}") from None


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{3,}", value.get_secret_value()):
        raise ValueError("this is not a bot token; it looks like 123456:ABC-def and comes from @BotFather")
    return value


def _address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # malformed brackets or port
        usable = False
    if not usable or re.search(r"\s", value):
        raise ValueError("this is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not have a name or password in it: they would end up in logs")
    if "#" in value:
        raise ValueError("an address must not have a # part")
    return parts


def _http_url(value: str) -> str:
    if _address(value).query or value.endswith("?"):
        raise ValueError("this address must not have a ? part")
    return value.rstrip("/")


def _model_url(value: str) -> str:
    """May have a query, such as Azure's ``api-version``, which is sent with every request."""
    parts = _address(value)
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def sendable(value: SecretStr) -> SecretStr:
    """A key without surrounding whitespace and quotes. Raises ValueError if it can't be sent in a header."""
    key = value.get_secret_value().strip().strip("'\"")  # Docker's --env-file leaves quotes in
    if not re.fullmatch(r"[!-~]+", key):
        raise ValueError("a key must not have spaces, line breaks or non-ASCII letters")
    return SecretStr(key)


def _webhook_url(value: str) -> str:
    parts = _address(value)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("Telegram only posts to https addresses (http works on loopback)")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
        raise ValueError("must be 1 to 256 of the characters A-Z, a-z, 0-9, _ and -")
    return value


def _llm_api(value: str) -> str:
    if value not in ("chat", "responses", "dashscope"):
        raise ValueError("must be 'chat', 'responses' or 'dashscope'")
    return value


def _name(value: str) -> str:
    name = value.strip()
    if not name or not name.isprintable():
        raise ValueError("this is not a name: it is blank or has a line break in it")
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"a name can have at most {LONGEST_NAME} bytes")
    return name


def _embedding_model(value: str) -> str:
    return value.lower() if value.lower() in ("local", "off") else value


def _access(value: str) -> str:
    if value not in ("approval", "list", "open"):
        raise ValueError("must be 'approval', 'list' or 'open'")
    return value


def _amount(value: object) -> object:
    return Amount.parse(value) if isinstance(value, str) else value


def _schedule(value: str) -> str:
    if value in ("idle", "off"):
        return value
    try:
        Crontab.parse(value, ZoneInfo("UTC"))
    except ValueError as exc:
        raise ValueError(f"must be 'idle', 'off' or the five fields of a crontab, like 30 4 * * 1-5 ({exc})") from exc
    return value


def _compact_at(value: str) -> str:
    if value != "auto" and not (re.fullmatch(r"0?\.\d+|1(\.0+)?", value) and float(value) > 0):
        raise ValueError("must be 'auto' or a share of the window above 0, at most 1")
    return value


def with_lower_scheme(url: str) -> str:
    """A URL whose scheme is in small letters, which libpq insists on."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme.lower()}{mark}{rest}" if mark else url


def _database_url(value: str) -> str:
    value = with_lower_scheme(value)
    if value.startswith(POSTGRES):
        try:
            from storage.postgres.url import check_url
        except ImportError as exc:  # of psycopg, or of the libpq that it needs
            raise ValueError(NO_POSTGRES) from exc
        check_url(value)
        return value
    path = value.removeprefix(SQLITE)
    if path in ("", value, ":memory:") or path.endswith("/") or "?" in path:
        raise ValueError(f"must look like {SQLITE}data/keepsake.db or {POSTGRES[0]}user:password@host/name")
    if _is_special(Path(path)):
        raise ValueError(f"{path} is a device or a pipe, not a file")
    return value


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # SQLite will report it
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError("there is no such time zone; use a name like Europe/Berlin or UTC") from exc
    return value


def _ids(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(re.fullmatch(r"-?[0-9]{1,18}", part) for part in parts):
        raise ValueError("must be numbers separated by commas")
    return frozenset(map(int, parts))


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    return tuple(map(_name, found))


def _json_object(value: object) -> object:
    try:
        parsed: object = json.loads(value) if isinstance(value, str) else value
        json.dumps(parsed, allow_nan=False)  # Python parses NaN and 1e999, but no request can contain them
    except (ValueError, RecursionError) as exc:
        raise ValueError("must be a JSON object, like {}") from exc
    if not isinstance(parsed, dict):
        raise ValueError("must be a JSON object, like {}")
    return parsed


def _extra_body(value: object) -> object:
    parsed = _json_object(value)
    reserved = sorted(RESERVED & parsed.keys()) if isinstance(parsed, dict) else []
    if reserved:
        raise ValueError(f"{reserved[0]!r} is set by the bot itself")
    return parsed


ApiKey = Annotated[SecretStr, AfterValidator(sendable)]


BotToken = Annotated[SecretStr, AfterValidator(_token)]


HttpUrl = Annotated[str, AfterValidator(_http_url)]


ModelUrl = Annotated[str, AfterValidator(_model_url)]


WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]


WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]


LlmApi = Annotated[str, AfterValidator(_llm_api)]


Name = Annotated[str, AfterValidator(_name)]


EmbeddingModel = Annotated[Name, AfterValidator(_embedding_model)]


Access = Annotated[str, AfterValidator(_access)]


Schedule = Annotated[str, AfterValidator(_schedule)]


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


TimeZone = Annotated[str, AfterValidator(_time_zone)]


CompactAt = Annotated[str, AfterValidator(_compact_at)]


Budget = Annotated[Amount | None, BeforeValidator(_amount)]


comma_separated = BeforeValidator(_ids)


names = BeforeValidator(_names)


extra_body = BeforeValidator(_extra_body)
