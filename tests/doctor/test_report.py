"""A finding is a line that can be read on any terminal, and holds no secret."""

from bot.doctor.report import LONGEST, cross, fine, note, summary
from bot.logs import SecretFilter

HIDE = SecretFilter(["123456:a-secret-token"]).hide


def test_a_finding_without_advice_is_one_line() -> None:
    assert fine("Disk", "12.0 GB are free").text(HIDE) == "✓ Disk           12.0 GB are free"


def test_advice_stands_under_what_was_found() -> None:
    line, below = cross("Telegram", "does not know the token", "Copy it anew.").text(HIDE).split("\n")
    assert line.startswith("✗ Telegram")
    assert below.strip() == "Copy it anew."
    assert line.index("does") == below.index("Copy")


def test_report_shows_no_part_of_a_secret() -> None:
    found = note("Webhook", "x" * (LONGEST - 5) + "/bot123456:a-secret-token/", "see a-secret-token").text(HIDE)
    assert "secret" not in found
    assert "a-s" not in found


def test_server_message_is_cut_to_one_line() -> None:
    found = note("Model", "one\ntwo\x1b[31m" + "x" * 1000).text(HIDE)
    assert "one two[31m" in found
    assert len(found) < LONGEST + 30


def test_the_summary_counts_crosses_alone() -> None:
    assert summary([fine("a", ""), note("b", "")]) == "Nothing prevents the bot from answering."
    assert summary([cross("a", "", ""), note("b", "")]) == "1 problem prevents the bot from answering."
    assert summary([cross("a", "", ""), cross("b", "", "")]) == "2 problems prevent the bot from answering."
