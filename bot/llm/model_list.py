"""Model properties in a server's list of models, under the names that many servers use.

OpenRouter, Together, Moonshot and LM Studio call the window ``context_length``, vLLM and SGLang ``max_model_len``, Groq
``context_window``, Mistral ``max_context_length``, Anthropic ``max_input_tokens``, llama.cpp ``n_ctx`` in ``meta``.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.llm.profiles import ModelProfile

LEAST_WINDOW, MOST_WINDOW = 1024, 10**8
OF_LOADED = "/api/ps"
"""Where Ollama lists loaded models, and only those."""
LEAST_OUTPUT = 1024
"""A lower output limit is a default of some deployment rather than a property of the model."""
MOST_MODELS = 20_000
LLAMA_CPP, OLLAMA = "llamacpp", "library"
"""The ``owned_by`` of these two servers. llama.cpp serves one model under any name."""

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
"""Nested objects of an entry that may contain the fields."""
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


def profiles_in_list(body: object) -> dict[str, ModelProfile]:
    """The known properties by lower-case model name; models without any are left out."""
    entries = body if isinstance(body, list) else next(_lists(body), ())
    found: dict[str, ModelProfile] = {}
    for entry in entries[:MOST_MODELS]:
        if not isinstance(entry, Mapping):
            continue
        fields = {str(key).lower(): value for key, value in entry.items()}
        profile = _profile(list(_objects(fields)))
        if profile.model_fields_set:
            aliases = fields.get("aliases")
            names = [fields.get("id"), fields.get("name"), *(aliases if isinstance(aliases, list) else ())]
            found.update((name.lower(), profile) for name in names if isinstance(name, str))
            if len(entries) == 1 and fields.get("owned_by") == LLAMA_CPP:
                found[""] = profile
    return found


def native_path(body: object) -> str | None:
    """The path, relative to the server's root, that tells the real windows if the list doesn't."""
    entries = [entry for entry in next(_lists(body), ())[:MOST_MODELS] if isinstance(entry, Mapping)]
    owners = {entry.get("owned_by") for entry in entries if isinstance(entry.get("owned_by"), str)}
    return "/props" if owners == {LLAMA_CPP} else OF_LOADED if OLLAMA in owners else None


def loaded_profiles(body: object) -> dict[str, ModelProfile]:
    """The properties in the answer from that path."""
    if not isinstance(body, Mapping) or "models" in body:
        return profiles_in_list(body)
    settings, modalities = body.get("default_generation_settings"), body.get("modalities")
    entry = {"id": "", "info": settings, "features": modalities}
    return profiles_in_list([entry])


def _lists(body: object) -> Iterator[Sequence[object]]:
    if isinstance(body, Mapping):
        for key in ("data", "models"):
            if isinstance(entries := body.get(key), list):
                yield entries


def _objects(fields: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The entry and its nested objects."""
    yield fields
    for key in _INSIDE:
        inner = fields.get(key)
        if isinstance(inner, Mapping):
            inner = {str(name).lower(): value for name, value in inner.items()}
            yield inner
            for further in _INSIDE:
                if isinstance(deepest := inner.get(further), Mapping):
                    yield {str(name).lower(): value for name, value in deepest.items()}


def _profile(objects: Sequence[Mapping[str, object]]) -> ModelProfile:
    properties: dict[str, int | bool] = {}
    windows = [count for fields in objects for name in _WINDOWS if (count := _count(fields.get(name)))]
    windows = [count for count in windows if LEAST_WINDOW <= count <= MOST_WINDOW]
    if windows:
        properties["context_window"] = min(windows)
    outputs = [count for fields in objects for name in _OUTPUTS if (count := _count(fields.get(name)))]
    outputs = [count for count in outputs if count >= LEAST_OUTPUT]
    if outputs:
        properties["most_output"] = min(outputs)
    if (sees := _sees(objects)) is not None:
        properties["sees"] = sees
    if (calls := _flag(objects, _CALLS)) is not None:
        properties["tools"] = calls
    else:
        features = [fields.get(name) for fields in objects for name in (_PARAMETERS, *_FEATURES)]
        if any(_TOOLS & _words(names) for names in features):
            properties["tools"] = True
        elif any(_words(fields.get(_PARAMETERS)) for fields in objects):  # the list of parameters is complete
            properties["tools"] = False
    return ModelProfile.model_validate(properties)


def _sees(objects: Sequence[Mapping[str, object]]) -> bool | None:
    for fields in objects:
        for name in _MODALITIES:
            if isinstance(modalities := fields.get(name), list) and modalities:
                return bool({"image", "images", "vision"} & _words(modalities))
    sees = _flag(objects, _SEES)
    if sees is None and any(_VISION & _words(fields.get(name)) for fields in objects for name in _FEATURES):
        return True
    return sees


def _flag(objects: Sequence[Mapping[str, object]], names: Sequence[str]) -> bool | None:
    """The first boolean found; Anthropic wraps it in an object."""
    for fields in objects:
        for name in names:
            value = fields.get(name)
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
