"""Known models and servers, in the form of ``profiles.py``; only differences from its defaults are listed.

A window is the smallest that applies at the model's maker: variants served in several ways, or with an input limit
below the window, get the smaller number. Models that can't be called any more are removed.
"""

from bot.llm.fields import ThinkingSwitch
from bot.llm.profiles import ModelProfile, Profiles, ServerProfile

# Models before GPT-5.6 cache automatically; all accept the key ("Prompt caching", at both).
_OPENAI = ServerProfile(keeps_responses=True, completion_tokens=True, cache_breakpoints=True, cache_key=True)
_THINKING = ServerProfile(thinking_as=ThinkingSwitch.THINKING, thinking_in_template=False)
_SERVERS = {
    # Alibaba Cloud Model Studio, "Context cache": markers, at least 1,024 tokens, five minutes, renewed by every hit.
    "*.aliyuncs.com": ServerProfile(
        cache_markers=True,
        session_cache=True,
        vision_model="qwen3-vl-plus",
        keeps_responses=True,
        sound_as_url=True,
        thinking_in_template=False,
    ),
    # OpenAI, "Conversation state", and Microsoft, "Use the Azure OpenAI Responses API": kept for 30 days. Other
    # servers refuse an id (OpenRouter), don't know it (vLLM, SGLang unless configured) or ignore it (Ollama).
    "api.openai.com": _OPENAI,
    "*.api.openai.com": _OPENAI,
    "*.openai.azure.com": _OPENAI,
    "*.cognitiveservices.azure.com": _OPENAI,
    "*.services.ai.azure.com": _OPENAI,
    # OpenRouter, "Prompt caching": Anthropic's and Alibaba's models need markers, all others cache automatically;
    # OpenAI's own breakpoints are passed on.
    "openrouter.ai": ServerProfile(
        cache_markers=True,
        marked_models=["claude-*", "qwen*", "qwq*"],
        cache_breakpoints=True,
        thinking_as=ThinkingSwitch.REASONING,
        thinking_in_template=False,
    ),
    # xAI, "Maximizing cache hits": without the key a request may reach a server that hasn't seen its prefix.
    "api.x.ai": ServerProfile(cache_key=True),
    # Groq, "Reasoning" and "Vision"; Mistral, "Vision".
    "api.groq.com": ServerProfile(thinking_as=ThinkingSwitch.EFFORT, thinking_in_template=False, most_images=5),
    "api.mistral.ai": ServerProfile(most_images=8),
    # DeepSeek, "Thinking mode"; Moonshot, "Thinking models"; Z.AI, "Deep thinking".
    "api.deepseek.com": _THINKING,
    "api.moonshot.ai": _THINKING,
    "api.moonshot.cn": _THINKING,
    "api.z.ai": _THINKING,
    "open.bigmodel.cn": _THINKING,
    # Anthropic, "OpenAI SDK compatibility": no prompt cache in that interface.
    "api.anthropic.com": ServerProfile(cache_markers=False),
}

_QWEN = {
    # Alibaba Cloud Model Studio, list of models; windows are the input limit with thinking on, which is lower. A
    # dated snapshot of qwen-plus may predate its large window, and qwen-turbo has 131,072 when it thinks. From Qwen3.5
    # on the plain models can see, except 3.7-max. All speaking models have this voice ("Qwen-Omni").
    "qwen*": ModelProfile(voice="Cherry", voice_format="wav"),
    "qwen-plus*": ModelProfile(context_window=995_904, most_output=32_768, sees=False, thinks=True, tools=True),
    "qwen-plus-20*": ModelProfile(context_window=131_072),
    "qwen-flash*": ModelProfile(context_window=995_904, most_output=32_768, sees=False, thinks=True, tools=True),
    "qwen-turbo*": ModelProfile(context_window=131_072, sees=False, thinks=True, tools=True),
    "qwen-max*": ModelProfile(sees=False, tools=True),
    "qwen-long*": ModelProfile(sees=False),
    "qwq*": ModelProfile(sees=False),
    "qwen3-max*": ModelProfile(context_window=258_048, most_output=65_536, thinks=False),
    "qwen3.[5-9]*": ModelProfile(thinks=True, tools=True),
    "qwen3.5-plus*": ModelProfile(context_window=983_616, most_output=65_536),
    "qwen3.6-plus*": ModelProfile(context_window=983_616, most_output=65_536),
    "qwen3.6-flash*": ModelProfile(context_window=983_616, most_output=65_536),
    "qwen3.7-plus*": ModelProfile(context_window=983_616, most_output=64_000),
    "qwen3.7-flash*": ModelProfile(context_window=983_616),
    "qwen3.7-max*": ModelProfile(context_window=983_616, most_output=65_536, sees=False),
    "qwen3.8-plus*": ModelProfile(context_window=983_616, most_output=131_072),
    "qwen3.8-flash*": ModelProfile(context_window=983_616, most_output=131_072),
    "qwen3.8-max*": ModelProfile(context_window=983_616, most_output=131_072),
    # Open Qwen models: the native window of their model cards; longer ones need a specially configured server.
    "qwen2-*": ModelProfile(sees=False),
    "qwen2-vl*": ModelProfile(sees=True),
    "qwen2.5-*": ModelProfile(sees=False, tools=True),
    "qwen2.5:*": ModelProfile(sees=False, tools=True),
    "qwen2.5-omni*": ModelProfile(sees=True, hears=True, speaks=True, tools=False),
    "qwen3-*": ModelProfile(sees=False, thinks=True, tools=True),
    "qwen3:*": ModelProfile(sees=False, thinks=True, tools=True),
    "qwen3": ModelProfile(sees=False, thinks=True, tools=True),
    "qwen3-*instruct*": ModelProfile(thinks=False),
    "qwen3-*thinking*": ModelProfile(thinks=False),
    "qwen3-coder*": ModelProfile(thinks=False),
    "qwen3-coder-plus*": ModelProfile(context_window=997_952, most_output=65_536),
    "qwen3-coder-flash*": ModelProfile(context_window=997_952, most_output=65_536),
    # Vision models ("Visual understanding").
    "qwen2.5-vl*": ModelProfile(sees=True, tools=False),
    "qwen3-vl*": ModelProfile(sees=True),
    "qwen3-vl-plus*": ModelProfile(context_window=260_096, most_output=32_768),
    "qwen3-vl-flash*": ModelProfile(context_window=258_048, most_output=32_768),
    # Models that hear, most of which also speak ("Qwen-Omni"); only 3.8 has a thinking switch and calls functions.
    "qwen-omni*": ModelProfile(sees=True, hears=True, speaks=True),
    "qwen3-omni*": ModelProfile(sees=True, hears=True, speaks=True, thinks=False, tools=False),
    "qwen3.[5-7]*-omni*": ModelProfile(sees=True, hears=True, speaks=True, thinks=False, tools=False),
    "qwen3.8-omni*": ModelProfile(context_window=983_616, most_output=131_072, hears=True),
    # Models that take one message and no history ("Qwen-OCR", "Qwen3-Omni-Captioner").
    "qwen-vl-ocr*": ModelProfile(sees=True, single_turn=True),
    "qwen3-omni*captioner*": ModelProfile(sees=False, speaks=False, single_turn=True),
}

_OTHERS = {
    # OpenAI, model pages, and "Deprecations" for what is gone. GPT-5's window is 400,000, of which 128,000 are
    # reserved for the answer; later windows are larger, and prompts above 272,000 tokens cost more.
    "gpt-4o*": ModelProfile(context_window=128_000, most_output=16_384, tools=True),
    "gpt-4.1*": ModelProfile(context_window=1_047_576, most_output=32_768, tools=True),
    "gpt-4o*audio*": ModelProfile(sees=False, hears=True, speaks=True),
    "gpt-audio*": ModelProfile(
        context_window=128_000, most_output=16_384, sees=False, hears=True, speaks=True, tools=True
    ),
    "gpt-5*": ModelProfile(context_window=272_000, most_output=128_000, tools=True),
    "gpt-5.[4-9]*": ModelProfile(context_window=922_000),
    "gpt-5.4-mini*": ModelProfile(context_window=272_000),
    "gpt-5.4-nano*": ModelProfile(context_window=272_000),
    "gpt-5.6-cyber*": ModelProfile(context_window=272_000),
    "gpt-[6-9]*": ModelProfile(context_window=922_000, most_output=128_000, tools=True, cache_breakpoints=True),
    # "Prompt caching": from GPT-5.6 on a prompt is cached only up to a breakpoint.
    "gpt-5.[6-9]*": ModelProfile(cache_breakpoints=True),
    "gpt-oss*": ModelProfile(context_window=131_072, sees=False, thinks=True, tools=True),
    "o3": ModelProfile(context_window=200_000, most_output=100_000, tools=True),
    "o3-*": ModelProfile(context_window=200_000, most_output=100_000, tools=True),
    # Anthropic, "Models overview"; patterns cover the gateways' spellings of a version.
    "claude-*": ModelProfile(context_window=200_000, most_output=64_000, tools=True, cache_markers=True),
    "claude-[a-z]*-[5-9]*": ModelProfile(context_window=1_000_000, most_output=128_000),
    "claude-[a-z]*-4[.-]5*": ModelProfile(context_window=200_000, most_output=64_000),
    "claude-[a-z]*-4-*": ModelProfile(context_window=200_000, most_output=32_000),
    "claude-[a-z]*-4[.-][6-9]*": ModelProfile(context_window=1_000_000, most_output=128_000),
    # Google, "Gemini models".
    "gemini-*": ModelProfile(context_window=1_048_576, most_output=65_536, hears=True, tools=True),
    "gemini-omni*": ModelProfile(context_window=131_072, tools=False),
    "gemini-*-tts*": ModelProfile(context_window=8_192, most_output=16_384, sees=False, hears=False, tools=False),
    # Moonshot, "Models".
    "kimi-*": ModelProfile(context_window=262_144, tools=True),
    "kimi-k2*": ModelProfile(context_window=131_072, sees=False),
    "kimi-k2.[5-9]*": ModelProfile(context_window=262_144, sees=True, thinks=True),
    "kimi-k3*": ModelProfile(context_window=1_048_576, most_output=131_072),
    # Z.AI, pages of the models.
    "glm-*": ModelProfile(context_window=128_000, sees=False, tools=True),
    "glm-ocr*": ModelProfile(sees=True, tools=False, single_turn=True),
    "glm-[4-9]v*": ModelProfile(context_window=200_000, sees=True),
    "glm-4v*": ModelProfile(context_window=8_192),
    "glm-4.[0-9]v*": ModelProfile(context_window=65_536, sees=True),
    "glm-4.[5-9]*": ModelProfile(thinks=True),
    "glm-4.[67]*": ModelProfile(context_window=200_000),
    "glm-4.6v*": ModelProfile(context_window=65_536),
    "glm-4.7-flash*": ModelProfile(context_window=131_072),
    "glm-5*": ModelProfile(context_window=200_000, most_output=128_000, thinks=True),
    "glm-5.[3-9]*": ModelProfile(context_window=1_000_000),
    "glm-5.3-flash*": ModelProfile(sees=True),
    # xAI, model pages; some clouds serve the same names with smaller windows.
    "grok-4*": ModelProfile(context_window=128_000, tools=True),
    "grok-4.[3-9]*": ModelProfile(context_window=200_000),
    "grok-4.[5-9]*": ModelProfile(context_window=500_000),
    "grok-build*": ModelProfile(context_window=256_000, tools=True),
    # Mistral, "Models".
    "mistral-*": ModelProfile(context_window=131_072, tools=True),
    "mistral-medium-*": ModelProfile(context_window=262_144),
    "mistral-large-4*": ModelProfile(context_window=1_048_576),
    "mistral-nemo*": ModelProfile(sees=False),
    "ministral-*": ModelProfile(context_window=131_072, tools=True),
    "magistral-*": ModelProfile(context_window=40_960, tools=True),
    "codestral*": ModelProfile(context_window=128_000, sees=False, tools=True),
    "devstral*": ModelProfile(context_window=128_000, sees=False, tools=True),
    "voxtral*": ModelProfile(sees=False, hears=True, tools=True),
    "mixtral*": ModelProfile(sees=False),
    "mistral": ModelProfile(sees=False),
    "mistral:*": ModelProfile(sees=False),
    # MiniMax, "Models".
    "minimax-m2*": ModelProfile(context_window=196_608, sees=False, tools=True),
    "minimax-m3*": ModelProfile(context_window=1_000_000, tools=True),
    # Open models that many hosts serve with different windows, so the default window applies.
    "llama3*": ModelProfile(sees=False),
    "*llama-3*": ModelProfile(sees=False),
    "*llama-3.[13]-*": ModelProfile(tools=True),
    "llama-3.2-*vision*": ModelProfile(sees=True),
    "llama3.2-vision*": ModelProfile(sees=True),
    "llama4*": ModelProfile(tools=True),
    "llama-4*": ModelProfile(tools=True),
    "gemma*": ModelProfile(sees=False),
    "gemma3": ModelProfile(sees=True),
    "gemma3:*": ModelProfile(sees=True),
    "gemma3:1b*": ModelProfile(sees=False),
    "gemma3:270m*": ModelProfile(sees=False),
    "gemma-3-*": ModelProfile(sees=True),
    "gemma-3-1b*": ModelProfile(sees=False),
    "gemma-3-270m*": ModelProfile(sees=False),
    "gemma4*": ModelProfile(sees=True, tools=True),
    "gemma-4*": ModelProfile(sees=True, tools=True),
    "phi*": ModelProfile(sees=False),
    "phi*vision*": ModelProfile(sees=True),
    "phi*multimodal*": ModelProfile(sees=True),
    "smollm*": ModelProfile(context_window=8_192, sees=False),
    "tinyllama*": ModelProfile(context_window=2_048, sees=False),
    "granite*": ModelProfile(sees=False),
    "granite*vision*": ModelProfile(sees=True),
    "nemotron*": ModelProfile(sees=False),
    "nemotron*vl*": ModelProfile(sees=True),
    "*llama-3.[0-9]*-vl-*": ModelProfile(sees=True, tools=False),
    "olmo*": ModelProfile(sees=False),
    # DeepSeek, "Models & Pricing". V4-Flash can see only at DeepSeek's own server, where it is 4.1.
    "deepseek-*": ModelProfile(context_window=128_000, sees=False),
    "deepseek-r1*": ModelProfile(tools=False),
    "deepseek-vl*": ModelProfile(context_window=4_096, sees=True, tools=False),
    "deepseek-ocr*": ModelProfile(context_window=8_192, sees=True, single_turn=True),
    "deepseek-v*": ModelProfile(tools=True),
    "deepseek-v4*": ModelProfile(context_window=1_000_000, thinks=True),
    "deepseek-v4.[1-9]*": ModelProfile(sees=True),
    "deepseek-flash*": ModelProfile(context_window=1_000_000, sees=True, thinks=True, tools=True),
}

KNOWN = Profiles(models=(_QWEN | _OTHERS,), servers=(_SERVERS,))
