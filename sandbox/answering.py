"""Which model answers the bot: the local one, the stand-in, or one on a server elsewhere.

Unless it is elsewhere, the bot talks to the sandbox's model server, which passes requests on to the local model. So its
failures can be played with any of both, its requests are recorded, and the stand-in takes over from a dead model.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sandbox.local_model import LOCAL_MODEL, LocalModel, missing
from sandbox.model import MODEL_NAME, Behaviour, ChatRequest, Forward, ModelServer, Upstream
from sandbox.model.notes import heading
from sandbox.server_process import ProcessState

NO_KEY = "none"
"""A local server usually accepts any key, but clients insist on sending one."""
THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Of the local model; the bot and the browser need the other processors."""
SMALL = "It is tiny: it says silly and false things, and its notes are the stand-in's. A real one can take its place."
CHECK_S = 10.0
REFUSALS = (401, 403)
PROFILES = """\
# What the sandbox's bot knows of the local model; written at each start.
[models."smollm2*"]
context_window = 4096
sees = false
temperature = 0.2
[models."smollm2*".extra_body]
# Against repeating itself.
dry_multiplier = 0.8
dry_allowed_length = 3
dry_penalty_last_n = 4096
dry_sequence_breakers = ["\\n"]
"""
LOCAL_SETTINGS = {
    "COMPACT_AT": "0.4",
    "RECALL_TOKENS": "400",
    "MEMORY_TOKENS": "200",
    "MAX_ANSWER_TOKENS": "100",
    "SYSTEM_PROMPT": "You are a helpful assistant. Answer briefly.",
}
"""So small a model loses itself in long prompts and answers."""


class ModelKind(StrEnum):
    """Where the answers come from."""

    LOCAL = "local"
    STAND_IN = "stand-in"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class ModelInUse:
    """What answers now; `note` says it in a sentence for people."""

    kind: ModelKind
    name: str
    note: str
    ready: bool = True
    """False while the local model is being loaded."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model server elsewhere."""

    url: str
    name: str
    key: str = field(repr=False)

    async def check(self) -> None:
        """Raise ValueError, with a sentence for people, if the bot could not use it."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not self.name:
            raise ValueError("A model needs the http(s) address of its server, such as http://127.0.0.1:11434/v1.")
        if not self.key.isascii() or not self.key.isprintable():
            raise ValueError("The key has characters that can't be sent.")
        headers = {"authorization": f"Bearer {self.key}"}
        try:
            async with httpx.AsyncClient(timeout=CHECK_S) as client:
                answer = await client.get(f"{self.url.rstrip('/')}/models", headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
            raise ValueError(f"{parts.hostname} can't be reached: {str(exc) or type(exc).__name__}.") from exc
        if answer.status_code in REFUSALS:
            raise ValueError(f"{parts.hostname} refuses the key.")


class AnsweringModel:
    """The choice of the model; with `local`, the local model is used if it is installed."""

    def __init__(self, data: Path, server: ModelServer, remote: RemoteModel | None, *, local: bool) -> None:
        self.remote = remote
        self._server = server
        server.answer_with(self.answer)
        self._profiles = data / "local-model-profiles.toml"
        self._log = data / "local-model.log"
        self._missing = missing() if local else ""
        self._local = LocalModel(self._log, slots=2, threads=THREADS) if local and not self._missing else None

    def start(self) -> None:
        """Begin to load the local model, unless another one is in use."""
        if self._local is not None and self.remote is None:
            self._profiles.write_text(PROFILES, encoding="utf-8")
            self._local.process.start()

    async def use(self, remote: RemoteModel | None) -> None:
        """Let a model elsewhere answer, or with None the sandbox's own again."""
        await self.stop()
        self.remote = remote
        self.start()

    async def stop(self) -> None:
        """End the local model."""
        if self._local is not None:
            await self._local.process.stop()

    def settings(self, url: str, key: str) -> Mapping[str, str]:
        """The bot's settings that depend on the model; `url` and `key` are those of the sandbox's model server."""
        if self.remote is not None:
            return _connection(self.remote.url, self.remote.key, self.remote.name)
        if self._local is None:
            return _connection(url, key, MODEL_NAME) | {"TRANSCRIPTION_MODEL": MODEL_NAME}
        more = {"TRANSCRIPTION_MODEL": MODEL_NAME, "MODEL_PROFILES": str(self._profiles)}
        return _connection(url, key, LOCAL_MODEL) | more | LOCAL_SETTINGS

    @property
    def in_use(self) -> ModelInUse:
        """The model that answers now."""
        if self.remote is not None:
            return ModelInUse(
                ModelKind.REMOTE, self.remote.name, f"Its server is {urlsplit(self.remote.url).hostname}."
            )
        if self._local is None:
            return _stand_in(f"The local model is {self._missing}." if self._missing else "")
        match self._local.process.state:
            case ProcessState.STARTING:
                return ModelInUse(ModelKind.LOCAL, LOCAL_MODEL, "It is being loaded.", ready=False)
            case ProcessState.RUNNING:
                return ModelInUse(ModelKind.LOCAL, LOCAL_MODEL, SMALL)
        return _stand_in(f"The local model has ended; its log is {self._log}.")

    def answer(self, request: ChatRequest) -> Behaviour:
        """How the sandbox's model server answers unless something else is played.

        Notes are always the stand-in's: the local model is too small to write any.
        """
        instead = self._server.stand_in(request)
        return instead if self._local is None or heading(request) else Forward(self._upstream, instead)

    async def ready(self) -> None:
        """Wait until the local model is loaded or has ended for good."""
        if self._local is not None:
            await self._local.process.ready()

    async def changed(self) -> None:
        """Wait until the local model is loaded or ends."""
        if self._local is not None:
            await self._local.process.changed()

    async def _upstream(self) -> Upstream | None:
        if self._local is None or not (url := await self._local.process.ready()):
            return None
        return Upstream(f"{url}/v1", self._local.key)


def _connection(url: str, key: str, name: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": key, "OPENAI_MODEL": name}


def _stand_in(reason: str) -> ModelInUse:
    return ModelInUse(ModelKind.STAND_IN, MODEL_NAME, f"It understands nothing. {reason}".strip())
