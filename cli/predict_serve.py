"""`lrcn-predict --serve`: a local page on which one drops a video."""

from __future__ import annotations

import os
import signal
import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NoReturn
from urllib.parse import urlsplit

import click

from lrcn_data.errors import UsageError

from .options import BytesType, refuse_others
from .output import print_result, say, warn
from .prepare_torch import prepare_torch

Address = tuple[str, int]
"""A host, and a port."""

_PREDICTING = (
    *("top", "min_score", "min_length", "enter", "leave", "span", "views", "crop"),
    *("max_hours", "batch_size", "decoder"),
)
"""The options that say how uploads are predicted."""

_OTHERS = (
    *("run_path", "device", "plugins", "sampling", "cnn", "head"),
    *("serve", "address", "max_size", "max_seconds", "browser"),
)
"""The other options that have a meaning with `--serve`."""


class AddressType(click.ParamType):  # type: ignore[type-arg]
    """HOST:PORT, as a host and a number; an IPv6 address stands in brackets."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        """Read the text."""
        try:
            parts = urlsplit(f"//{value}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.netloc != value:
            self.fail(f"{value!r} is no address; write 127.0.0.1:8765, or [::1]:8765")
        return host, port


def serve_options(function: Any) -> Any:
    """Add `--serve` and the options that go with it."""
    for option in reversed(
        [
            click.option(
                "--serve",
                is_flag=True,
                help="Serve a local page, in place of predicting SOURCEs: one drops a video there,"
                " and sees what it shows when, frame by frame.",
            ),
            click.option(
                "--address",
                type=AddressType(),
                default="127.0.0.1:8765",
                show_default=True,
                help="Where the page is served: only to this machine unless another address is"
                " named; port 0 is any that is free.",
            ),
            click.option(
                "--max-size",
                type=BytesType(),
                default="2GB",
                show_default=True,
                help="The size of a video that may be uploaded, such as 500MB.",
            ),
            click.option(
                "--max-seconds",
                type=click.FloatRange(0, min_open=True),
                metavar="SECONDS",
                default=3600.0,
                show_default=True,
                help="The time that predicting one upload may take.",
            ),
            click.option(
                "--browser/--no-browser",
                default=True,
                help="Open the page in a browser, where this machine has a screen.",
            ),
        ]
    ):
        function = option(function)
    return function


def serve_page(context: click.Context, plugins: Sequence[str]) -> NoReturn:
    """Serve the page until Ctrl-C or SIGTERM, and exit as these have commands exit.

    Args:
        context: That of the command, with its values.
        plugins: Names of plug-ins of the run's net.

    Raises:
        UsageError: An option is given that has no meaning with `--serve`, a package is missing, the
            address can't be used, or the run can't.
        LrcnError: The run's weights are damaged.
    """
    refuse_others(context, "--serve", (*_PREDICTING, *_OTHERS))
    prepare_torch()
    if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise UsageError(
            "starlette or uvicorn can't be imported; install them with pip install 'lrcn[serve]'"
        )
    from lrcn_model.serving.predict_setup import PredictSetup
    from lrcn_model.serving.request_guard import is_loopback
    from lrcn_model.serving.serve import ServeOptions, serve

    values = context.params
    host, port = values["address"]
    named = [*values["plugins"], *([values["sampling"]] if values["sampling"] else [])]
    given = {name: values[name] for name in _PREDICTING if values[name] is not None}
    setup = PredictSetup(
        run=values["run_path"],
        plugins=tuple(plugins),
        device=values["device"],
        values={**given, "plugins": named},
    )
    options = ServeOptions(
        host=host, port=port, max_size=values["max_size"], timeout=values["max_seconds"]
    )

    def on_ready(url: str) -> None:
        if not is_loopback(host):
            warn(f"whoever reaches {host}:{port} may upload videos, without a password")
        print_result(url)
        say("drop a video there; Ctrl-C ends")
        if values["browser"] and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(url)

    stopped = serve(setup, options, on_ready)
    say(f"stopped by {signal.Signals(stopped).name}; no upload is left")
    raise click.exceptions.Exit(128 + stopped)
