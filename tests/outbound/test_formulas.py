import pytest

from bot.outbound.formulas import find_formulas

MONEY_AND_CODE = [
    "$HOME/bin:$PATH",
    "$AAPL/$MSFT",
    "5$/kg here and 6$/kg",
    "$50-$80",
    "US$5 and US$6",
    "R$5 e R$6",
    "$1,000 to $2,000",
    "$10/$20/$30",
    "$5|$6",
    "$5 + $6 = $11",
    "$5 and 6$, or 7$/mo",
    "Total: $12.50 + $3.00 = $15.50",
    "$100 < $200",
    "**$5** and **$6**",
    "($5) + ($6)",
    "$5和$6",
    "price in $/kg or €/$",
    "$$ is moderate, $$$ expensive, $$ again",
    "$ ls\n$ cd x",
    "$(cmd) $(cmd2)",
    "$(a)$(b)",
    "${a} and ${b}",
    "${a}/${b}",
    "${a}${b}",
    "$FOO_BAR-${BAZ}",
    "$a = $b",
    "$a=$b;",
    "$i++; $j++",
    "$a[$i]",
    "^a$|^b$",
    '"$@" or "$*"',
    "$_ and $_.",
    "kill $$ and $$ too",
    "$('#a') or $('#b')",
    "$foo and bar$",
    r"\$x\$",
    "$a\n\nb$",
]
MATHEMATICS = [
    "$x$",
    r"$\pi r^2$",
    "$E=mc^2$",
    "$$x=1$$",
    "$$\na+b\n$$",
    "$n$th",
    "$5$",
    "$-1$",
    "$f(x)$",
    "$a, b$",
    "$AB$",
    "$[0,1)$",
    "$|x|$",
    "设$x$为",
    "$a/b$",
    r"$x \text{ and } y$",
    "H$_2$O",
    r"$\mathbb{R}^+$",
    "$P(A|B)=1$",
    "($x$)",
    "$x$-axis",
    "$sin(x)$",
    "$α$",
    r"$O(n \log n)$",
    "$speed = distance / time$",
    r"\(x\)",
    r"\[ a=b \]",
]


@pytest.mark.parametrize("text", MONEY_AND_CODE)
def test_dollars_of_money_and_code_are_no_formula(text: str) -> None:
    assert list(find_formulas(text)) == []


@pytest.mark.parametrize("text", MATHEMATICS)
def test_mathematics_is_a_formula(text: str) -> None:
    assert len(list(find_formulas(text))) == 1


def test_a_price_between_formulas_keeps_its_dollar() -> None:
    assert [one.content for one in find_formulas("$x$ costs $5 and $y$ costs $6 or $z$")] == ["x", "y", "z"]
