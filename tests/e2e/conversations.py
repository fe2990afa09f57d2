"""What is said in the conformance test, and what the server does: well behaved, and as real servers are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.model import Behaviour, Break, Cut, Fail, Hang, NoFinish, Say
from tests.e2e.wires import odd

FAILURES = 12
"""Conversations of `PLAIN` of which /retry makes something."""
LONG = "\n\n".join(f"Chapter {number}. " + "The sea was calm that day, and nobody spoke. " * 20 for number in range(9))


@dataclass(frozen=True)
class Step:
    """Something that Ann does, and how many messages of the bot's there are afterwards."""

    said: str
    replies: int
    picture: bool = False
    voice: bool = False
    edits_first: bool = False


@dataclass(frozen=True)
class Conversation:
    """What is said, and what the server does; an interface that has its own form of it by name, "" the others."""

    steps: Sequence[Step]
    script: Sequence[Behaviour | Mapping[str, Behaviour]]
    heard: Sequence[str] = field(default=())

    def behaviours(self, api: str) -> Iterator[Behaviour]:
        for one in self.script:
            yield one if isinstance(one, Behaviour) else one[api if api in one else ""]


def _failing(failure: Behaviour | Mapping[str, Behaviour], tries: int = 1) -> Conversation:
    """A failure is told, and /retry has the answer."""
    return Conversation([Step("hello", 1), Step("/retry", 2)], [*[failure] * tries, Say("hi at last")])


PLAIN = {
    "text": Conversation([Step("hello", 1)], [Say("Hello, Ann.")]),
    "some turns": Conversation(
        [Step("I am Ann", 1), Step("I have a cat", 2), Step("who am I?", 3)], [Say("Hello."), Say("Nice."), Say("Ann.")]
    ),
    "markdown": Conversation([Step("a list", 1)], [Say("**Two**:\n\n- one\n- `two`\n")]),
    "emoji": Conversation([Step("smile", 1)], [Say("😀 👨‍👩‍👧 ok")]),
    "long": Conversation([Step("tell me", 3), Step("more", 4)], [Say(LONG, chunk=50), Say("the end")]),
    "thinking": Conversation([Step("why?", 1), Step("so?", 2)], [Say("Because.", reasoning="let me see"), Say("So.")]),
    "thinking in tags": Conversation(
        [Step("why?", 1), Step("so?", 2)], [Say("<think>let me see</think>Because."), Say("So.")]
    ),
    "image": Conversation([Step("what is it?", 1, picture=True)], [Say("A square.")]),
    "image, then words": Conversation(
        [Step("look", 1, picture=True), Step("and its colour?", 2)], [Say("A square."), Say("Red.")]
    ),
    "audio": Conversation([Step("", 2, voice=True)], [Say("At nine.")], heard=["when does it leave?"]),
    "an edit": Conversation(
        [Step("my word is red", 1), Step("my word is blue", 1, edits_first=True), Step("which?", 2)],
        [Say("Red it is."), Say("Blue it is."), Say("blue")],
    ),
    "an answer again": Conversation([Step("hello", 1), Step("/retry", 1)], [Say("Hello."), Say("Hi.")]),
    "too long for the server": Conversation([Step("tell", 2)], [Say("It was a dark and", finish_reason="length")]),
    "filtered in the middle": Conversation(
        [Step("tell", 2)],
        [
            Say("It was a dark and", finish_reason="content_filter"),
        ],
    ),
    "cut once": Conversation([Step("hello", 1)], [Cut("Hello there", after=5), Say("Hello there")]),
    "cut twice": _failing(Cut("Hello there", after=5), 2),
    "no end": _failing(NoFinish("Hello there"), 2),
    "empty": _failing(Say(""), 2),
    "broken in the stream": _failing(Break("Hello", after=2, error=Fail(500, code="server_error"))),
    "wrong key": _failing({"": Fail(401, code="invalid_api_key"), "dashscope": Fail(401)}),
    "no such model": _failing({"": Fail(404, code="model_not_found"), "dashscope": Fail(404)}),
    "arrears": _failing(
        {"": Fail(403, "account in arrears", "Arrearage"), "dashscope": Fail(400, "not in good standing", "Arrearage")}
    ),
    "rate limit": _failing({"": Fail(429, "Requests rate limit exceeded"), "dashscope": Fail(429)}),
    "content filter": Conversation(
        [Step("hello", 1), Step("/retry", 2)],
        [
            {
                "": Fail(400, "inappropriate", code="data_inspection_failed"),
                "dashscope": Fail(400, code="DataInspectionFailed"),
            },
            Say("the instructions pass"),
            Say("hi at last"),
        ],
    ),
    "server trouble": _failing(Fail(500)),
    "no answer in time": _failing(Hang()),
    "wrong request": _failing(Fail(400, "temperature is out of range")),
    "no room": Conversation([Step("hello", 1)], [Fail(400, "Range of input length should be [1, 30720]")]),
}


def _once(behaviour: Behaviour | Mapping[str, Behaviour], *then: Behaviour) -> Conversation:
    """One message, and its answer."""
    return Conversation([Step("hello", 1)], [behaviour, *then])


_FLAGGED = {
    "": Fail(403, "Your input was flagged by our moderation"),
    "dashscope": Fail(400, "Input data may contain inappropriate content.", "DataInspectionFailed"),
}
REAL = {
    "nothing in an event": _once(
        odd(lambda wire: wire.stream("null", wire.say("Hello"), "[]", "17", "ping", wire.say(" there"), wire.end()))
    ),
    "null for content": _once(
        odd(lambda wire: wire.stream(wire.say(None), wire.say("Hello"), wire.say(None), wire.say(" there"), wire.end()))
    ),
    "content as parts": _once(
        odd(
            lambda wire: wire.stream(
                wire.say([{"type": "thinking", "thinking": [{"type": "text", "text": "who is it?"}]}]),
                wire.say([{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}]),
                wire.end(),
            )
        )
    ),
    "half a character": _once(
        odd(lambda wire: wire.stream(wire.think("\ud83d"), wire.say("Hi \ud83d"), wire.say("\ude00"), wire.end()))
    ),
    "no stream": _once(odd(lambda wire: wire.whole("Hello there"))),
    "done without a finish reason": _once(odd(lambda wire: wire.stream(wire.say("Hello"), wire.say(" there")))),
    "a closing tag alone": _once(
        odd(lambda wire: wire.stream(wire.say("who is"), wire.say(" it?\n</think>\n\nHello there"), wire.end()))
    ),
    "usage late, and a line that stays open": _once(
        odd(lambda wire: wire.events(wire.say("Hello"), wire.say(" there"), wire.end(), *wire.usage), left_open=True)
    ),
    "an end that is none": _once(
        odd(lambda wire: wire.stream(wire.say("Hello th"), wire.end("network_error"))), Say("Hello there")
    ),
    "an end in mid-sentence": _failing(
        odd(lambda wire: wire.stream(wire.say("Hello there, and then we"), wire.end("xyzzy"))), 2
    ),
    "key told by 400": _failing(Fail(400, "API key not valid. Please pass a valid API key.")),
    "no credit": _failing(Fail(402, "Insufficient Balance")),
    "tokens per minute": _failing(
        {
            "": Fail(429, "Allocated quota exceeded, please increase your quota limit."),
            "dashscope": Fail(429, "Allocated quota exceeded.", "Throttling.AllocationQuota"),
        }
    ),
    "a page instead of an error": _failing(Fail(502, body=b"<html><h1>502 Bad Gateway</h1></html>")),
    "a text instead of an error": _failing(Fail(500, body=b"upstream connect error")),
    "one refused message": Conversation(
        [Step("hello", 1), Step("a bad word", 2), Step("2+2?", 3)],
        [Say("Hi."), _FLAGGED, _FLAGGED, Say("the instructions pass"), Say("4")],
    ),
    "a function": Conversation(
        [Step("look it up", 1), Step("so?", 2)],
        [Say("One moment.", calls=(("recall", '{"query": "boat"}'),)), Say("It is blue."), Say("So.")],
    ),
    "too long, told by 500": _once(Fail(500, "Your request exceeded model token limit: 20000")),
    "blind, told by 500": Conversation(
        [Step("look", 2, picture=True), Step("and now?", 3)],
        [Fail(500, "image input is not supported - hint: you may need to provide the mmproj"), Say("Hm."), Say("So.")],
    ),
}
"""What bug reports say of servers. The last two teach the bot something of the model."""

BRIEF = {
    name: conversation
    for name, conversation in (PLAIN | REAL).items()
    if name in ("some turns", "rate limit", "content as parts", "no stream", "an end that is none")
}
