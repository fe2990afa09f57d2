"""Amounts of tokens or money, and the prices of models."""

import re
from dataclasses import dataclass
from typing import Self

_NUMBER = r"(\d{1,15}(?:\.\d{1,6})?)"
_TOKENS = re.compile(rf"{_NUMBER}\s*+([kKmM]?)(?:\s*tokens?)?")
_MONEY = re.compile(rf"{_NUMBER}\s*([A-Za-z]{{3}})")
MOST = 10**15
"""More than anyone uses, and less than a float can count exactly."""
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of tokens (without a currency), or an amount of money."""

    number: float
    currency: str = ""
    """Three letters, in upper case."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``200000``, ``200k``, ``1.5M`` or ``0.50 USD``. Raises ValueError."""
        tokens, money = _TOKENS.fullmatch(text.strip()), _MONEY.fullmatch(text.strip())
        if tokens:
            found = cls(round(float(tokens[1]) * _UNITS[tokens[2].lower()]))
        elif money:
            found = cls(float(money[1]), money[2].upper())
        else:
            raise ValueError("must be tokens, like 200000 or 200k, or money, like 0.50 USD")
        if not 0 < found.number < MOST:
            raise ValueError("must be more than zero and less than 10^15")
        return found

    def __str__(self) -> str:
        """For people to read."""
        return f"{self.number:,.2f} {self.currency}" if self.currency else f"{self.number:,.0f}"

    @property
    def written(self) -> str:
        """In the form that `parse` reads back."""
        return f"{self.number:.6f} {self.currency}".strip() if self.currency else f"{self.number:.0f}"

    @property
    def exact(self) -> str:
        """For people to read, with fractions of a cent."""
        return f"{self.number:,.4f} {self.currency}" if self.currency else str(self)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens of each kind; `written` are those written into the provider's cache."""

    input: float
    cached: float
    written: float
    output: float
    currency: str
    audio: float | None = None
    """The price of audio input; None if it costs as much as text."""

    def of(self, fresh: int, cached: int, written: int, output: int, audio: int = 0) -> float:
        """What these tokens cost; `fresh` are those that were neither cached nor written into the cache.

        `audio` is how many of the fresh ones were audio.
        """
        parts = fresh * self.input + cached * self.cached + written * self.written + output * self.output
        if self.audio is not None:
            parts += min(audio, fresh) * (self.audio - self.input)
        return parts / 1_000_000
