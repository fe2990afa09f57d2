"""What a server's list of models tells of them besides their names, in the words of many servers.

OpenRouter, Together, Moonshot and LM Studio say ``context_length``, vLLM and SGLang ``max_model_len``, Groq
``context_window``, Mistral ``max_context_length``, Anthropic ``max_input_tokens``, llama.cpp ``n_ctx`` in ``meta``.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.llm.profiles import ModelProfile

LEAST_WINDOW, MOST_WINDOW = 1024, 10**8
OF_LOADED = "/api/ps"
"""Where Ollama tells of the models that are loaded, and of no others."""
LEAST_OUTPUT = 1024
"""An answer that may be no longer is somebody's default, and not what the model can write."""
MOST_MODELS = 20_000
LLAMA_CPP, OLLAMA = "llamacpp", "library"
"""Whose models they are, by these two. llama.cpp has one model, and answers by whatever name it is called."""

_WINDOWS = (
    *("context_length", "max_model_len", "context_window", "max_context_length", "loaded_context_length", "n_ctx"),
    *("context_size", "max_input_tokens", "max_prompt_tokens", "input_token_limit", "inputtokenlimit"),
    *("max_context_window_tokens", "contextlength", "max_sequence_length", "max_seq_len", "max_context_tokens"),
)
_OUTPUTS = ("max_completion_tokens", "max_output_tokens", "max_output_length", "output_token_limit", "outputtokenlimit")
_INSIDE = (
    *("top_provider", "meta", "metadata", "limits", "capabilities", "architecture", "model_info", "per_request_limits"),
    *("limit", "config", "info", "features", "supports", "parameters", "context_window"),
)
"""Objects beside the name that have more of this in them."""
_MODALITIES = ("input_modalities", "inputmodalities", "supported_input_modalities", "modalities")
_SEES = (
    "vision",
    "supports_vision",
    "supports_image_in",
    "supports_image_input",
    "image_input",
    "image",
    "multimodal",
    *("support_vision", "use_vision"),
)
_CALLS = (
    "function_calling",
    "supports_tools",
    "tools",
    "tool_calling",
    "supports_function_calling",
    "tool_calls",
    "support_tool_calls",
)
_PARAMETERS = "supported_parameters"
_FEATURES = ("supported_features", "capabilities", "features", "tags", "model_ability")
_VISION = {"vision", "multimodal", "image-input", "image_input"}
_TOOLS = {"tools", "tool_use", "tool-use", "tool_calling", "function_calling", "function-calling", "functions"}


def listed(body: object) -> dict[str, ModelProfile]:
    """What is told of each model, by its name in small letters; models of which nothing is told are left out."""
    entries = body if isinstance(body, list) else next(_lists(body), ())
    found: dict[str, ModelProfile] = {}
    for entry in entries[:MOST_MODELS]:
        if not isinstance(entry, Mapping):
            continue
        fields = {str(key).lower(): value for key, value in entry.items()}
        told = _told(list(_objects(fields)))
        if told.model_fields_set:
            aliases = fields.get("aliases")
            names = [fields.get("id"), fields.get("name"), *(aliases if isinstance(aliases, list) else ())]
            found.update((name.lower(), told) for name in names if isinstance(name, str))
            if len(entries) == 1 and fields.get("owned_by") == LLAMA_CPP:
                found[""] = told
    return found


def native(body: object) -> str | None:
    """The path, from the server's root, where it tells the windows that it gave to models: not in its list."""
    entries = [entry for entry in next(_lists(body), ())[:MOST_MODELS] if isinstance(entry, Mapping)]
    owners = {entry.get("owned_by") for entry in entries if isinstance(entry.get("owned_by"), str)}
    return "/props" if owners == {LLAMA_CPP} else OF_LOADED if OLLAMA in owners else None


def loaded(body: object) -> dict[str, ModelProfile]:
    """What is told there."""
    if not isinstance(body, Mapping) or "models" in body:
        return listed(body)
    settings, senses = body.get("default_generation_settings"), body.get("modalities")
    entry = {"id": "", "info": settings, "features": senses}
    return listed([entry])


def _lists(body: object) -> Iterator[Sequence[object]]:
    if isinstance(body, Mapping):
        for key in ("data", "models"):
            if isinstance(entries := body.get(key), list):
                yield entries


def _objects(fields: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The entry, and the objects in it that tell more."""
    yield fields
    for key in _INSIDE:
        inner = fields.get(key)
        if isinstance(inner, Mapping):
            inner = {str(name).lower(): value for name, value in inner.items()}
            yield inner
            for further in _INSIDE:
                if isinstance(deepest := inner.get(further), Mapping):
                    yield {str(name).lower(): value for name, value in deepest.items()}


def _told(objects: Sequence[Mapping[str, object]]) -> ModelProfile:
    told: dict[str, int | bool] = {}
    windows = [count for one in objects for name in _WINDOWS if (count := _count(one.get(name)))]
    windows = [count for count in windows if LEAST_WINDOW <= count <= MOST_WINDOW]
    if windows:
        told["context_window"] = min(windows)
    outputs = [count for one in objects for name in _OUTPUTS if (count := _count(one.get(name)))]
    outputs = [count for count in outputs if count >= LEAST_OUTPUT]
    if outputs:
        told["most_output"] = min(outputs)
    if (sees := _sees(objects)) is not None:
        told["sees"] = sees
    if (calls := _flag(objects, _CALLS)) is not None:
        told["tools"] = calls
    else:
        features = [one.get(name) for one in objects for name in (_PARAMETERS, *_FEATURES)]
        if any(_TOOLS & _words(names) for names in features):
            told["tools"] = True
        elif any(_words(one.get(_PARAMETERS)) for one in objects):  # it names all that a request may have
            told["tools"] = False
    return ModelProfile.model_validate(told)


def _sees(objects: Sequence[Mapping[str, object]]) -> bool | None:
    for one in objects:
        for name in _MODALITIES:
            if isinstance(modalities := one.get(name), list) and modalities:
                return bool({"image", "images", "vision"} & _words(modalities))
    sees = _flag(objects, _SEES)
    if sees is None and any(_VISION & _words(one.get(name)) for one in objects for name in _FEATURES):
        return True
    return sees


def _flag(objects: Sequence[Mapping[str, object]], names: Sequence[str]) -> bool | None:
    """The first that is a yes or a no; Anthropic says so in an object."""
    for one in objects:
        for name in names:
            value = one.get(name)
            value = value.get("supported") if isinstance(value, Mapping) else value
            if isinstance(value, bool):
                return value
    return None


def _words(values: object) -> set[str]:
    return {value.lower() for value in values if isinstance(value, str)} if isinstance(values, list) else set()


def _count(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value > 0 else 0
