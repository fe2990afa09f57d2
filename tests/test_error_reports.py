"""Reports to Sentry have no words of messages and no secrets."""

import pytest

from bot.error_reports import open_reports, wordless
from bot.errors import SettingError
from bot.logs import SecretFilter, logged_turn

EVENT = {
    "event_id": "1",
    "level": "error",
    "logger": "bot.test",
    "request": {"data": "privateword"},
    "extra": {"held": "privateword"},
    "breadcrumbs": {"values": [{"message": "privateword"}]},
    "logentry": {"message": "failed: %s", "formatted": "failed: privateword", "params": ["privateword"]},
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": "invalid literal: 'privateword', with sk-secret-key",
                "stacktrace": {"frames": [{"function": "work", "lineno": 3, "vars": {"text": "privateword"}}]},
            }
        ]
    },
}


def test_a_report_has_no_words_and_no_secrets() -> None:
    with logged_turn():
        cleaned = wordless(SecretFilter(["sk-secret-key"]))(EVENT, {})
    assert "privateword" not in repr(cleaned)
    assert "sk-secret-key" not in repr(cleaned)
    (error,) = cleaned["exception"]["values"]
    assert error["stacktrace"]["frames"] == [{"function": "work", "lineno": 3}]
    assert cleaned["logentry"] == {"message": "failed: %s"}
    assert cleaned["tags"]["turn"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the package itself
def test_a_wrong_dsn_ends_the_start() -> None:
    with pytest.raises(SettingError, match="SENTRY_DSN"):  # also where the extra is not installed
        open_reports("nonsense", (), "0")
