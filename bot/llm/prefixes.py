"""What stands before a text that is embedded: many models were trained on texts that say whether they ask.

A wrong prefix raises no error, it only finds less; so a model that is not known gets none.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.llm.interface import Purpose

_TASK = "Given a message in a chat, retrieve earlier messages that help to answer it"
"""Models that take an instruction want one sentence in English, whatever the language of the texts."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What stands before a question, and before what is searched."""

    query: str = ""
    passage: str = ""


_INSTRUCTED = Prefixes(query=f"Instruct: {_TASK}\nQuery: ")
_BGE = "Represent this sentence for searching relevant passages: "
_NONE = Prefixes()

# By the model's name, in small letters and without its owner; the first pattern that fits counts.
_KNOWN = (
    # intfloat/multilingual-e5-large-instruct and e5-mistral-7b-instruct, model cards: an instruction, questions only.
    ("*e5-*instruct*", _INSTRUCTED),
    # intfloat/e5-* and multilingual-e5-*, model cards: "query: " and "passage: ", also where the text is no English.
    ("*e5-*", Prefixes("query: ", "passage: ")),
    # Qwen/Qwen3-Embedding-*, model card: "Instruct: ...\nQuery:" before questions. Model Studio's text-embedding-v3 and
    # v4 tell the two apart by text_type, which its OpenAI-compatible interface does not have: no prefix there.
    ("qwen3-embedding*", Prefixes(query=f"Instruct: {_TASK}\nQuery:")),
    # Alibaba-NLP/gte-Qwen*-instruct, model cards; gte-multilingual-base, gte-large-en-v1.5 and thenlper/gte-*: none.
    ("gte-qwen*", _INSTRUCTED),
    # BAAI, FlagEmbedding's list of models: bge-m3 none, the Chinese and the English ones an instruction each.
    ("bge-m3*", _NONE),
    ("bge-*-zh*", Prefixes(query="为这个句子生成表示以用于检索相关文章：")),
    ("bge-*-en*", Prefixes(query=_BGE)),
    ("bge-small*", Prefixes(query=_BGE)),
    ("bge-base*", Prefixes(query=_BGE)),
    ("bge-large*", Prefixes(query=_BGE)),
    # nomic-ai/nomic-embed-text-v1, v1.5 and v2-moe, model cards.
    ("nomic-embed-text*", Prefixes("search_query: ", "search_document: ")),
    # mixedbread-ai/mxbai-embed-large-v1, model card: BGE's sentence.
    ("mxbai-embed-large*", Prefixes(query=_BGE)),
    # Snowflake, model cards: "query: " from v2.0 on, BGE's sentence before; Ollama calls v2.0 "arctic-embed2".
    ("snowflake-arctic-embed*v2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed*", Prefixes(query=_BGE)),
    # google/embeddinggemma-300m, model card.
    ("embeddinggemma*", Prefixes("task: search result | query: ", "title: none | text: ")),
)


def prefixes(model: str) -> Prefixes:
    """Those of a model, by its name as servers give it: ``intfloat/multilingual-e5-large``, ``bge-m3:latest``."""
    name = model.lower().rsplit("/", 1)[-1]
    return next((known for pattern, known in _KNOWN if fnmatchcase(name, pattern)), _NONE)


def prefixed(model: str, text: str, purpose: Purpose) -> str:
    """A text as the model wants to have it."""
    known = prefixes(model)
    return (known.query if purpose is Purpose.QUERY else known.passage) + text
