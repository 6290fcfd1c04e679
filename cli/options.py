"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from lrcn_data.errors import UsageError
from lrcn_data.inspecting.findings.look_at import LOOK_AT
from lrcn_data.plugins import Kinds, is_plugin
from lrcn_data.size import Size, parse_bytes, parse_size
from lrcn_data.storage.locations import is_url, normal_location
from lrcn_data.video.decoders import DECODERS
from lrcn_model.processor_names import DEVICES
from lrcn_model.scoring.views import TEN_CROP, TEN_CROP_CUTS, VIEWS, WHOLE

from .log_file import open_log

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 120}
"""Context settings of a command that is called by itself: how its help is asked for, and how wide
it gets where the terminal is wide."""

DEBUG = "debug"
"""Key under which a context's object has whether --debug was given; the error boundary reads it."""

OWN_PROCESS = "lrcn.own_process"
"""Key under which a context's object says that the process ends with the command."""


class LocalPath(click.Path):
    """A path on this machine; a URL, which would be taken for a path of that name, is refused."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read the text."""
        if isinstance(value, str) and is_url(value):
            value = normal_location(value)  # which refuses one with credentials in it
            self.fail(f"{value} is a URL, which isn't possible here yet; name a path", param, ctx)
        return super().convert(value, param, ctx)


FOLDER = LocalPath(file_okay=False)
"""The type of an option that names a folder on this machine."""


class LocationType(click.ParamType):  # type: ignore[type-arg]
    """A folder, or perhaps a file: a path, or a URL that fsspec knows, in its normal form.

    Args:
        file_too: Whether a file on this machine may be named as well.
        name: What the help shows in place of a value.
    """

    name = "folder or URL"

    def __init__(self, *, file_too: bool = False, name: str = name) -> None:
        self._file_too = file_too
        self.name = name

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Read the text; a store that would vanish with the process is refused."""
        location = normal_location(value)
        if location.startswith("memory:") and ctx and (ctx.find_root().obj or {}).get(OWN_PROCESS):
            self.fail(
                f"{location} would vanish when this command ends; name a folder, or a bucket's URL"
            )
        is_file = not is_url(location) and os.path.isfile(location)  # noqa: PTH113 # never fails
        if is_file and not self._file_too:
            self.fail(f"{location} is a file; name a folder")
        return location

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Have the shell complete a path."""
        return [CompletionItem(incomplete, type="file" if self._file_too else "dir")]


LOCATION = LocationType()
"""The type of an option that names a folder on this machine or in a store."""

RUN = LocationType(file_too=True)
"""The type of an argument that names a run: its folder, or its weights' file."""

SOURCE = LocationType(file_too=True, name="source")
"""The type of an argument that names what is read, here or in a store, whatever it is."""

LIST = LocationType(file_too=True, name="file or URL")
"""The type of an option that names a list or class file on this machine or in a store."""

FILE = LocalPath(dir_okay=False)
"""The type of an option that names a file on this machine."""

ANY_PATH = LocalPath()
"""The type of what is read from this machine, whatever it is found to be."""

PLACE = click.Path(readable=False)
"""The type of what may be a path, a pattern or a URL: the text itself, completed as a path."""


def debug_option(function: Decorated) -> Decorated:
    """Add `--debug`, which has the error boundary show an error's traceback."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.ensure_object(dict)[DEBUG] = value

    return click.option(
        "--debug",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=remember,
        help="Show the traceback of an error.",
    )(function)


def refuse_others(context: click.Context, option: str, known: Collection[str]) -> None:
    """Refuse options that have no meaning with another one, rather than ignore them.

    Args:
        context: That of the command.
        option: The other option, as it is written.
        known: The names of the parameters that have a meaning with it.

    Raises:
        UsageError: Another one is given.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        given = source == click.core.ParameterSource.COMMANDLINE and parameter.expose_value
        if given and parameter.name not in known:
            what = parameter.opts[-1] if isinstance(parameter, click.Option) else "SOURCE"
            raise UsageError(f"{what} doesn't go with {option}; leave it out")


def log_option(function: Decorated) -> Decorated:
    """Add `--log`, a file to which all is appended that the command says."""

    def start(context: click.Context, _: click.Parameter, path: Path | None) -> None:
        if path is not None and not context.resilient_parsing:
            open_log(path)

    return click.option(
        "--log",
        "--log-file",
        "log",
        type=FILE,
        is_eager=True,
        expose_value=False,
        callback=start,
        help="A file to append all to that the command says, line by line with times, whatever the"
        " terminal shows. --log-file is another name of the option, which torchrun doesn't take for"
        " one of its own.",
    )(function)


version_option = click.version_option(package_name="lrcn", message="%(package)s %(version)s")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."
)


def pictures_option(text: str) -> Callable[[Decorated], Decorated]:
    """Add `--pictures/--no-pictures`.

    Args:
        text: The help text, which says what is made.
    """
    return click.option(
        "--pictures/--no-pictures",
        default=True,
        show_default=True,
        envvar="LRCN_PICTURES",
        help=f"{text} LRCN_PICTURES=0 in the environment makes them of no run.",
    )


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="The device to compute on; auto takes a GPU if there is one.",
)

decoder_option = click.option(
    "--decoder",
    type=click.Choice(list(DECODERS.built_in)),
    default="av",
    show_default=True,
    help="How videos are decoded: with PyAV inside the process, or by ffmpeg processes.",
)


one_class_option = click.option(
    "--allow-one-class",
    is_flag=True,
    help="Allow videos of a single class, of which every answer of a net would be right.",
)


def frame_kind_option(function: Decorated) -> Decorated:
    """Add `--frame-kind`, which names a plug-in again: `plugins`, with that name or none."""

    def check(context: click.Context, _: click.Parameter, name: str | None) -> tuple[str, ...]:
        from lrcn_data.format.frame_kinds import FRAME_KINDS

        return () if name is None else (FRAME_KINDS.check(name),)

    return click.option(
        "--frame-kind",
        "plugins",
        metavar="MODULE:CLASS",
        callback=check,
        help="The plug-in that made the frames, which is imported only if it is named here.",
    )(function)


def picture_rate_option(text: str) -> Callable[[Decorated], Decorated]:
    """Add `--picture-rate`, the number of pictures a second of folders of numbered pictures.

    Args:
        text: The help text.
    """
    return click.option(
        "--picture-rate", type=RateType(), show_default="no such folders", help=text
    )


max_hours_option = click.option(
    "--max-hours",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    show_default=True,
    help="The longest time that a video may last, in hours.",
)


def batch_size_option(text: str) -> Callable[[Decorated], Decorated]:
    """Add `--batch-size`, the number of clips that are scored at a time.

    Args:
        text: The help text.
    """
    return click.option(
        "--batch-size", type=click.IntRange(1), default=16, show_default=True, help=text
    )


views_option = click.option(
    "--views",
    type=click.Choice(list(VIEWS)),
    show_default=WHOLE,
    help="The views in which each clip is scored, whose scores are averaged: the whole clip, the"
    " clip and its mirror image (flip), or its corners, its centre and the mirror images of these"
    " (ten-crop).",
)

crop_option = click.option(
    "--crop",
    type=click.FloatRange(0, 0.95, min_open=True),
    metavar="F",
    show_default=f"{TEN_CROP_CUTS} with --views {TEN_CROP}",
    help="The fraction of width and height that each crop of ten-crop cuts away.",
)


def root_option(
    text: str, *, kind: click.ParamType[Any] = FOLDER
) -> Callable[[Decorated], Decorated]:
    """Add `--root`, the folder that the paths in lists are relative to.

    Args:
        text: The help text.
        kind: The type of its value.
    """
    return click.option("--root", type=kind, default=".", show_default=True, help=text)


def seed_option(text: str) -> Callable[[Decorated], Decorated]:
    """Add `--seed`.

    Args:
        text: The help text, which says what is drawn with the seed.
    """
    return click.option("--seed", type=int, default=0, show_default=True, help=text)


look_at_option = click.option(
    "--look-at",
    type=click.IntRange(1),
    metavar="N",
    default=LOOK_AT,
    show_default=True,
    help="The largest number of clips whose pictures are looked at for findings. If there are more,"
    " so many are drawn; of near-duplicates only those among them are found.",
)


def refuse_look_at_without(other: str, *, given: bool) -> None:
    """Refuse `--look-at` on the command line where the option that looks isn't given.

    Args:
        other: The option that looks at clips.
        given: Whether it is given.

    Raises:
        UsageError: `--look-at` is given without it.
    """
    source = click.get_current_context().get_parameter_source("look_at")
    if source == click.core.ParameterSource.COMMANDLINE and not given:
        raise UsageError(f"--look-at goes with {other}; give that too, or leave it out")


def cache_options(function: Decorated) -> Decorated:
    """Add `--cache-dir` and `--cache-size`, which are None where they aren't given."""
    function = click.option(
        "--cache-size",
        type=BytesType(),
        show_default="what is free, less a tenth of the disk",
        help="The most bytes that the shards in --cache-dir may have: 200GB, 500MiB.",
    )(function)
    return click.option(
        "--cache-dir",
        type=FOLDER,
        show_default="none",
        help="A folder on this machine in which whole shards of stores are kept, for this command"
        " and others.",
    )(function)


def workers_option(text: str, *, default: str, least: int = 1) -> Callable[[Decorated], Decorated]:
    """Add `--workers`, which is None where it isn't given.

    Args:
        text: The help text, which says what the workers do.
        default: The number of workers where none is given, in words.
        least: The smallest number of workers allowed.
    """
    return click.option("--workers", type=click.IntRange(least), show_default=default, help=text)


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """WIDTHxHEIGHT as (width, height) in pixels.

    Args:
        native: Whether `native` may be given as well, which becomes None.
    """

    name = "WxH"

    def __init__(self, *, native: bool = False) -> None:
        self._native = native

    def convert(self, value: Any, param: Any, ctx: Any) -> Size | None:
        """Read the text; the library checks the range."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        if self._native and value == "native":
            return None
        try:
            return parse_size(value, source=self.name)
        except UsageError:
            other = "native or " if self._native else ""
            self.fail(f"{value!r} is no size; write {other}WIDTHxHEIGHT, such as 320x240")


class SeqLenType(click.ParamType):  # type: ignore[type-arg]
    """A number of frames, or `max` with or without a bound."""

    name = "frames"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What the help shows in place of a value."""
        return "[N|max|max:N]"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        """Read the text; the library checks it."""
        try:
            return int(value)
        except ValueError:
            return str(value)


class RateType(click.ParamType):  # type: ignore[type-arg]
    """Frames per second: a whole number, a decimal or a fraction, kept exact."""

    name = "rate"

    def convert(self, value: Any, param: Any, ctx: Any) -> Fraction:
        """Read the text; the library checks the range."""
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is no rate; write 5, 12.5 or 30000/1001")


_LONGEST_METAVAR = 60
"""The number of columns that names may take in the help beside an option's own."""


class KindType(click.ParamType):  # type: ignore[type-arg]
    """The name of a kind: one of those built in, which are completed, or that of a plug-in.

    The library checks the name.
    """

    name = "kind"

    def __init__(self, kinds: Kinds[Any]) -> None:
        self._names = list(kinds.built_in)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What the help shows in place of a value: the names, if they fit into a line."""
        names = f"[{'|'.join(self._names)}|MODULE:NAME]"
        return names if len(names) <= _LONGEST_METAVAR else "NAME"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The built-in names that begin as what has been typed."""
        return [CompletionItem(name) for name in self._names if name.startswith(incomplete)]


def net_plugin_options(function: Decorated) -> Decorated:
    """Add `--cnn` and `--head`, which allow the plug-ins of a run's net to be imported.

    The command gets their names as `cnn` and `head`, None where one isn't given.
    """
    from lrcn_model.nets.cnns import CNNS
    from lrcn_model.nets.heads import HEADS

    for kinds in (HEADS, CNNS):
        function = click.option(
            kinds.option,
            metavar="MODULE:NAME",
            callback=_only_plugin,
            help=f"The {kinds.what} of RUN, if it is a plug-in, which is imported only if it is"
            " named here.",
        )(function)
    return function


def _only_plugin(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not is_plugin(name):
        raise UsageError(
            f"{option.opts[0]} names a plug-in of the run, package.module:name, got {name!r};"
            " leave it out where the run has none"
        )
    return name


def named_plugins(*names: str | None) -> tuple[str, ...]:
    """The names that are given."""
    return tuple(name for name in names if name is not None)


class BytesType(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, perhaps with a unit: 1000000, 500MB, 256MiB."""

    name = "bytes"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read the text; the library checks the range."""
        try:
            return parse_bytes(str(value), "a size")
        except UsageError:
            self.fail(f"{value!r} is no size; write 500MB, 256MiB, or a number of bytes")
