"""Pages are whole in themselves, and take names as text."""

from __future__ import annotations

import base64
import importlib
import io
from pathlib import Path

import jinja2
import numpy as np
import pytest
from PIL import Image

from lrcn_data.pages.data_uri import strip_uri
from lrcn_data.pages.page import render_page


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"package_of_{tmp_path.name}"
    folder = tmp_path / name
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "templates" / "names.html").write_text(
        '{% extends "page.html" %}{% block title %}{{ name }}{% endblock %}'
        "{% block main %}<p>{{ name }}</p>{% endblock %}"
        "{% block script %}const names = {{ [name] | tojson }};{% endblock %}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return name


def test_a_name_from_outside_stays_text_in_markup_and_in_scripts(package: str) -> None:
    page = render_page(package, "names.html", {"name": "</script><img src=x onerror=alert(1)>"})
    assert "<img" not in page
    assert page.count("</script>") == 1
    assert "&lt;img src=x" in page


def test_a_value_that_is_missing_is_an_error(package: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match="name"):
        render_page(package, "names.html", {})


def test_a_page_names_no_address_but_those_within_itself(package: str) -> None:
    page = render_page(package, "names.html", {"name": "a"})
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_a_strip_has_its_frames_from_left_to_right() -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    uri = strip_uri(frames, (20, 20), quality=90)
    kind, _, encoded = uri.partition(",")
    assert kind == "data:image/webp;base64"
    strip = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert strip.size == (60, 20)
    middle = np.asarray(strip.convert("RGB"))[10, 10::20].astype(int)
    assert np.abs(middle - [[255, 0, 0], [0, 255, 0], [0, 0, 255]]).max() < 60
    assert np.asarray(strip.convert("L"))[0].max() < 40, "what is left of the height is black"
