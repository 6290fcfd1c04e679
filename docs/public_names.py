"""A Sphinx directive that documents all public names of a package from their docstrings."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

_OPTIONS = {"autoclass": ("   :members:",)}


class PublicNames(Directive):
    """`public-names PACKAGE`: what the package's `__all__` names, in the order of the alphabet."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """What autodoc makes of each name."""
        [package] = self.arguments
        found = import_module(package)
        lines: list[str] = []
        for name in sorted(found.__all__, key=str.lower):
            thing = getattr(found, name)
            if inspect.isclass(thing):
                kind = "autoexception" if issubclass(thing, Exception) else "autoclass"
            else:
                kind = "autofunction" if inspect.isroutine(thing) else "autodata"
            lines += [f".. {kind}:: {package}.{name}", *_OPTIONS.get(kind, ()), ""]
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(lines, source=package), self.content_offset, node)
        return node.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True}
