"""Models and servers that are known, as ``profiles.py`` reads them; only what differs from its defaults is said.

A window is the smallest of those that apply: a model that is served in several ways, or whose input is bounded below
its window, has the smaller one.
"""

from bot.llm.profiles import ModelProfile, Profiles, ServerProfile

_SERVERS = {
    # Alibaba Cloud Model Studio, "Context cache": markers, at least 1,024 tokens, five minutes renewed by every hit.
    "*.aliyuncs.com": ServerProfile(
        cache_markers=True,
        session_cache=True,
        vision_model="qwen3-vl-plus",
        keeps_responses=True,
        sound_as_url=True,
        thinking_in_template=False,
    ),
    # OpenAI, "Conversation state", and Microsoft, "Use the Azure OpenAI Responses API": kept for 30 days. Elsewhere
    # an id is refused (OpenRouter), unknown (vLLM, SGLang, unless they are told to keep them) or ignored (Ollama).
    "api.openai.com": ServerProfile(keeps_responses=True, completion_tokens=True),
    "*.api.openai.com": ServerProfile(keeps_responses=True, completion_tokens=True),
    "*.openai.azure.com": ServerProfile(keeps_responses=True, completion_tokens=True),
    "*.cognitiveservices.azure.com": ServerProfile(keeps_responses=True, completion_tokens=True),
    "*.services.ai.azure.com": ServerProfile(keeps_responses=True, completion_tokens=True),
}

_QWEN = {
    # Alibaba Cloud Model Studio, list of models. A dated snapshot of qwen-plus may be older than its large window, and
    # qwen-turbo has 131,072 when it thinks. From Qwen3.5 on the plain models see too. The text models call functions.
    # All of those that speak have this voice ("Qwen-Omni").
    "qwen*": ModelProfile(voice="Cherry", voice_format="wav"),
    "qwen-plus*": ModelProfile(context_window=1_000_000, most_output=32_768, sees=False, thinks=True, tools=True),
    "qwen-plus-20*": ModelProfile(context_window=131_072),
    "qwen-flash*": ModelProfile(context_window=1_000_000, most_output=32_768, sees=False, thinks=True, tools=True),
    "qwen-turbo*": ModelProfile(context_window=131_072, sees=False, thinks=True, tools=True),
    "qwen-max*": ModelProfile(sees=False, tools=True),
    "qwen-long*": ModelProfile(sees=False),
    "qwq*": ModelProfile(sees=False),
    "qwen3-max*": ModelProfile(context_window=262_144, most_output=65_536, thinks=False),
    "qwen3-coder-*": ModelProfile(thinks=False),
    "qwen3-coder-plus*": ModelProfile(context_window=1_000_000),
    "qwen3-coder-flash*": ModelProfile(context_window=1_000_000),
    "qwen3.5-*": ModelProfile(thinks=True, tools=True),
    "qwen3.5-plus*": ModelProfile(context_window=1_000_000),
    "qwen3.6-*": ModelProfile(thinks=True, tools=True),
    "qwen3.6-plus*": ModelProfile(context_window=1_000_000),
    # Open Qwen models: what their model cards call native; more takes a server that is set up for it.
    "qwen2.5-*": ModelProfile(sees=False),
    "qwen3-*": ModelProfile(sees=False, thinks=True, tools=True),
    "qwen3-*-instruct*": ModelProfile(thinks=False),
    "qwen3-*-thinking*": ModelProfile(thinks=False),
    # Those that see ("Visual understanding").
    "qwen2.5-vl*": ModelProfile(sees=True),
    "qwen3-vl-*": ModelProfile(sees=True, tools=False),
    "qwen3-vl-plus*": ModelProfile(context_window=262_144),
    "qwen3-vl-flash*": ModelProfile(context_window=262_144),
    # Those that hear and speak ("Qwen-Omni"); none is told whether to think.
    "qwen-omni*": ModelProfile(sees=True, hears=True, speaks=True),
    "qwen2.5-omni*": ModelProfile(sees=True, hears=True, speaks=True),
    "qwen3-omni*": ModelProfile(sees=True, hears=True, speaks=True, thinks=False, tools=False),
    "qwen3.5-omni*": ModelProfile(sees=True, hears=True, speaks=True, thinks=False, tools=False),
    # Those that take one message and no history ("Qwen-OCR", "Qwen3-Omni-Captioner").
    "qwen-vl-ocr*": ModelProfile(sees=True, single_turn=True),
    "qwen3-omni*captioner*": ModelProfile(sees=False, speaks=False, single_turn=True),
}

_OTHERS = {
    # OpenAI, pages of the models. GPT-5's window is 400,000 with 128,000 of it reserved for the answer; later ones are
    # larger, and bill a prompt above 272,000 tokens at a higher price.
    "gpt-3.5*": ModelProfile(sees=False),
    "gpt-3.5-turbo*": ModelProfile(context_window=16_385),
    "gpt-4*": ModelProfile(context_window=8_192),
    "gpt-4-turbo*": ModelProfile(context_window=128_000),
    "gpt-4o*": ModelProfile(context_window=128_000, most_output=16_384, tools=True),
    "gpt-4.1*": ModelProfile(context_window=1_047_576, most_output=32_768, tools=True),
    "gpt-5*": ModelProfile(context_window=272_000, most_output=128_000, tools=True),
    "o3*": ModelProfile(context_window=200_000, most_output=100_000, tools=True),
    "o4-mini*": ModelProfile(context_window=200_000, most_output=100_000, tools=True),
    # DeepSeek, "Models & Pricing".
    "deepseek-*": ModelProfile(context_window=128_000, sees=False),
    "deepseek-chat*": ModelProfile(tools=True),
    "deepseek-v*": ModelProfile(tools=True),
    "deepseek-v4*": ModelProfile(context_window=1_000_000),
}

KNOWN = Profiles(models=(_QWEN | _OTHERS,), servers=(_SERVERS,))
