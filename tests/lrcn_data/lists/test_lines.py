from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.lines import format_line, is_comment, parse_classes, parse_list


def entries(text: str | bytes, names: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(line.path, line.label) for line in parse_list(data, names)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a.avi 3", ("a.avi", "3")),
        ("Archery/v_Archery_g08_c01.avi 3\r", ("Archery/v_Archery_g08_c01.avi", "3")),
        ("my holiday video.mp4 12", ("my holiday video.mp4", "12")),
        ("my holiday video.mp4 surfing", ("my holiday video.mp4", "surfing")),
        ("a.avi\t0", ("a.avi", "0")),
        ("a.avi   \t  0  ", ("a.avi", "0")),
        ("a.AVI Jumping Jack", ("a.AVI", "Jumping Jack")),
        ("a.avi.mp4 b.c", ("a.avi.mp4", "b.c")),
        ("one.avi two.avi 3", ("one.avi two.avi", "3")),
        ("no-ending walk", ("no-ending", "walk")),
        ("v 1", ("v", "1")),
        ("a.avi", ("a.avi", None)),
        ("with space.webm", ("with space.webm", None)),
        ("a.avi -1", ("a.avi", "-1")),
        ("/abs/a.avi 0", ("/abs/a.avi", "0")),
        ("-x.avi 0", ("-x.avi", "0")),
        ("http:x.avi 0", ("http:x.avi", "0")),
        ("#437_How_To_Ride_A_Bike.avi 1", ("#437_How_To_Ride_A_Bike.avi", "1")),
        ("##x.avi 1", ("##x.avi", "1")),
        ("#x.avi", ("#x.avi", None)),
        ("take #2.avi 1", ("take #2.avi", "1")),
        ("take # 2.avi 1", ("take # 2.avi", "1")),
        ("a.avi 1 # the best one", ("a.avi", "1")),
        ("a.avi walk #", ("a.avi", "walk")),
        ('"drinking (31).mp4" 0', ("drinking (31).mp4", "0")),
        ("'my clip.mp4'\tJumping Jack", ("my clip.mp4", "Jumping Jack")),
        ('"my clip.mp4" "Jumping Jack"', ("my clip.mp4", "Jumping Jack")),
        ('"my clip.mp4"', ("my clip.mp4", None)),
        ('my clip.mp4 "Jumping Jack"', ("my clip.mp4", "Jumping Jack")),
        ('"Hi", she said.mp4 0', ('"Hi", she said.mp4', "0")),
        ("#437_ride.avi,1", ("#437_ride.avi,1", None)),
    ],
)
def test_a_line_is_split_into_path_and_label(line: str, expected: tuple[str, str | None]) -> None:
    assert entries(line) == [expected]


@pytest.mark.parametrize(
    "line", ["#", "# a.avi 1", "#\ta.avi 1", "#comment", "#see the other list", "## a.avi 1", "###"]
)
def test_a_comment_is_no_entry(line: str) -> None:
    assert is_comment(line)
    assert entries(f"{line}\nb.avi 0\n") == [("b.avi", "0")]


def test_lines_are_counted_with_blank_lines_and_comments() -> None:
    lines = parse_list(b"\xef\xbb\xbf# head\r\n\r\na.avi 0\r\n  \r\nb.avi 1")
    assert [(line.line, line.path) for line in lines] == [(3, "a.avi"), (5, "b.avi")]


def test_characters_that_unicode_counts_as_line_ends_stay_in_names() -> None:
    name = "a\x0b\x0c\x1c\x85\u2028b.avi"
    assert entries(f"{name} 1\n") == [(name, "1")]


def test_bytes_that_are_no_utf8_come_out_as_in_pythons_file_names() -> None:
    assert entries(b"caf\xe9.avi 1\n") == [("caf\udce9.avi", "1")]


def test_known_class_names_with_spaces_are_found_at_the_end() -> None:
    names = ("dunk", "slam dunk", "take 2")
    assert entries("a clip slam dunk", names) == [("a clip", "slam dunk")]
    assert entries("x.avi take 2", names) == [("x.avi", "take 2")]
    assert entries("x.avi dunk", names) == [("x.avi", "dunk")]


path_texts = st.text(
    st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1
).map(lambda text: f"{text}.avi")


@given(st.lists(st.tuples(path_texts, st.integers(0, 200).map(str)), max_size=20))
def test_as_many_entries_come_out_as_names_go_in(pairs: list[tuple[str, str]]) -> None:
    written = []
    for path, label in pairs:
        try:
            written.append(format_line(path, label))
        except ValueError:  # a name that no line can hold is refused, never changed
            assert path != path.strip() or path.startswith("#") or " " in path or "\t" in path
            continue
    expected = [line.rsplit(" ", 1) for line in written]
    assert entries("\n".join(written)) == [(path, label) for path, label in expected]
    plain = [path for path, _ in pairs if not path.startswith("#") and len(path.split()) == 1]
    assert {path for path in plain if path == path.strip()} <= {path for path, _ in expected}


def test_a_name_that_no_line_can_hold_is_refused() -> None:
    for path in (" a.avi", "a\nb.avi", "# a.avi"):
        with pytest.raises(ValueError, match="no line"):
            format_line(path, "1")


@pytest.mark.parametrize(
    ("text", "names", "base"),
    [
        ("walk\nrun\n", ["walk", "run"], None),
        ("1 ApplyEyeMakeup\r\n2 Archery\r\n", ["ApplyEyeMakeup", "Archery"], 1),
        ("0\tJump\n1\tRun\n", ["Jump", "Run"], 0),
        ("# classes\n\nJumping Jack\n", ["Jumping Jack"], None),
        ("1 a\n3 b\n", ["1 a", "3 b"], None),
        ("2 a\n3 b\n", ["2 a", "3 b"], None),
        ("1 a\nb\n", ["1 a", "b"], None),
        ("1\n2\n", ["1", "2"], None),
        ("", [], None),
    ],
)
def test_class_files_are_names_or_numbered_names(
    text: str, names: list[str], base: int | None
) -> None:
    known = parse_classes(text.encode())
    assert (known.names, known.base) == (names, base)
