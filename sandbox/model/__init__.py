"""An offline model server: OpenAI's interface, scripted answers, and a stand-in that says it is one."""

from sandbox.model.behaviour import Behaviour, Cut, Fail, Hang, Hold, NoFinish, Say
from sandbox.model.embeddings import EmbeddingDesk, EmbeddingRequest
from sandbox.model.request import ChatRequest, Message
from sandbox.model.server import MODEL_NAME, ModelServer
from sandbox.model.transcriptions import TranscriptionDesk, TranscriptionRequest

__all__ = [
    "MODEL_NAME",
    "Behaviour",
    "ChatRequest",
    "Cut",
    "EmbeddingDesk",
    "EmbeddingRequest",
    "Fail",
    "Hang",
    "Hold",
    "Message",
    "ModelServer",
    "NoFinish",
    "Say",
    "TranscriptionDesk",
    "TranscriptionRequest",
]
