"""Which requests are answered: those that the page itself makes, and no other site's.

A site in the same browser could otherwise have videos predicted, or read what was found, with a
request across sites, or under a name of its own that it has point to this machine (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VIDEO_NAME = "x-video-name"
"""The header that names an upload's file, in percent encoding. No site may send it to another
without asking first, which is never allowed; so it is also the sign of a request by the page."""

_SAME_SITE = ("same-origin", "none")
"""What browsers send as Sec-Fetch-Site with requests by a page to its own site, and by a user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestGuard:
    """Decides by a request's headers.

    Attributes:
        host: The name or address that the server listens at.
    """

    host: str

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is refused; None where it is answered.

        Args:
            method: The method, such as GET.
            headers: The headers, by names in small letters.
        """
        host = headers.get("host", "")
        if not self._is_own(host):
            return "this server has no such name; open the address that lrcn-predict has printed"
        if headers.get("origin", f"http://{host}").lower() != f"http://{host}".lower():
            return "requests of other sites are refused"
        if headers.get("sec-fetch-site", "none") not in _SAME_SITE:
            return "requests of other sites are refused"
        if method not in ("GET", "HEAD") and VIDEO_NAME not in headers:
            return f"the header {VIDEO_NAME} is missing"
        return None

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this server, at whatever port it is forwarded to."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name in ("localhost", "127.0.0.1", "::1", self.host.lower()):
            return True
        if name is None or is_loopback(self.host):
            return False
        # an address is no name that somebody could have point here
        return is_address(name) or name == socket.gethostname().lower()


def is_address(name: str) -> bool:
    """Whether a host is given by its address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a server that listens there."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


class GuardedApp:
    """An app behind a guard, all of whose answers have headers that keep other sites away.

    Args:
        app: The app.
        guard: Decides which requests it gets.
        policy: The Content-Security-Policy of all that it answers.
    """

    def __init__(self, app: ASGIApp, guard: RequestGuard, policy: str) -> None:
        self._app, self._guard = app, guard
        self._headers = {
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refusal = self._guard.refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(refusal, 403)
        await app(scope, receive, send_guarded)
