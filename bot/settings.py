"""The configuration from the environment and ``.env``, read once and fully checked before anything starts.

The fields are in bot/setting_groups.py, from which ``make docs`` writes docs/settings.md and ``.env.example``. A wrong
setting ends the start with one line that begins with the variable's name.
"""

import hashlib
import hmac
import logging
import os
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot import setting_groups as groups
from bot import setting_types as types
from bot.api_keys import ApiKeys, keys_in, misplaced, native_url
from bot.errors import SettingError
from bot.setting_mistakes import Mistake, find_mistakes

DASHSCOPE_NATIVE = "https://dashscope-intl.aliyuncs.com/api/v1"
"""Model Studio's native API, international (Singapore)."""
DEFAULT_WEBHOOK_PORT = 8080
MISSING = {
    "TELEGRAM_BOT_TOKEN": "@BotFather on Telegram gives you one (without one, try: make sandbox, or keepsake sandbox)",
    "OPENAI_API_KEY": "the model server's key (for DashScope, DASHSCOPE_API_KEY works too)",
}
"""Where to get what must be set."""


class Settings(
    groups.OperationSettings,
    groups.TelegramSettings,
    groups.StorageSettings,
    groups.CacheSettings,
    groups.EmbeddingSettings,
    groups.MemorySettings,
    groups.BudgetSettings,
    groups.AccessSettings,
    groups.VoiceSettings,
    groups.FallbackSettings,
    groups.ModelSettings,
    groups.RequiredSettings,
    BaseSettings,
):
    """One attribute per variable, in the order of docs/settings.md: pydantic reads bases from the last to the first."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        env_file_encoding="utf-8",
        use_attribute_docstrings=False,  # this class has no fields of its own, and reading its source takes time
        defer_build=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file, and nothing else."""
        return init_settings, env_settings, dotenv_settings

    @model_validator(mode="after")
    def _model_has_key(self) -> Self:
        if self._key_of_model is not None:
            return self
        if self.openai_api_key is not None:
            raise ValueError(
                "DASHSCOPE_API_KEY is missing: LLM_API=dashscope uses DASHSCOPE_BASE_URL, and OPENAI_API_KEY is for "
                "OPENAI_BASE_URL, which is another server"
            )
        if self.dashscope_api_key is not None:
            raise ValueError(
                "OPENAI_API_KEY is missing: DASHSCOPE_API_KEY is only for DashScope, and OPENAI_BASE_URL is elsewhere"
            )
        raise ValueError(f"OPENAI_API_KEY is missing: {MISSING['OPENAI_API_KEY']}")

    @model_validator(mode="after")
    def _keys_match_servers(self) -> Self:
        given = (
            ("OPENAI_BASE_URL", self.openai_api_key, self.openai_base_url),
            ("DASHSCOPE_BASE_URL", self.dashscope_api_key, self.dashscope_url),
            ("EMBEDDING_BASE_URL", self.embedding_api_key, self.embedding_url),
            ("TRANSCRIPTION_BASE_URL", self.transcription_api_key, self.transcription_url),
            ("FALLBACK_BASE_URL", self.fallback_api_key, self.fallback_base_url or self.model_url),
        )
        for variable, key, url in given:
            wrong = misplaced(key.get_secret_value(), url) if key else None
            if wrong is not None:
                raise ValueError(f"{variable}: {wrong}")
        return self

    @model_validator(mode="after")
    def _fallback_is_complete(self) -> Self:
        if self.fallback_model is None and (self.fallback_base_url or self.fallback_api_key):
            raise ValueError("FALLBACK_MODEL: a server is set for it, but no model")
        if self.fallback_model == self.openai_model and self.fallback_base_url is None:
            raise ValueError("FALLBACK_MODEL: this is the main model itself; use another model or another server")
        if self.fallback_base_url and self.fallback_api_key is None:  # never send the main server's key to another one
            raise ValueError("FALLBACK_API_KEY: set the key for that server (any word if it needs none)")
        return self

    @property
    def uses_postgres(self) -> bool:
        """Whether the database is on a PostgreSQL server; otherwise it is an SQLite file, `database_path`."""
        return self.database_url.startswith(types.POSTGRES)

    @property
    def database_name(self) -> str:
        """What messages call the database: the file, or the URL without user and password."""
        if not self.uses_postgres:
            return str(self.database_path)
        from storage.postgres.url import name_of

        return name_of(self.database_url)

    @property
    def database_path(self) -> Path:
        """The database file, with a symbolic link resolved: SQLite's other files belong next to the file itself."""
        assert not self.uses_postgres, "there is no file"
        path = Path(self.database_url.removeprefix(types.SQLITE))
        return path.resolve() if path.is_symlink() else path

    @property
    def zone(self) -> ZoneInfo:
        """TIMEZONE as a ZoneInfo."""
        return ZoneInfo(self.timezone)

    @property
    def listen_port(self) -> int | None:
        """The port the bot listens on, or None if it doesn't need to listen."""
        return self.port or (DEFAULT_WEBHOOK_PORT if self.webhook_url else None)

    @property
    def secret_of_webhook(self) -> str:
        """WEBHOOK_SECRET, or a secret derived from the bot's token."""
        if self.webhook_secret is not None:
            return self.webhook_secret.get_secret_value()
        token = self.telegram_bot_token.get_secret_value().encode()
        return hmac.new(token, b"keepsake webhook secret", hashlib.sha256).hexdigest()

    @property
    def dashscope_url(self) -> str:
        """The base URL of DashScope's native API."""
        return self.dashscope_base_url or native_url(self.openai_base_url, DASHSCOPE_NATIVE)

    @property
    def model_url(self) -> str:
        """The base URL of the main model's server, according to LLM_API."""
        return self.dashscope_url if self.llm_api == "dashscope" else self.openai_base_url

    @property
    def model_key(self) -> str:
        """The key for `model_url`."""
        assert self._key_of_model is not None
        return self._key_of_model.get_secret_value()

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The models to use when the main one fails, in order."""
        return tuple(dict.fromkeys(filter(None, (self.fallback_model, *self.fallback_models))))

    @property
    def embedding_url(self) -> str:
        """The base URL of the embedding model."""
        return self.embedding_base_url or self.openai_base_url

    @property
    def embedding_key(self) -> str | None:
        """The key for `embedding_url`, if there is one."""
        return self._keys.of(self.embedding_url, self.embedding_api_key)

    @property
    def transcription_url(self) -> str:
        """The base URL of the transcription model."""
        return self.transcription_base_url or self.openai_base_url

    @property
    def transcription_key(self) -> str | None:
        """The key for `transcription_url`, if there is one."""
        return self._keys.of(self.transcription_url, self.transcription_api_key)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must not appear in a log."""
        keys = (getattr(self, name) for name in type(self).model_fields if name.endswith(("_api_key", "_bot_token")))
        urls = (getattr(self, name) or "" for name in type(self).model_fields if name.endswith("_base_url"))
        queries = (value for url in urls for name, value in parse_qsl(urlsplit(url).query) if name != "api-version")
        of_file = keys_in(self.model_profiles) if self.model_profiles else ()
        others = (self.metrics_token, self.sentry_dsn)
        plain = (key.get_secret_value() for key in (*keys, *others) if key)
        return (*plain, *queries, self.secret_of_webhook, *of_file, *self._secrets_of_database)

    @property
    def names_for_log(self) -> tuple[str, ...]:
        """The models and servers in the settings, which an error in the log may name."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        named = [value for name, value in values.items() if name.endswith("_model") and isinstance(value, str)]
        of_servers = {name: value for name, value in values.items() if name.endswith("_url")} | {
            "database_url": self.database_name if self.uses_postgres else None
        }
        urls = [value for value in of_servers.values() if isinstance(value, str)]
        return (*named, *self.fallbacks, *(urlsplit(url).hostname or "" for url in urls))

    @property
    def _secrets_of_database(self) -> tuple[str, ...]:
        if not self.uses_postgres:
            return ()
        from storage.postgres.url import secrets_in

        return secrets_in(self.database_url)

    @property
    def _keys(self) -> ApiKeys:
        return ApiKeys(self.openai_api_key, self.openai_base_url, self.dashscope_api_key, self.dashscope_url)

    @property
    def _key_of_model(self) -> SecretStr | None:
        return self._keys.of_dashscope_url() if self.llm_api == "dashscope" else self._keys.of_openai_url()


class DatabaseSettings(Settings):
    """The settings of commands that use only the database: they need neither a token nor a key."""

    model_config = SettingsConfigDict(defer_build=True)

    telegram_bot_token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _model_has_key(self) -> Self:
        return self


def load(env_file: str | None = ".env", *, online: bool = True) -> Settings:
    """Read and check the configuration; a token and a key are needed only if `online`.

    Raises SettingError for the first wrong variable, in the order of the docs.
    """
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # setting_mistakes() says more about unreadable lines
    try:
        return (Settings if online else DatabaseSettings)(_env_file=env_file)
    except UnicodeDecodeError as exc:
        raise SettingError(f"{env_file}: this file is not UTF-8 text (byte {exc.start})") from None
    except ValidationError as exc:
        problems = {_variable(error["loc"]): error for error in exc.errors(include_input=False, include_url=False)}
    order = [name.upper() for name in Settings.model_fields]
    first = min(problems, key=lambda name: order.index(name) if name in order else len(order))
    line = _line(first, problems[first]["type"], problems[first]["msg"])
    hints = [one for one in setting_mistakes(env_file) if one.likely == first]
    raise SettingError(f"{line} ({hints[0].text})" if hints else line) from None


def with_database(settings: Settings, url: str) -> Settings:
    """The same settings with another database. Raises SettingError."""
    try:
        checked = TypeAdapter(types.DatabaseUrl).validate_python(url)
    except ValidationError as exc:
        reason = exc.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise SettingError(f"the URL of the database: {reason}") from None
    return settings.model_copy(update={"database_url": checked})


def setting_mistakes(env_file: str | None = ".env") -> list[Mistake]:
    """What is wrong in the file and in the environment without being a wrong value."""
    return find_mistakes((name.upper() for name in Settings.model_fields), env_file, os.environ)


def _variable(loc: tuple[int | str, ...]) -> str:
    return str(loc[0]).upper() if loc else ""


def _line(variable: str, kind: str, message: str) -> str:
    reason = message.removeprefix("Value error, ")
    if not variable:  # a rule about several variables already names the one to change
        return reason
    if kind == "missing":
        return f"{variable} is missing: {MISSING[variable]}"
    return f"{variable}: {reason.replace('Input should', 'must')}"
