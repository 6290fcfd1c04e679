"""Shards made to do harm: nothing of them is executed, nothing is written elsewhere, all refused.

Whoever makes such a shard writes the manifest and the index too, so these fit what they describe
unless that is the attack.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import shutil
import signal
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import simplejpeg
import torch
from click.testing import CliRunner
from lrcn_cli.data_index import command as index_command
from lrcn_cli.data_preview import command as preview_command
from lrcn_cli.data_stats import command as stats_command
from lrcn_cli.data_verify import command as verify_command
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_model import ShardDataset
from lrcn_model.reading.webdataset_reader import WebdatasetReader
from tests.yardstick import slowness

Attack = Callable[[Any], None]
FOREVER = 20
ROOM = 3 << 30
TERA = 1 << 40
RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "os.fork")
CHANGES = ("os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.truncate", "os.rmdir")


# ---- ways of reading -------------------------------------------------------------------------


def dataset(shards: Any, folder: Path) -> None:
    opened = ShardDataset(shards)
    for number in range(len(opened)):
        opened[number]
    opened.mean_image((8, 8))


def webdataset(shards: Any, folder: Path) -> None:
    list(WebdatasetReader(shards))


def command(given: Any, *arguments: str) -> None:
    done = CliRunner().invoke(given, arguments, catch_exceptions=False, standalone_mode=False)
    if done.return_value == 1:
        # what `verify` ends with where it has found faults
        raise LrcnError(done.output)


def index(shards: Any, folder: Path) -> None:
    command(index_command, str(shards))


def verify(shards: Any, folder: Path) -> None:
    command(verify_command, "--", str(shards))


def deep_verify(shards: Any, folder: Path) -> None:
    command(verify_command, str(shards), "--deep")


def stats(shards: Any, folder: Path) -> None:
    command(stats_command, str(shards), "--workers", "1")


def preview(shards: Any, folder: Path) -> None:
    command(preview_command, str(shards), "--out", str(folder / "preview.png"))


WAYS = {
    "ShardDataset": dataset,
    "--reader webdataset": webdataset,
    "lrcn-data index": index,
    "lrcn-data verify": verify,
    "lrcn-data verify --deep": deep_verify,
    "lrcn-data stats": stats,
    "lrcn-data preview": preview,
}


# ---- what is in the tar ----------------------------------------------------------------------


def hostile_members(f: Any) -> dict[str, bytes]:
    """Samples with members that some readers execute, follow, or write to the disk."""
    stem = f.members[0][0].partition(b".")[0]
    npy = io.BytesIO()
    np.save(npy, np.array([f.payload], dtype=object), allow_pickle=True)
    torch_file = io.BytesIO()
    torch.save({"net": f.payload}, torch_file)
    program = b"#!/bin/sh\nmkdir " + str(f.marker).encode() + b"\n"
    carried = {b"pickle": f.pickled, b"pkl": f.pickled, b"pyd": f.pickled, b"npy": npy.getvalue()}
    carried |= {b"pth": torch_file.getvalue(), b"pt": torch_file.getvalue(), b"sh": program}
    found = {}
    for ending, data in carried.items():
        name = stem + b"." + ending
        found[f"a .{ending.decode()} after the sample"] = f.sample + f.tar_of([(name, data)])
        found[f"a .{ending.decode()} as the class"] = f.with_member(-2, data, name)
        found[f"a .{ending.decode()} as a frame"] = f.with_member(0, data, name)
    names = [b"../../%s.000.jpg" % stem, b"/tmp/%s.000.jpg" % stem, b"./%s.000.jpg" % stem]
    names += [b"a/../../b.000.jpg", b"..", b"", b".000.jpg", b"-rf.000.jpg", b"a b.000.jpg"]
    names += [b"a\0b.000.jpg", b"\xff\xfe.000.jpg", b"|mkdir x.000.jpg", b"k" * 100, b"__init__.py"]
    for name in names:
        found[f"a frame named {name!r:.30}"] = f.with_member(0, f.members[0][1], name)
        members = [
            (name.replace(b".000.jpg", b"") + b"." + n.partition(b".")[2], d) for n, d in f.members
        ]
        found[f"a sample named {name!r:.30}"] = f.tar_of(members)
    frame = f.members[0][0]
    for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"L", b"K", b"x", b"g", b"\0"):
        for link in (str(f.victim).encode()[:100], b"../../../../etc/passwd"):
            head = f.header(frame, 0, kind=kind, link=link)
            found[f"a frame of type {kind!r} to {link[-10:]!r}"] = head + f.tar_of(f.members[1:])
    return found


def hostile_sizes(f: Any) -> dict[str, bytes]:
    """Members that say they are larger than the tar, and worse."""
    frame, rest = f.members[0][0], f.tar_of(f.members[1:])
    sizes = [b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-0000000001\0", b" " * 12]
    sizes += [b"\0" * 12, b"00000000001\0", b"10000000000\0", b"07777777777\0", b"0x10\0", b"1e9\0"]
    found = {f"a size {size!r}": f.header(frame, size) + rest for size in sizes}
    found["another magic"] = f.header(frame, 0, magic=b"ustar  \0") + rest
    damaged = bytearray(f.sample)
    damaged[148:156] = b"0000000\0"
    return {**found, "a wrong checksum": bytes(damaged)}


def picture(kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 24)).save(data, kind, **options)
    return data.getvalue()


def jpeg_of_size(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with other sizes in its frame header (ITU-T T.81, B.2.2)."""
    start = jpeg.index(b"\xff\xc0")
    return jpeg[: start + 5] + struct.pack(">HH", height, width) + jpeg[start + 9 :]


def scan_bomb(side: int, scans: int, *, progressive: bool) -> bytes:
    """A JPEG of one grey level with its last scan again and again."""
    data = io.BytesIO()
    if progressive:
        Image.new("L", (side, side), 128).save(data, "JPEG", progressive=True)
    else:
        Image.new("RGB", (side, side), (128, 128, 128)).save(data, "JPEG", subsampling=0)
    jpeg = data.getvalue()
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * scans + jpeg[-2:]


def hostile_frames(f: Any) -> dict[str, bytes]:
    """Frames that are no JPEG of the size that the json says."""
    jpeg = f.members[0][1]
    frames = {kind: picture(kind) for kind in ("PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO")}
    frames |= {
        "nothing": b"",
        "a shell script": b"#!/bin/sh\nexit\n",
        "a program": b"\x7fELF" + bytes(100),
        "PostScript": b"%!PS\n(%pipe%mkdir x) (w) file\n",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "the start of a JPEG": b"\xff\xd8\xff",
        "garbage after the start": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8,
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "a JPEG without an end": jpeg[:-2],
        "a smaller JPEG": simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)),
        "a larger JPEG": simplejpeg.encode_jpeg(np.zeros((64, 64, 3), np.uint8)),
        "a CMYK JPEG of another size": picture("JPEG")[:4] + picture("JPEG")[20:],
        "scans without end": scan_bomb(4096, 2000, progressive=True),
    }
    for side in (0, 1, 25, 8192, 16384, 65535):
        frames[f"a header of {side}x{side}"] = jpeg_of_size(jpeg, side, side)
    found = {f"{name} as a frame": f.with_member(0, data) for name, data in frames.items()}
    for width, height in ((65535, 65535), (8192, 8192), (1 << 40, 1), (0, 24), (-32, -24)):
        record = json.dumps({**f.record, "width": width, "height": height}).encode()
        for name, frame in (
            ("that header", jpeg_of_size(jpeg, width & 65535, height & 65535)),
            ("a small JPEG", jpeg),
        ):
            members = [(f.members[0][0], frame), *f.members[1:-1], (f.members[-1][0], record)]
            found[f"a json of {width}x{height} and {name}"] = f.tar_of(members)
    for progressive, side in ((True, 4096), (False, 1024)):
        slow = scan_bomb(side, 2000 if progressive else 300, progressive=progressive)
        record = json.dumps({**f.record, "width": side, "height": side}).encode()
        members = [(n, slow) for n, _ in f.members[:-2]]
        members += [f.members[-2], (f.members[-1][0], record)]
        kind = "a progressive" if progressive else "an ordinary"
        found[f"scans without end in {kind} JPEG of the json's size"] = f.tar_of(members)
    return found


def hostile_texts(f: Any) -> dict[str, bytes]:
    """Class numbers and records that are not what they should be."""
    labels = [b"", b"-1", b"3", b"999999999999", b"1" * 5000, b"0x1", b"1e9", b"00", b" 0", b"0\n"]
    labels += [b"__import__('os')", "１".encode(), b"nan", b"True", b"\xff"]
    found = {f"a class number {label!r:.20}": f.with_member(-2, label) for label in labels}
    texts = {
        "nested json": b"[" * 200_000,
        "nested objects": b'{"a":' * 200_000,
        "two megabytes of json": b" " * (2 << 20) + json.dumps(f.record).encode(),
        "a number of 5,000 digits": b'{"key": ' + b"9" * 5000 + b"}",
        "no json": b"import os",
        "no object": b"[]",
        "no text": b"\xff\xfe\x00",
        "a pickle": f.pickled,
    }
    found |= {f"{name} as the json": f.with_member(-1, text) for name, text in texts.items()}
    for name, value in (
        ("label", -1),
        ("label", 1 << 70),
        ("label", "0"),
        ("label", True),
        ("num_valid", 0),
        ("num_valid", -1),
        ("num_valid", 1 << 40),
        ("labels", [0] * 100_000),
        ("labels", {}),
        ("labels", [1 << 40, 0]),
        ("labels", [-2, 0]),
        ("labels", [0.0, 0]),
        ("frame_times", []),
        ("frame_times", [float("nan")] * 2),
        ("frame_times", ["0", "1"]),
        ("neighbour_times", [[], []]),
        ("segment", [0]),
        ("segment", [float("inf"), 0]),
        ("key", "../../x"),
        ("key", ["x"]),
        ("video", None),
        ("video", {"a": 1}),
        ("width", 1 << 62),
        ("height", 1.5),
        ("fps", None),
        ("clip", "x"),
    ):
        found[f"{name} {value!r:.20} in the json"] = f.with_record(**{name: value})
    return found


def hostile_ends(f: Any) -> dict[str, tuple[bytes, bytes]]:
    """(sample, what follows): tars that don't end as one."""
    second = f.tar_of([(b"other.000.jpg", b"x")])
    return {
        "no end": (f.sample, b""),
        "half an end": (f.sample, bytes(512)),
        "an end that is no block": (f.sample, bytes(1500)),
        "something after the end": (f.sample, bytes(1024) + second),
        "zeros and a byte": (f.sample, bytes(10_239) + b"x"),
        "no tar": (b"x" * 20_000, b""),
        "gzip": (gzip.compress(f.sample + bytes(1024)), b""),
        "a gzip bomb": (gzip.compress(bytes(1 << 24)), b""),
        "a zip file": (b"PK\x03\x04" + bytes(2000), b""),
    }


def tar_attacks(f: Any) -> dict[str, Attack]:
    samples = {**hostile_members(f), **hostile_sizes(f), **hostile_frames(f), **hostile_texts(f)}
    attacks: dict[str, Attack] = {
        name: lambda f, data=data: f.write(data) for name, data in samples.items()
    }
    for name, (data, end) in hostile_ends(f).items():
        attacks[name] = lambda f, data=data, end=end: f.write(data, end)
    return attacks


# ---- what the tar is -------------------------------------------------------------------------


def no_sample(f: Any, size: int) -> None:
    """Have manifest and index say that there are no samples in so many bytes."""
    nothing = np.zeros(0, np.int64)
    f.index(
        offset=nothing,
        length=nothing,
        label=nothing,
        num_valid=nothing,
        crc32=np.zeros(0, np.uint32),
        frame_count=np.int64(0),
    )
    f.state(bytes=size, samples=0, frames=0)


def fifo(f: Any) -> None:
    f.tar.unlink()
    os.mkfifo(f.tar)
    no_sample(f, 0)


def device(f: Any) -> None:
    f.tar.unlink()
    f.tar.symlink_to("/dev/zero")
    no_sample(f, 0)


def folder_as_shard(f: Any) -> None:
    f.tar.unlink()
    f.tar.mkdir()
    no_sample(f, f.tar.stat().st_size)


def link_loop(f: Any) -> None:
    f.tar.unlink()
    f.tar.symlink_to(f.tar.name)


def giant_of_zeros(f: Any) -> None:
    os.truncate(f.tar, 0)
    os.truncate(f.tar, TERA)
    no_sample(f, TERA)


def giant_after_a_sample(f: Any) -> None:
    os.truncate(f.tar, TERA)
    f.state(bytes=TERA)


def giant_members(f: Any) -> None:
    """Each member says that it has a gigabyte, and the tar really is as large."""
    with f.tar.open("r+b") as file:
        place = 0
        for name, _ in f.members:
            file.seek(place)
            file.write(f.header(name, 1 << 30))
            place += 512 + (1 << 30)
        file.truncate(place + 1024)
    f.state(bytes=place + 1024)


FILE_ATTACKS: dict[str, Attack] = {
    "a FIFO": fifo,
    "/dev/zero": device,
    "a folder": folder_as_shard,
    "a link to itself": link_loop,
    "a terabyte of zeros": giant_of_zeros,
    "a terabyte of zeros after a sample": giant_after_a_sample,
    "members of a gigabyte of zeros each": giant_members,
}


# ---- what is in .meta ------------------------------------------------------------------------


def npz(f: Any, contents: dict[str, bytes], *, packed: bool = False) -> None:
    """Write a .npz of these files in place of the sound ones."""
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    sound = {f"{name}.npy": npy(array) for name, array in f.loaded_arrays().items()}
    with zipfile.ZipFile(f.arrays, "w", kind) as archive:
        for name, data in {**sound, **contents}.items():
            archive.writestr(name, data)


def npy(array: Any) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


def npy_of_header(text: str, data: bytes = b"") -> bytes:
    """A .npy file with any text as its header (NumPy's format, version 1.0)."""
    text = text.ljust(118 - 1) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1") + data


def replaced_by(what: str) -> Attack:
    def attack(f: Any) -> None:
        f.arrays.unlink()
        os.mkfifo(f.arrays) if what == "FIFO" else f.arrays.symlink_to(what)

    return attack


def meta_attacks(f: Any) -> dict[str, Attack]:
    int64 = "{'descr': '<i8', 'fortran_order': False, 'shape': (%s,), }"
    headers = {
        "an array that says it has a tera of numbers": int64 % (1 << 40),
        "an array of -1 numbers": int64 % -1,
        "an array of 2**70 numbers": int64 % (1 << 70),
        "a header that is code": "__import__('os').mkdir('" + str(f.marker)[-40:] + "')",
        "a header that is nested": "(" * 100,
        "a header of objects": "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "a header of fields": "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (1,), }",
        "an empty header": "",
    }
    attacks: dict[str, Attack] = {}
    for name in f.loaded_arrays():
        objects = npy(np.array([f.payload], dtype=object))
        attacks[f"a pickle as {name}"] = lambda f, n=name, o=objects: npz(f, {f"{n}.npy": o})
        attacks[f"a bare pickle as {name}"] = lambda f, n=name: npz(f, {f"{n}.npy": f.pickled})
        attacks[f"no {name}"] = lambda f, n=name: npz(f, {f"{n}.npy": b""})
    for what, text in headers.items():
        for name in ("offset", "pixel_sum"):
            attacks[f"{what} as {name}"] = lambda f, n=name, t=text: npz(
                f, {f"{n}.npy": npy_of_header(t, bytes(8))}
            )
    values: dict[str, list[Any]] = {
        "offset": [-1, -(1 << 62), 512, 1 << 62],
        "length": [-1, 0, 1, 511, 1 << 30, 1 << 62],
        "crc32": [0],
        "label": [-1, 3, 1 << 62],
        "num_valid": [-1, 0, 3, 1 << 62],
    }
    for name, numbers in values.items():
        for number in numbers:
            kind = np.uint32 if name == "crc32" else np.int64
            attacks[f"{name} {number}"] = lambda f, n=name, a=number, k=kind: f.index(
                **{n: np.array([a], k)}
            )
    attacks |= {
        "more samples than the manifest": lambda f: f.index(offset=np.zeros(1000, np.int64)),
        "floats": lambda f: f.index(offset=np.zeros(1)),
        "negative sums": lambda f: f.index(pixel_sum=np.full((24, 32, 3), -1, np.int64)),
        "too large sums": lambda f: f.index(pixel_sum=np.full((24, 32, 3), 1 << 62, np.int64)),
        "another canvas": lambda f: f.index(pixel_sum=np.zeros((1, 1, 3), np.int64)),
        "frames without end": lambda f: f.index(frame_count=np.int64(-1)),
        "a zip bomb in an array": lambda f: npz(f, {"offset.npy": bytes(1 << 28)}, packed=True),
        "a zip bomb of the canvas's size": bomb_of_the_canvas,
        "nothing": lambda f: f.arrays.write_bytes(b""),
        "a pickle": lambda f: f.arrays.write_bytes(f.pickled),
        "a .npy": lambda f: f.arrays.write_bytes(npy(np.array([f.payload], dtype=object))),
        "a FIFO": replaced_by("FIFO"),
        "/dev/zero": replaced_by("/dev/zero"),
        "a link to itself": replaced_by("train-000.npz"),
        "a terabyte of zeros": lambda f: os.truncate(f.arrays, TERA),
    }
    return attacks


def bomb_of_the_canvas(f: Any) -> None:
    """A gigabyte and a half of zeros in a file of a megabyte, on a canvas of that size."""
    f.change_manifest(canvas=[8192, 8192])
    chunk = np.zeros((1 << 20,), np.int64)
    head = npy(np.zeros((1, 1, 3), np.int64)).partition(b"\n")[0]
    head = head.replace(b"(1, 1, 3)", b"(8192, 8192, 3)")
    head = head[: 10 + struct.unpack("<H", head[8:10])[0] - 1].ljust(127) + b"\n"
    sound = {f"{name}.npy": npy(array) for name, array in f.loaded_arrays().items()}
    with zipfile.ZipFile(f.arrays, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sound.items():
            if name != "pixel_sum.npy":
                archive.writestr(name, data)
        with archive.open("pixel_sum.npy", "w", force_zip64=True) as file:
            file.write(head)
            for _ in range(8192 * 8192 * 3 // len(chunk)):
                file.write(chunk.tobytes())


# ---- what is in dataset.json -----------------------------------------------------------------


def manifest_attacks(f: Any) -> dict[str, Attack]:
    options = json.loads(f.manifest.read_text())["options"]
    values: list[dict[str, Any]] = [
        {"options": {**options, "seq_len": number}}
        for number in (0, -1, 1 << 40, 10**9, "9" * 5000, "x", None, [], float("inf"))
    ]
    values += [
        {"options": {**options, "fps": fps}}
        for fps in (
            "1e999999999",
            "1e-999999999",
            "9" * 5000,
            "1/0",
            "0",
            "-5",
            "nan",
            "inf",
            None,
            "1/" + "9" * 4000,
            "1_0",
            1e308 * 10,
        )
    ]
    values += [{"canvas": c} for c in ([1 << 40, 1 << 40], [-1, -1], [0, 0], "xx", [1.5, 2], [])]
    values += [{"classes": c} for c in (None, [None] * 3, "abc", {"a": 1}, [["x"]] * 3)]
    values += [{"shards": s} for s in (None, "x", [1], [{}], {"a": 1}, [[]])]
    values += [{"format": "x"}, {"format_version": 1 << 70}, {"format_version": "x"}]
    values += [{"complete": False}]
    attacks: dict[str, Attack] = {
        f"{value!r:.60} in the manifest": lambda f, v=value: f.change_manifest(**v)
        for value in values
    }
    entries: list[dict[str, Any]] = [
        {"file": name}
        for name in (
            "../train-000.tar",
            "/etc/passwd",
            "a/b.tar",
            "",
            ".tar",
            "train-000",
            "x\0.tar",
            "pipe:x.tar",
            "-x\n.tar",
            "1" * 500_000 + ".tar",
            "k" * 300 + ".tar",
            None,
            7,
            ["x"],
            "~/.bashrc.tar",
            "file:x.tar",
        )
    ]
    entries += [
        {name: number}
        for name in ("samples", "bytes", "frames")
        for number in (-1, 1 << 40, 1 << 70, 1.5, "1", None, float("nan"), float("inf"))
    ]
    entries += [{"split": split} for split in ("../x", None, 1, "all", [])]
    entries += [{"sha256": None}, {"skipped": -1}, {"failed": "x"}, {"frames": 5}]
    entries += [{"samples": 10**7}, {"samples": 0}]
    for entry in entries:
        attacks[f"{entry!r:.60} of a shard"] = lambda f, e=entry: state_last(f, e)
    texts = {
        "nothing": b"",
        "nested arrays": b"[" * 200_000,
        "nested objects": b'{"a":' * 200_000,
        "a pickle": f.pickled,
        "a number": b"9" * 4000,
        "a list": b"[]",
        "text": b'"x"',
        "bytes": b"\xff\xfe",
    }
    for name, text in texts.items():
        attacks[f"{name} as the manifest"] = lambda f, t=text: f.manifest.write_bytes(t)
    return attacks | {
        "a FIFO as the manifest": manifest_replaced_by("FIFO"),
        "/dev/zero as the manifest": manifest_replaced_by("/dev/zero"),
        "a link to itself as the manifest": manifest_replaced_by("dataset.json"),
        "a terabyte of zeros as the manifest": lambda f: os.truncate(f.manifest, TERA),
    }


def state_last(f: Any, entry: dict[str, Any]) -> None:
    """Change an entry as it is, its hash too."""
    manifest = json.loads(f.manifest.read_text())
    manifest["shards"][0].update(entry)
    f.manifest.write_text(json.dumps(manifest))


def manifest_replaced_by(what: str) -> Attack:
    def attack(f: Any) -> None:
        f.manifest.unlink()
        os.mkfifo(f.manifest) if what == "FIFO" else f.manifest.symlink_to(what)

    return attack


# ---- names of shards -------------------------------------------------------------------------


def hostile_names(f: Any) -> list[str]:
    """What must not be run, nor be expanded for long."""
    run = f"mkdir '{f.marker}'"
    names = [f"pipe:{run}", f"PIPE:{run}", f" pipe:{run}", f"pipe://{run}", f"Pipe: {run}"]
    names += [f"simplecache::pipe:{run}", f"file://pipe:{run}", f"|{run}", f"{run}|", f"$({run})"]
    names += [f"`{run}`", f"; {run}", f"{f.tar}; {run}", f"{f.tar}\n{run}", f"{{{run},{run}}}.tar"]
    names += ["{000..999999999}.tar", "<000..999999999>.tar", "{0..99999}{0..99999}.tar"]
    names += ["{a,b}" * 40 + ".tar", "{000..999999999999999999}.tar", "{9..0}.tar", "{" * 10_000]
    names += [
        "{0..9}" * 2000,
        "<0..9>" * 2000,
        "[" * 10_000 + ".tar",
        "k" * 5000 + ".tar",
        "x\0.tar",
    ]
    names += [
        "x\0.tar",
        "-rf",
        "--help",
        "",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "file:///dev/zero",
    ]
    names += ["python://x", "x://y", "::", "a::b", "reference::x", "http:", "ftp://", "data:,x"]
    return names


# ---- trying ----------------------------------------------------------------------------------


def watched(function: Callable[[], None], allowed: Path, told: list[str]) -> str:
    """Call a function in a process that notes what it does; says how it ended."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "pickle.find_class" or event in RUNS_CODE or event.startswith("socket.conn"):
            told.append(f"{event} {arguments!r:.100}")
        elif event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and not str(path).startswith((str(allowed), "/dev/null")):
                told.append(f"opened {path!r} to write")
        elif event in CHANGES and not str(arguments[0]).startswith(str(allowed)):
            told.append(f"{event} {arguments!r:.100}")

    torch.set_num_threads(1)
    sys.addaudithook(note)
    try:
        function()
    except (LrcnError, click.UsageError) as error:
        return f"refused: {error}"
    except BaseException as error:
        return f"no error of ours: {error!r:.300}"
    return "accepted"


def tried(function: Callable[[], None], allowed: Path) -> tuple[str, list[str], float]:
    """(how it ended, what it did, seconds of processor time) in a process that may be lost."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(FOREVER)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
        told: list[str] = []
        before = resource.getrusage(resource.RUSAGE_SELF)
        ended = watched(function, allowed, told)
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        said = json.dumps([ended, told, seconds]).encode()
        with os.fdopen(theirs, "wb") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not said:
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {status}"
        return f"the process was ended by {how}", [], FOREVER
    ended, told, seconds = json.loads(said)
    return ended, told, seconds


class Trials:
    """Attacks on a data set by each way of reading it, every one on a copy of its own."""

    def __init__(self, forgery: Any, tally: Any) -> None:
        self._forgery, self._tally = forgery, tally
        self._sound = forgery.folder.with_name("sound")
        shutil.copytree(forgery.folder, self._sound)
        self._longest, self._slowest = 0.0, ""
        self.count = 0

    def attack(self, name: str, attack: Attack, way: str, shards: Any = None) -> None:
        forgery = self._forgery
        shutil.rmtree(forgery.folder)
        shutil.copytree(self._sound, forgery.folder)
        attack(forgery)
        if way == "lrcn-data index" and not (forgery.folder / ".meta").is_symlink():
            shutil.rmtree(forgery.folder / ".meta")
        given = forgery.folder if shards is None else shards
        ended, told, seconds = tried(lambda: WAYS[way](given, forgery.folder), forgery.folder)
        fault = None
        if forgery.marker.exists():
            fault = "it was executed"
            forgery.marker.rmdir()
        elif told:
            fault = "; ".join(told)
        elif forgery.victim.read_bytes() != b"untouched":
            fault = "a file elsewhere was written"
        elif not ended.startswith("refused: "):
            fault = ended
        elif seconds > 1 and seconds > (limit := slowness()):
            fault = f"it took {seconds:.1f} s of processor time, where {limit:.1f} s are a second"
        self._tally.add(fault and f"{name}, {way}: {fault}")
        self.count += 1
        if seconds > self._longest:
            self._longest, self._slowest = seconds, f"{name}, {way}"

    def check(self) -> None:
        self._tally.note(
            f"the longest took {self._longest:.2f} s of processor time ({self._slowest})"
        )
        self._tally.check(self.count)


@pytest.fixture
def trials(forgery: Any, tally: Any) -> Trials:
    """With all that the ways import imported, and with proof that each reads the sound shard."""
    for way in WAYS:
        WAYS[way](forgery.folder, forgery.folder)
    (forgery.folder / "preview.png").unlink()
    return Trials(forgery, tally)


def some(attacks: dict[str, Attack], count: Callable[[int, int], int]) -> list[tuple[str, Attack]]:
    """Every fifteenth, or all of them."""
    return list(attacks.items())[:: count(15, 1)]


@pytest.mark.promise(
    18, "pickles, links, names, sizes, frames and texts in a tar, by seven readers"
)
def test_hostile_tars_are_refused(trials: Trials, forgery: Any, count: Any) -> None:
    for name, attack in some(tar_attacks(forgery), count):
        for way in WAYS:
            trials.attack(name, attack, way)
    trials.check()


@pytest.mark.slow  # a process for each attack and reader, as for those in tars
@pytest.mark.promise(18, "FIFOs, devices, loops and sparse giants as a shard, by seven readers")
def test_what_is_no_regular_shard_is_refused(trials: Trials) -> None:
    for name, attack in FILE_ATTACKS.items():
        for way in WAYS:
            trials.attack(name, attack, way)
    trials.check()


@pytest.mark.promise(18, "pickles, bombs and impossible numbers in a .npz, by those who read it")
def test_hostile_indices_are_refused(trials: Trials, forgery: Any, count: Any) -> None:
    for name, attack in some(meta_attacks(forgery), count):
        for way in ("ShardDataset", "lrcn-data verify", "lrcn-data stats"):
            trials.attack(name, attack, way)
    trials.check()


@pytest.mark.slow  # likewise
@pytest.mark.promise(18, "impossible values and bombs in dataset.json, by seven readers")
def test_hostile_manifests_are_refused(trials: Trials, forgery: Any, count: Any) -> None:
    for name, attack in some(manifest_attacks(forgery), count):
        for way in WAYS:
            trials.attack(name, attack, way)
    trials.check()


@pytest.mark.promise(18, "`pipe:`, shell text, brace bombs, devices as the names of shards")
def test_hostile_names_are_refused(trials: Trials, forgery: Any, count: Any) -> None:
    for name in hostile_names(forgery)[:: count(4, 1)]:
        for way in ("ShardDataset", "--reader webdataset", "lrcn-data verify"):
            trials.attack(f"{name[:60]!r}", lambda f: None, way, shards=name)
    trials.check()


def test_a_meta_folder_that_leads_elsewhere_is_not_written_to(trials: Trials) -> None:
    def linked(f: Any) -> None:
        elsewhere = f.marker.with_name("elsewhere")
        elsewhere.mkdir()
        shutil.rmtree(f.folder / ".meta")
        (f.folder / ".meta").symlink_to(elsewhere)

    trials.attack("a .meta that is a link", linked, "lrcn-data index")
    trials.check()


def test_statistics_replace_links_and_leave_what_they_lead_to(forgery: Any) -> None:
    for name in ("stats.json", "mean.png", f"stats.json.{os.getpid()}.partial"):
        (forgery.folder / name).symlink_to(forgery.victim)
    stats(forgery.folder, forgery.folder)
    assert forgery.victim.read_bytes() == b"untouched"
    assert json.loads((forgery.folder / "stats.json").read_text())["seq_len"] == 2
