"""Transcriptions without a model: a test scripts what was said."""

import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.types import Message

from sandbox import http
from sandbox.model import playback
from sandbox.model.behaviour import Fail, Hang
from sandbox.model.request import RequestError, model_name

STAND_IN = "(The sandbox can't hear: these words stand for what was said.)"
FORMATS = {"mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), "wav": (b"RIFF",), "ogg": (b"OggS",)}
"""File name extensions, and how such files begin."""


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A checked request."""

    model: str
    name: str
    sound: bytes = field(repr=False)


class TranscriptionEndpoint:
    """Answers transcription requests and records them."""

    def __init__(self) -> None:
        self.requests: list[TranscriptionRequest] = []
        self._script: deque[str | Fail | Hang] = deque()

    def script(self, *behaviours: str | Fail | Hang) -> None:
        """Queue one transcript or failure per coming request."""
        self._script.extend(behaviours)

    def answer(self, content_type: str, body: bytes) -> AsyncIterator[Message]:
        """The response to a request; raises RequestError with the reason for the client."""
        self.requests.append(parse(content_type, body))
        behaviour = self._script.popleft() if self._script else STAND_IN
        if isinstance(behaviour, str):
            return playback.unscripted(json.dumps({"text": behaviour}).encode())
        return playback.unscripted(behaviour)


def parse(content_type: str, body: bytes) -> TranscriptionRequest:
    """Check a request; raises RequestError with the reason for the client."""
    if not content_type.startswith("multipart/form-data"):
        raise RequestError("the body must be a form with a file")
    try:
        fields = dict(http.form_parts(content_type, body))
    except ValueError as exc:
        raise RequestError(f"the form can't be read: {exc}") from exc
    file, model = fields.get("file"), model_name(fields)
    if not isinstance(file, http.Upload):
        raise RequestError("you must provide a file", "file")
    if fields.get("response_format", "json") != "json":
        raise RequestError("response_format is json here", "response_format")
    if not file.data.startswith(FORMATS.get(file.name.rpartition(".")[2], ())):
        raise RequestError("Invalid file format.", "file")
    return TranscriptionRequest(model, file.name, file.data)
