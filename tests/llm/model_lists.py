"""Lists of models as servers send them, and what each tells of its model; a number is the window alone."""

from bot.llm.profiles import ModelProfile

OPENROUTER = {
    "id": "maker/some-model",
    "context_length": 131_072,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "top_provider": {"context_length": 65_536, "max_completion_tokens": 8192, "is_moderated": False},
    "supported_parameters": ["max_tokens", "temperature", "tools"],
}
LISTS = {
    "openrouter": (
        {"data": [OPENROUTER]},
        ModelProfile(context_window=65_536, most_output=8192, sees=True, tools=True),
    ),
    "vllm": ({"object": "list", "data": [{"id": "some-model", "max_model_len": 8192}]}, 8192),
    "groq": (
        {"data": [{"id": "some-model", "context_window": 131_072, "max_completion_tokens": 32_768}]},
        ModelProfile(context_window=131_072, most_output=32_768),
    ),
    "together": ([{"id": "maker/some-model", "context_length": 32_768, "type": "chat"}], 32_768),
    "mistral": (
        {
            "data": [
                {
                    "id": "some-model",
                    "max_context_length": 131_072,
                    "aliases": ["other"],
                    "capabilities": {"vision": False, "function_calling": True},
                }
            ]
        },
        ModelProfile(context_window=131_072, sees=False, tools=True),
    ),
    "tabbyapi": (
        {
            "data": [
                {"id": "some-model", "parameters": {"max_seq_len": 32_768, "cache_size": 65_536, "use_vision": False}}
            ]
        },
        ModelProfile(context_window=32_768, sees=False),
    ),
    "gpustack": (
        {"data": [{"id": "some-model", "meta": {"n_ctx": 8192, "support_vision": True, "support_tool_calls": True}}]},
        ModelProfile(context_window=8192, sees=True, tools=True),
    ),
    "xinference": (
        {"data": [{"id": "some-model", "context_length": 32_768, "model_ability": ["chat", "vision", "tools"]}]},
        ModelProfile(context_window=32_768, sees=True, tools=True),
    ),
    "poe": (
        {"data": [{"id": "some-model", "context_window": {"context_length": 200_000, "max_output_tokens": 8192}}]},
        ModelProfile(context_window=200_000, most_output=8192),
    ),
    "moonshot": (
        {"data": [{"id": "some-model", "context_length": 262_144, "supports_image_in": True}]},
        ModelProfile(context_window=262_144, sees=True),
    ),
    "llama.cpp": (
        {"data": [{"id": "x.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 40_960, "n_ctx": 4096}}]},
        4096,
    ),
    "lm studio": (
        {"data": [{"id": "some-model", "max_context_length": 40_960, "loaded_context_length": 4096}]},
        4096,
    ),
    "anthropic": (
        {
            "data": [
                {
                    "id": "some-model",
                    "max_input_tokens": 200_000,
                    "max_tokens": 64_000,
                    "capabilities": {"image_input": {"supported": True}},
                }
            ]
        },
        ModelProfile(context_window=200_000, sees=True),
    ),
    "copilot": (
        {
            "data": [
                {
                    "id": "some-model",
                    "capabilities": {"limits": {"max_prompt_tokens": 64_000, "max_output_tokens": 4096}},
                }
            ]
        },
        ModelProfile(context_window=64_000, most_output=4096),
    ),
}
