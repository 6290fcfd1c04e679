"""Requests of the page itself are answered, those of other sites and under other names aren't."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("starlette")

from lrcn_model.serving.request_guard import RequestGuard, is_loopback

LOCAL = RequestGuard(host="127.0.0.1")
OPEN = RequestGuard(host="0.0.0.0")


def own(**headers: str) -> dict[str, str]:
    given = {"host": "127.0.0.1:8765", "x-video-name": "a"}
    return given | {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    "headers",
    [
        own(),
        own(host="localhost:9000"),
        own(host="[::1]:8765"),
        own(host="LOCALHOST"),
        own(origin="http://127.0.0.1:8765"),
        own(sec_fetch_site="same-origin"),
        own(sec_fetch_site="none"),
    ],
)
def test_the_pages_own_requests_are_answered(headers: dict[str, str]) -> None:
    assert LOCAL.refusal("POST", headers) is None
    assert OPEN.refusal("POST", headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"x-video-name": "a"},
        own(host=""),
        own(host="evil.example"),
        own(host="evil.example:8765"),
        own(host="127.0.0.1.evil.example:8765"),
        own(host="localhost.evil.example"),
        own(host="user@evil.example"),
        own(host="[::1"),
        own(origin="http://evil.example"),
        own(origin="null"),
        own(origin="http://localhost:8765"),
        own(origin="http://127.0.0.1:9000"),
        own(origin="https://127.0.0.1:8765"),
        own(sec_fetch_site="cross-site"),
        own(sec_fetch_site="same-site"),
    ],
)
def test_other_sites_and_names_are_refused_whatever_is_asked(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert LOCAL.refusal(method, headers) is not None
        assert OPEN.refusal(method, headers) is not None


def test_what_changes_something_needs_the_pages_header() -> None:
    headers = {"host": "127.0.0.1:8765"}
    assert LOCAL.refusal("GET", headers) is None
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert LOCAL.refusal(method, headers) == "the header x-video-name is missing"


def test_a_server_for_others_is_known_by_its_addresses_and_its_hosts_name() -> None:
    for host in ("192.168.1.5:8765", "[fe80::1]:8765", f"{socket.gethostname()}:8765"):
        assert OPEN.refusal("GET", own(host=host)) is None
        assert LOCAL.refusal("GET", own(host=host)) is not None
    named = RequestGuard(host="lab.example")
    assert named.refusal("GET", own(host="lab.example:8765")) is None
    assert named.refusal("GET", own(host="other.example:8765")) is not None


def test_only_loopback_addresses_are_this_machines_alone() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.5", "lab.example")))
