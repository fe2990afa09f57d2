"""Tests of everything between a reply and the Bot API."""
