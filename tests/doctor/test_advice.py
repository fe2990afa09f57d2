"""What a lost connection was lost by tells what to set."""

import pytest

from bot.doctor import advice
from bot.errors import NoPermission, ServerTrouble, WrongKey


def _lost(cause: str) -> ServerTrouble:
    error = ServerTrouble("APIConnectionError: Connection error.")
    error.reached, error.__cause__ = False, OSError("in between")
    error.__cause__.__cause__ = OSError(cause)
    return error


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", "SSL_CERT_FILE"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "http:// instead of https://"),
        ("[SSL] record layer failure", "http:// instead of https://"),
        ("[Errno -2] Name or service not known", "no host of that name"),
        ("[Errno 111] Connection refused", "nothing answers at that address"),
        ("Exceeded maximum allowed redirects.", "redirects to another address"),
        ("Server disconnected without sending a response.", "https:// if it expects TLS"),
        ("something else", "no proxy or firewall"),
    ],
)
def test_the_deepest_cause_tells_what_to_do(cause: str, told: str) -> None:
    error = _lost(cause)
    assert cause in advice.explain(error)
    assert told in advice.what_to_do(error, advice.TRANSCRIPTION)
    assert "TRANSCRIPTION_BASE_URL" in advice.what_to_do(error, advice.TRANSCRIPTION)


def test_a_server_in_trouble_is_no_lost_connection() -> None:
    assert advice.explain(ServerTrouble("oops (status 500)")) == "the server has a problem (oops (status 500))"


def test_each_variable_is_named_for_what_it_is() -> None:
    assert "EMBEDDING_API_KEY" in advice.what_to_do(WrongKey("no"), advice.EMBEDDING)
    assert "FALLBACK_MODELS" in advice.what_to_do(NoPermission("no"), advice.FALLBACK)
