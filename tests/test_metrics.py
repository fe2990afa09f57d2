"""Counting usage and errors for /metrics."""

import json
import re
from pathlib import Path

from prometheus_client import REGISTRY

from bot import metrics
from bot.errors import NoCredit
from bot.pricing import Amount
from storage.records import Usage

NAME = re.compile(r"keepsake_\w+|process_\w+")
UNSHOWN = {"keepsake_answer_seconds", "keepsake_cache_share"}
"""The dashboard computes the share itself, and shows the time to the first text only."""


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_usage_counts_each_token_once() -> None:
    metrics.count_usage("counted", Usage(input=100, cached=60, output=7), Amount(0.5, "XTS"))
    of = {kind: _value("keepsake_tokens_total", model="counted", kind=kind) for kind in ("fresh", "cached", "output")}
    assert of == {"fresh": 40, "cached": 60, "output": 7}
    assert _value("keepsake_price_total", currency="XTS") == 0.5
    assert 0 < _value("keepsake_cache_share") <= 1


def test_nonsense_of_a_server_lowers_no_counter() -> None:
    metrics.count_usage("nonsense", Usage(input=10, cached=60, output=7), None)
    assert _value("keepsake_tokens_total", model="nonsense", kind="fresh") == 0
    assert _value("keepsake_tokens_total", model="nonsense", kind="cached") == 10


def test_errors_are_counted_by_kind() -> None:
    before = _value("keepsake_errors_total", kind="unexpected")
    refused = _value("keepsake_errors_total", kind="NoCredit")
    metrics.count_error(NoCredit("words"))
    metrics.count_error(ValueError("words"))
    metrics.count_error(None)
    assert _value("keepsake_errors_total", kind="NoCredit") == refused + 1
    assert _value("keepsake_errors_total", kind="unexpected") == before + 2


def test_no_metric_has_a_label_for_chats() -> None:
    labels = {label for metric in REGISTRY.collect() for sample in metric.samples for label in sample.labels}
    ours = {label for label in labels if label in ("chat", "user", "person", "topic", "name")}
    assert ours == set()


def test_dashboard_asks_only_for_metrics_that_exist() -> None:
    text = (Path(__file__).parent.parent / "docs" / "grafana.json").read_text(encoding="utf-8")
    expressions = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    asked = {re.sub("_(total|bucket)$", "", name) for one in expressions for name in NAME.findall(one)}
    known = {metric.name for metric in REGISTRY.collect()}
    assert asked - known == set()
    assert {name for name in known - asked if name.startswith("keepsake_")} <= UNSHOWN
