"""An offline model server: OpenAI's and DashScope's APIs, scripted answers, and a stand-in that says it is one."""

from sandbox.model.behaviour import Behaviour, Break, Cut, Fail, Forward, Hang, HoldStream, NoFinish, Raw, Say, Upstream
from sandbox.model.embeddings import EmbeddingEndpoint, EmbeddingRequest
from sandbox.model.model_server import MODEL_NAME, ModelServer
from sandbox.model.request import ChatRequest, RequestMessage
from sandbox.model.responses_answer import ResponseStore
from sandbox.model.transcriptions import TranscriptionEndpoint, TranscriptionRequest

__all__ = [
    "MODEL_NAME",
    "Behaviour",
    "Break",
    "ChatRequest",
    "Cut",
    "EmbeddingEndpoint",
    "EmbeddingRequest",
    "Fail",
    "Forward",
    "Hang",
    "HoldStream",
    "ModelServer",
    "NoFinish",
    "Raw",
    "RequestMessage",
    "ResponseStore",
    "Say",
    "TranscriptionEndpoint",
    "TranscriptionRequest",
    "Upstream",
]
