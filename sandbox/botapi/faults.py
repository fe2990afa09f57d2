"""Faults on demand: refusals, delays, dropped connections, and calls held at an exact point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from sandbox.botapi.wire import ApiError, too_many_requests
from sandbox.http import Checkpoint

Moment = Literal["before", "after"]
"""Before the call takes effect, or afterwards and before its answer."""

Params = Mapping[str, object]


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls of a method for which `when` is true."""

    method: str
    times: int
    when: Callable[[Params], bool]
    error: ApiError | None
    delay: float
    drop: Moment | None


class Hold(Checkpoint):
    """The nth call of a method stops at a moment until released."""

    def __init__(self, method: str, moment: Moment, nth: int) -> None:
        super().__init__()
        self.method = method
        self.moment = moment
        self._to_come = nth

    async def count_call(self) -> None:
        """Called by the server for each call of the method."""
        self._to_come -= 1
        if self._to_come == 0:
            await self.wait_here()


class Faults:
    """The faults and holds of one server; each call takes `latency` seconds longer."""

    def __init__(self) -> None:
        self.latency = 0.0
        self._faults: list[Fault] = []
        self._holds: list[Hold] = []

    def add(
        self,
        method: str,
        times: int = 1,
        when: Callable[[Params], bool] | None = None,
        *,
        code: int | None = None,
        description: str | None = None,
        retry_after: int | None = None,
        moved_to: int | None = None,
        delay: float = 0.0,
        drop: Moment | None = None,
    ) -> None:
        """Refuse, delay or drop the next calls; by default a refusal is a 400, with `retry_after` a 429.

        `moved_to`: the group has become this supergroup. A delay or a drop alone isn't a refusal.
        """
        error = None
        if retry_after is not None and description is None:
            error = too_many_requests(retry_after)
        elif code or description or not (delay or drop):
            status = HTTPStatus(code or (400 if retry_after is None else 429))
            error = ApiError(status, description or f"{status.phrase}: scripted", retry_after, moved_to)
        self._faults.append(Fault(method, times, when or (lambda _: True), error, delay, drop))

    def hold(self, method: str, moment: Moment = "before", nth: int = 1) -> Hold:
        """Hold the nth call from now on."""
        hold = Hold(method, moment, nth)
        self._holds.append(hold)
        return hold

    def clear(self) -> None:
        """Remove all faults and release all holds."""
        self.latency = 0.0
        self._faults.clear()
        for hold in self._holds:
            hold.release()
        self._holds.clear()

    def take(self, method: str, params: Params) -> Fault | None:
        """The fault for this call, if any."""
        for fault in self._faults:
            if fault.method == method and fault.when(params):
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None

    async def wait_while_held(self, method: str, moment: Moment) -> None:
        """Wait at this moment of a call while it is held."""
        for hold in [hold for hold in self._holds if (hold.method, hold.moment) == (method, moment)]:
            await hold.count_call()
