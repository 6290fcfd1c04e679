"""The server's app: the page, uploads, and pictures of their frames."""

from __future__ import annotations

import base64
import hashlib
import re
import traceback
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from lrcn_data.pages.page import render_page
from lrcn_model.serving.predict_process import PredictProcess
from lrcn_model.serving.request_guard import GuardedApp, RequestGuard
from lrcn_model.serving.uploads import Uploads


def build_app(
    process: PredictProcess, folder: Path, *, host: str, max_size: int, run: str
) -> GuardedApp:
    """Build the app.

    Args:
        process: Predicts uploads; it is ready.
        folder: Where uploads are while they are held.
        host: The name or address that the server listens at.
        max_size: The most bytes of an upload.
        run: What the run is called on the page.
    """
    page = render_page(
        "lrcn_model.serving",
        "serve.html",
        {
            "run": run,
            "classes": process.ready["classes"],
            "fps": process.ready["fps"],
            "max_size": max_size,
        },
    )
    uploads = Uploads(process, folder, max_size=max_size)

    async def show_page(request: Request) -> HTMLResponse:
        return HTMLResponse(page)

    app = Starlette(
        routes=[
            Route("/", show_page),
            Route("/videos", uploads, methods=["POST"]),
            Route("/videos/{key:str}/{number:int}.jpg", uploads.picture),
        ],
        exception_handlers={Exception: _tell_of_bug},
    )
    return GuardedApp(app, RequestGuard(host=host), content_policy(page))


async def _tell_of_bug(request: Request, error: Exception) -> PlainTextResponse:
    traceback.print_exception(error)
    return PlainTextResponse("the server has failed; its terminal says how", 500)


def content_policy(page: str) -> str:
    """The Content-Security-Policy of a page: its own script, style, server and blobs, nothing else.

    Args:
        page: The page. Scripts and styles stand in it, and are allowed by their hashes, as CSP has
            them (https://www.w3.org/TR/CSP3/#match-element-to-source-list).
    """
    scripts, styles = _hashes(page, "script"), _hashes(page, "style")
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self';"
        " img-src 'self' data:; media-src blob:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def _hashes(page: str, tag: str) -> str:
    texts = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
