"""Texts that are hard on more than a Markdown parser: on whatever reads names, times, words and signs."""

from tests.outbound.nasty import NASTY, Grower


def _repeated(unit: str) -> Grower:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _counted(form: str) -> Grower:
    return lambda size: "".join(form.replace("{}", str(number)) for number in range(size // (len(form) + 2)))[:size]


_UNITS = {
    "digits": "7",
    "numbers with dots": "1.",
    "grouped numbers": "1,000",
    "days": "2026-11-30 ",
    "clocks": "12:30 ",
    "times": "in 3 days at 5 ",
    "times in German": "vor drei Tagen am ",
    "speakers": "Anna: ",
    "speakers in lines": "Anna: a\n",
    "quoted speakers": "> Anna: a\n",
    "notes of the bot": "[photo] ",
    "stamps": "[Mon 2026-11-30 12:00] ",
    "half a stamp": "[Mon 2026-11-30",
    "ends of files": "[end of the file]\n",
    "template tokens": "<|im_start|>",
    "openings of template tokens": "<|",
    "thoughts": "<think>a</think>",
    "ends of thoughts": "</think> a ",
    "channels": "<|channel|>final<|message|>a",
    "quotations": '"a ',
    "German quotations": "„a“ „",
    "apostrophes": "'",
    "returns": "a\r",
    "zeros": "\x00",
    "marks of direction": "a\u202e\u202d",
    "letters that grow": "İß\ufdfa",
    "Zalgo": "a\u0301\u0323\u0332\u0489",
    "Hindi": "की",
    "Thai": "กา",
    "Korean": "한글",
    "hyphens": "wi-fi-",
    "handles": "@anna ",
    "hashtags": "#a",
    "commands": "/a ",
    "braces": "{",
    "JSON": '{"a":[',
    "escapes of JSON": r"\u0041",
    "character references": "&#1;",
    "encoded words": "=?utf-8?b?YQ==?= ",
    "words of RTF": r"{\b a}\par ",
    "fields": "a: b\n",
    "items of a memory": "# a\n- b\n",
    "questions": "what? ",
    "lines of blanks": " \t\n",
    "kaomoji": "(^_^) ",
    "halves": "\ud83d",
}

TEXTS: dict[str, Grower] = (
    NASTY
    | {name: _repeated(unit) for name, unit in _UNITS.items()}
    | {
        "other words": _counted("w{} "),
        "other names": _counted("Name{}: a\n"),
        "other headings": _counted("# h{}\n- b{}\n"),
        "lines below a heading": lambda size: "# a\n" + _counted("- b{}\n")(size),
        "headings above a line": lambda size: _counted("# h{}\n")(size) + "- b\n" * (size // 100),
        "a name": lambda size: f"{'a' * size}: b",
        "a bracket at the end": lambda size: f"[{'a ' * (size // 2)}]",
        "blanks before a line break": lambda size: f"{' ' * size}\n",
    }
)
