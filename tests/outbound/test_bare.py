import pytest

from bot.outbound.bare import is_bare
from bot.outbound.formatting import to_rich, to_text

PATTERNS = [
    r"\d+\.\d+",
    r"^\s*\[.*\]\(.*\)$",
    r"^\[(\d+)\]$",
    r'"\w+@\w+\.\w+"',
    r"^\d{3}-\d{4}$ and ^[a-z_]+_[0-9]*$",
    r"(.*?)_(.*?) and .*? x .*",
    r"sed 's/\./_/g; s/\*/x/'",
    r"\u0041\_ and \x5B\[",
]
PATHS = [
    r"C:\Users\name\*.txt",
    r"C:\_data\_x and ..\_a\*.c",
    r"\\server\_share\x",
    "C:\\dir\\\nnext",
    "**/*.py and src/**/*.ts",
    "rm -rf build/*/x/*",
    "src/__tests__/a.js and _config_.yml",
    "https://x.y/_a_/b and https://x.y/*a*b",
    r"find . -name \*.py -o -name \*.c",
    ".*foo.* or ^.*$ and ^.*$",
]
NAMES = [
    "__init__.py and use __main__",
    '__name__ == "__main__"',
    "__FILE__, __LINE__ and __post_init__",
    "$_x_$ @_user_ %_foo_%",
    "_.map(_.x)",
    "self._x_ and obj._y_.z",
    "#{a}_#{b}_#{c}",
    "-*- coding: utf-8 -*-",
    "$_GET['id'] and $_POST['name'], self._a, ¯\\_ x",
    "use __filename and then __init__.py",
    "from __future__ import x leaves __pycache__ beside __tests__ and __mocks__",
    "obj.constructor, __proto__ and __lookupGetter__, __builtin__ or __m128i__, #ifdef __linux__ or __GNUC__",
    "ps | where { $_.CPU -gt 100 -and $_.Name -ne 'idle' } | select $_.Name",
]
PRODUCTS = [
    "2*3*4",
    "√2*√3*√5, π*r*r, α*β*γ, é*è*ê",
    "a**b + c**d and 2**10**2",
    "x[i]*y[j]*z[k], {a}*{b}*{c}",
    "SELECT count(*), sum(*), a.*, b.* FROM t",
    "x || y||z and if (a||b)",
    ">5% of it",
    ">>> print(1)",
    "^_^ *_* >_<",
    "(*_*) and (>_<), ^_^ and -_-",
    "use **kwargs and *args where *p = a*b and M*A*S*H",
    "$< $@ $^ and R$ 50 or 20$ = 18€",
    "f***ing awesome s***head",
    "Price*: 5 (*excl. tax). Size*: 6 (*excl. box)",
    " ".join(f"2*{number}*4 a*{number}*b {number}**2 x" for number in range(100)),
    "[docs][1] and [more]\n\n[1]: https://a.com/x_y_z\n[more]: https://b.com/a*b*c",
    r"¯\_(ツ)_/¯",
    r"\(^_^)/ and \(^o^)/ and \(^▽^)/",
    *(">_< no", ">:( no", ">.> <.<", ">w<", ">:3", ">_> <_<", "1. >_<"),
]


@pytest.mark.parametrize("source", [*PATTERNS, *PATHS, *NAMES, *PRODUCTS])
def test_bare_text_keeps_its_signs(source: str) -> None:
    assert to_text(source).text == source
    assert not {"<b>", "<i>", "<tg-math", "<tg-spoiler>"} & set(to_rich(source).html.replace(">", ">\0").split("\0"))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"**\d+\.\d+** and *\w+\.x*: end", r"\d+\.\d+ and \w+\.x: end"),
        (r"正则\d+\.\d+很**重要**吧", r"正则\d+\.\d+很重要吧"),
        ("这是*强调*文字，你好**世界**好", "这是强调文字，你好世界好"),
        ("**Пример**текст, **A**/**B** *a*/*b* (*c*) [*d*]", "Примертекст, A/B a/b (c) [d]"),
        ("*.NET* **bold**er pass**word** __bold__ _it_", ".NET bolder password bold it"),
        (r"Stage\-1 \(beta\) is v1\.5\! \#tag word\_word", "Stage-1 (beta) is v1.5! #tag word_word"),
        ("> quote\n> more", "quote\nmore"),
        ("> >_< no\n> >5%", ">_< no\n>5%"),
        (
            "**/start** and */help*: **/etc/hosts**, **src/**, **/start – begin**",
            "/start and /help: /etc/hosts, src/, /start – begin",
        ),
        ("**?? really** and **, so** **-5** *-5*", "?? really and , so -5 -5"),
        ("**3.** a\n**1.** b\n*2* c)\n*4*", "3. a\n1. b\n2 c)\n4"),
        (r"\$x\$ costs 5\$, \(see\)**bold\.**", "$x$ costs 5$, (see)bold."),
        ("||spoiler|| and [a_b](https://x.y/a_b_c)", "spoiler and a_b"),
        ("*see 2*3 and 4*5* **R**andom **A**ccess", "see 2*3 and 4*5 Random Access"),
    ],
)
def test_what_is_meant_as_markup_stays_markup(source: str, shown: str) -> None:
    assert to_text(source).text == shown


def test_only_near_signs_decide() -> None:
    data = b"*" + b"a" * 100_000 + b"*"
    assert not is_bare(data, 0, len(data), b"*")
