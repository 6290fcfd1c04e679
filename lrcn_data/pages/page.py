"""A page of HTML that is one file: its style, scripts and pictures are inside.

Templates are Jinja's, extend `page.html` and lie in the folder `templates` of the package that
shows them. What they are given is escaped, so that no name of a file or a class becomes markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN = "lrcn_data.pages"


def render_page(package: str, template: str, values: Mapping[str, Any]) -> str:
    """Fill in the template of a page.

    Args:
        package: The package whose folder `templates` has the template, such as
            `lrcn_data.inspecting`.
        template: Its file name. It extends `page.html`, of which the blocks `title`, `head` (more
            style), `main` and `script` can be filled; a page that a server shows empties `policy`,
            and is sent with a Content-Security-Policy of its own.
        values: What the template names; one that is missing is an error, not an empty place.

    Returns:
        The whole page.
    """
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> Environment:
    # Jinja takes 60 ms to import, and few commands make a page
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_OWN)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "separators": (",", ":"),
        "allow_nan": False,
    }
    return environment
