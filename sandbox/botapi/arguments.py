"""The arguments of one call, checked against the method's parameters."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.kinds import Kind
from sandbox.botapi.wire import Json

if TYPE_CHECKING:
    from sandbox.botapi.world import World

VERSIONS = ("9.2", "9.3", "10.0", "10.1", "10.3")
"""The versions that the server can be, oldest first."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; a required one may have a sentence of its own for when it is missing."""

    kind: Kind
    required: bool = False
    missing: str | None = None
    since: str = VERSIONS[0]


class Arguments:
    """Typed access to what was given; the kinds have made sure of the types."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def integer(self, name: str, default: int = 0) -> int:
        """A number."""
        return cast("int", self.values.get(name, default))

    def number_or_none(self, name: str) -> int | None:
        """A number, if given."""
        return cast("int | None", self.values.get(name))

    def string(self, name: str) -> str:
        """A text, empty when not given."""
        return cast("str", self.values.get(name, ""))

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self.values.get(name))

    def object(self, name: str) -> Json | None:
        """An object, if given."""
        return cast("Json | None", self.values.get(name))

    def objects(self, name: str) -> list[Json]:
        """A list of objects."""
        return cast("list[Json]", self.values.get(name, []))

    def strings(self, name: str) -> list[str]:
        """A list of texts."""
        return cast("list[str]", self.values.get(name, []))

    def integers(self, name: str) -> list[int]:
        """A list of numbers."""
        return cast("list[int]", self.values.get(name, []))

    def __contains__(self, name: str) -> bool:
        return name in self.values


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API: what it takes, what it does, and since when there is it."""

    act: "Callable[[World, Arguments], Awaitable[object]]"
    parameters: Mapping[str, Parameter]
    since: str = VERSIONS[0]


def method_not_found() -> ApiError:
    """There is no such method, or not yet."""
    return ApiError(404, "Not Found: method not found")


def knows(version: str, since: str) -> bool:
    """Whether a server of that version has what came with `since`."""
    return VERSIONS.index(version) >= VERSIONS.index(since)


def check(method: Method, given: Mapping[str, object], version: str) -> Arguments:
    """Check what was given. A server ignores what only its successors know; what nobody knows is a mistake."""
    values: Json = {}
    for name, value in given.items():
        parameter = method.parameters.get(name)
        if parameter is None:
            raise bad_request(f'unknown parameter "{name}"')
        if value is not None and knows(version, parameter.since):
            values[name] = parameter.kind(value, name)
    for name, parameter in method.parameters.items():
        if parameter.required and name not in values:
            raise bad_request(parameter.missing or f'parameter "{name}" is required')
    return Arguments(values)
