"""Every setting with its type, its default and what it means, in the groups of docs/settings.md.

``make docs`` writes docs/settings.md and ``.env.example`` from this file. The docstring of a group is its heading and
its introduction. The first paragraph below a field goes into both files, further paragraphs into docs/settings.md only.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr
from pydantic_settings import NoDecode

from bot import setting_types as types

DASHSCOPE = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
"""Model Studio's OpenAI-compatible mode, international (Singapore)."""


class Group(BaseModel):
    """What the groups have in common: the docstring below a field becomes its description."""

    model_config = ConfigDict(use_attribute_docstrings=True, defer_build=True)  # only Settings is ever built


class RequiredSettings(Group):
    """Required."""

    telegram_bot_token: types.BotToken
    """The bot's token, from @BotFather."""
    openai_api_key: types.ApiKey | None = None
    """The key for the server at `OPENAI_BASE_URL`. It is sent to no other server."""
    dashscope_api_key: types.ApiKey | None = None
    """An alternative to `OPENAI_API_KEY` for DashScope. It is sent only to DashScope's hosts and `DASHSCOPE_BASE_URL`.

    It is used where `OPENAI_API_KEY` is unset or belongs to another server, and takes precedence with
    `LLM_API=dashscope`.
    """


class ModelSettings(Group):
    """Model."""

    openai_base_url: types.ModelUrl = DASHSCOPE
    """The model server: any OpenAI-compatible one, such as `https://api.openai.com/v1` or `http://127.0.0.1:11434/v1`.

    A query string, such as Azure's `api-version`, is sent with every request.
    """
    openai_model: types.Name = "qwen-plus"
    """The model that answers."""
    models: Annotated[tuple[str, ...], NoDecode, types.names] = ()
    """Other models that a chat can choose in `/settings`, separated by commas."""
    vision_model: types.Name | None = None
    """The model that answers while a picture is in view.

    If unset and the main model can't see, the bot uses `qwen3-vl-plus` on DashScope and the main model elsewhere.
    """
    llm_api: types.LlmApi = "chat"
    """The API to use: `chat` (Chat Completions), `responses` (Responses API) or `dashscope` (DashScope's native one).

    With `responses`, servers that store the conversation (OpenAI, Azure, Model Studio) are sent only what is new,
    unless something was recalled or changed. Other servers are sent everything, unless `MODEL_PROFILES` sets
    `keeps_responses = true`. Stored responses are deleted on the server after `/reset`, `/forget` and
    `RETENTION_DAYS`. `dashscope` needs the extra `qwen`, and has no cache markers and no spoken answers.
    """
    dashscope_base_url: types.HttpUrl | None = None
    """The address of DashScope's native API, for `LLM_API=dashscope`.

    If unset, it is in the region and workspace of `OPENAI_BASE_URL`, or else
    `https://dashscope-intl.aliyuncs.com/api/v1`. Transcription and embeddings still use `OPENAI_BASE_URL` and its key.
    """
    model_profiles: Path | None = None
    """A TOML file that says what models and servers can do, and their prices.

    See [Model and server profiles](providers.md#model-and-server-profiles).
    """
    llm_extra_body: Annotated[dict[str, JsonValue], NoDecode, types.extra_body] = Field(default_factory=dict)
    """JSON to merge into every model request, such as `{"enable_thinking": false}`."""
    system_prompt: str = "You are Keepsake, a helpful companion in a Telegram chat. Answer in the user's language."
    """The system prompt. A chat can replace it in `/settings`."""
    max_answer_tokens: int | None = Field(default=None, ge=16)
    """The longest answer, in tokens. A longer one stops there and gets a *Continue* button.

    If unset, the server is given no limit, and an answer that does not end is cut at the model's own limit or at 16,384
    tokens.
    """
    model_concurrency: int | None = Field(default=None, ge=1)
    """The most requests sent to one model server at a time. If unset, the bot learns it from the server's refusals.

    Other requests wait for up to `MODEL_TIMEOUT`; answers come first, and chats take turns. Set it for a server that
    refuses nothing but works on few requests at a time, such as llama.cpp or Ollama.
    """
    model_timeout: float = Field(default=180, gt=0, allow_inf_nan=False)
    """How long to wait for the first word of an answer, in seconds, over all tries; also the longest pause in it."""


class FallbackSettings(Group):
    """Fallback models.

    They answer when the main model fails before its first word: the server is down or too slow, the key is refused,
    credit has run out, or a rate limit is reached. The answer says which model wrote it.
    """

    fallback_model: types.Name | None = None
    """The model that answers when the main one fails before its first word."""
    fallback_base_url: types.ModelUrl | None = None
    """The fallback model's server, if it is not the main one."""
    fallback_api_key: types.ApiKey | None = None
    """The key for `FALLBACK_BASE_URL`; required if that is set."""
    fallback_models: Annotated[tuple[str, ...], NoDecode, types.names] = ()
    """More fallback models, tried in order, separated by commas.

    For each one that is not on the main server, the `MODEL_PROFILES` file has a table `[fallbacks."its-name"]` with
    `base_url` and `api_key`.
    """


class VoiceSettings(Group):
    """Voice."""

    voice: types.Name | None = None
    """The voice of a model that can speak, by the server's name for it. If unset: `Cherry` for Qwen, else `alloy`."""
    transcription_model: types.Name | None = None
    """The model that transcribes voice messages when the main model can't hear."""
    transcription_base_url: types.ModelUrl | None = None
    """The transcription model's server, if it is not the main one."""
    transcription_api_key: types.ApiKey | None = None
    """The key for it. If unset, the main key is used on the same scheme, host and port, and none elsewhere."""


class AccessSettings(Group):
    """Access and groups."""

    access: types.Access = "approval"
    """Who can use the bot: `approval` (an owner decides), `list` (only the lists below) or `open` (anyone not blocked).

    With `approval`, at most ten requests are shown to an owner at a time; further ones are counted.
    """
    owner_ids: Annotated[frozenset[int], NoDecode, types.comma_separated] = frozenset()
    """User ids of the owners, separated by commas. If unset, the log shows a link that makes you the owner."""
    allowed_ids: Annotated[frozenset[int], NoDecode, types.comma_separated] = frozenset()
    """Ids of users and chats that need no approval, separated by commas."""
    group_trigger: Literal["mention", "always"] = "mention"
    """What to answer in groups: `mention` (a mention, a reply, a command or the bot's name first) or `always` (all)."""
    group_listen: Literal["on", "off"] = "on"
    """Whether to remember the group messages in between, so that the bot can follow the conversation: `on` or `off`."""


class BudgetSettings(Group):
    """Limits.

    A budget is an amount for one day of `TIMEZONE`: tokens in and out (`200000`, `200k`) or money (`0.50 USD`). Money
    needs prices in `MODEL_PROFILES`; see [Budgets](operation.md#budgets).
    """

    budget_user: Annotated[types.Budget, NoDecode] = None
    """What one person may use in a day over all chats: tokens (`200k`) or money (`0.50 USD`). If unset, no limit."""
    budget_chat: Annotated[types.Budget, NoDecode] = None
    """What all members of one chat together may use in a day."""
    budget_total: Annotated[types.Budget, NoDecode] = None
    """What all users together may use in a day."""
    messages_per_minute: int | None = Field(default=None, ge=1)
    """How many messages from one person to answer in a minute. If unset, no limit.

    Messages that are answered together count as one. An edit counts if it gets a new answer.
    """


class MemorySettings(Group):
    """Memory.

    How these work together is in [memory.md](memory.md).
    """

    memory: Literal["summary", "truncate", "full"] = "summary"
    """What to do with old turns: `summary` (summarize them), `truncate` (drop them) or `full` (keep all that fits)."""
    context_window: int | None = Field(default=None, ge=1024)
    """The model's context window, in tokens. Needed only if the bot can't find it out.

    If unset, it is what the server's list of models says, else what is known of the model, else 32768. If the server
    turns out to have a smaller one, because it refuses prompts or cuts them silently, that one is used, and remembered
    for a day. Optional fields that a server refuses are remembered for a week. Both are tried again at once when you
    change the settings of the model.
    """
    compact_at: types.CompactAt = "auto"
    """When to compact: `auto` (at the cheapest size, at most 0.7 of the window) or a share of the window (0 to 1)."""
    compact_schedule: types.Schedule = "idle"
    """Compaction on a clock: `idle` (before a quiet chat's prompt cache expires), a crontab entry, or `off`.

    A crontab entry has five fields, such as `30 4 * * 1-5` (weekdays 0 and 7 are Sunday), or is `@daily` and the like.
    It is in `TIMEZONE`.
    """
    memory_tokens: int = Field(default=800, ge=100)
    """The longest memory, in tokens."""
    keep_rounds: int = Field(default=20, ge=1)
    """How many rounds (a question and its answer) `MEMORY=truncate` keeps."""
    recall_tokens: int = Field(default=2400, ge=0)
    """The most tokens of recalled history in one prompt; `0` turns recall off.

    A question with one answer gets up to a third of them, small talk few or none.
    """
    tools: Literal["on", "off"] = "off"
    """Whether a model that supports tools may search the history and take notes itself: `on` or `off`."""
    retention_days: int | None = Field(default=None, ge=1)
    """After how many days messages are deleted for good. If unset, never."""


class EmbeddingSettings(Group):
    """Embeddings."""

    embedding_model: types.EmbeddingModel | None = None
    """Search by meaning: `local` (multilingual, on this machine), a server's model (`text-embedding-v4`) or `off`.

    If unset: `local` where the extra `embeddings` is installed, otherwise search is by words only.
    """
    embedding_base_url: types.ModelUrl | None = None
    """The embedding model's server, if it is not the main one."""
    embedding_api_key: types.ApiKey | None = None
    """The key for it. If unset, the main key is used on the same scheme, host and port, and none elsewhere."""


class CacheSettings(Group):
    """Prompt cache.

    Prices are relative to one fresh input token. They decide when to compact, and fill in for prices that
    `MODEL_PROFILES` leaves out.
    """

    cached_price: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    """The price of a cached input token, relative to a fresh one.

    If unset, it is 0.05 for an engine of your own (llama.cpp, Ollama), which does not read a token twice.
    """
    output_price: float = Field(default=3, ge=0, allow_inf_nan=False)
    """The price of an output token, relative to a fresh input token."""
    cache_markers: Literal["auto", "on", "off"] = "auto"
    """Explicit cache markers in requests: `auto` (where the server supports them and they pay off), `on` or `off`.

    These are `cache_control`, and `prompt_cache_breakpoint` for GPT-5.6 and later.
    """


class StorageSettings(Group):
    """Storage."""

    database_url: types.DatabaseUrl = Field(default="sqlite:///data/keepsake.db", repr=False)
    """The database: an SQLite file, or a PostgreSQL database such as `postgresql://user:password@host/name`.

    For a file, four slashes start an absolute path. PostgreSQL (14 or later) needs the extra `postgres`; `postgres://`
    and libpq's parameters, such as `?sslmode=require`, are understood too.
    """
    backup_dir: Path | None = None
    """The folder for a backup every night, each checked after it is written. If unset, none are made.

    It is for an SQLite file; PostgreSQL is backed up on its server. Give each bot a folder of its own, on another disk
    if possible. A backup is also made at the start, and every hour until it succeeds, if the newest is more than 25
    hours old.
    """
    backup_keep: int = Field(default=7, ge=1)
    """How many of these backups to keep. What someone forgets remains in them until they are deleted."""
    reset_keep_days: int = Field(default=7, ge=1)
    """After how many days a chat that was reset is deleted for good."""
    inbox_keep_days: int = Field(default=3, ge=1)
    """After how many days the JSON of updates that could not be handled is deleted; that of all others is not kept."""


class TelegramSettings(Group):
    """Telegram and network."""

    telegram_api_url: types.HttpUrl = "https://api.telegram.org"
    """The Bot API server: Telegram's, or one that you host."""
    webhook_url: types.WebhookUrl | None = None
    """The address that Telegram posts updates to: https, or http on loopback. If unset, the bot uses long polling."""
    webhook_secret: types.WebhookSecret | None = None
    """The secret that Telegram sends with each post. If unset, it is derived from the token."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port for the webhook, `/healthz`, `/readyz`, `/metrics`. If unset: 8080 with a webhook, otherwise none."""
    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for all. The Procfile sets `0.0.0.0`."""
    reply_format: Literal["auto", "rich", "text"] = "auto"
    """How to show answers: `auto` (as text; as a rich message if it has a table or formula), `rich` or `text`.

    Some Telegram apps show rich messages blank. Each chat can choose in `/settings`.
    """


class OperationSettings(Group):
    """Time and logs."""

    timezone: types.TimeZone = "UTC"
    """The time zone of times in conversations, budget days and schedules, such as `Europe/Berlin`."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], types.upper_case] = "INFO"
    """How much to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    log_format: Literal["text", "json"] = "text"
    """The form of log lines: `text`, or `json` for machines."""
    log_words: Literal["off", "on"] = "off"
    """Whether people's words may be logged: `off`, or `on`, which with `DEBUG` shows all requests with their words."""
    metrics_token: types.ApiKey | None = None
    """The token for `/metrics` (`Authorization: Bearer ...`). If unset, only this machine may read it.

    With a webhook, `/metrics` needs it: a proxy passes requests on, and all seem to come from this machine.
    """
    sentry_dsn: SecretStr | None = None
    """Where to report errors, without any words of messages; needs the extra `sentry`. If unset, nowhere."""
