"""The bytes of a shard are those of webdataset's TarWriter."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import sample_bytes
from lrcn_data.format.tar_members import tar_end


def by_webdataset(samples: list[tuple[str, dict[str, bytes]]]) -> bytes:
    from webdataset.writer import TarWriter

    file = io.BytesIO()
    writer = TarWriter(file, encoder=False, mtime=0)
    for key, members in samples:
        writer.write({"__key__": key, **members})
    writer.close()
    return file.getvalue()


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_a_shard_has_the_bytes_that_webdataset_writes(count: int) -> None:
    rng = random.Random(count)
    samples = []
    for number in range(count):
        sizes = [rng.choice((0, 1, 511, 512, 513, rng.randrange(70_000))) for _ in range(5)]
        contents = [rng.randbytes(size) for size in sizes]
        key = f"{'k' * rng.randrange(1, 70)}_{number:06d}"
        samples.append((key, dict(zip(SampleLayout(seq_len=3).endings, contents, strict=True))))
    tar = b"".join(
        sample_bytes(key, list(sample), list(sample.values())) for key, sample in samples
    )
    assert tar + tar_end(len(tar)) == by_webdataset(samples)


def test_a_key_of_full_length_fits_into_the_name() -> None:
    members = dict.fromkeys(SampleLayout(seq_len=1000).endings, b"x")
    expected = by_webdataset([("k" * 80, members)])
    data = sample_bytes("k" * 80, list(members), list(members.values()))
    assert data + tar_end(len(data)) == expected


def test_the_golden_shards_are_written_the_same_today() -> None:
    import tarfile

    golden = Path(__file__).parents[2] / "golden"
    for shard in sorted(golden.rglob("*.tar")):
        whole = b""
        with tarfile.open(shard) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                key, _, ending = member.name.partition(".")
                whole += sample_bytes(key, [ending], [file.read()])
        assert whole + tar_end(len(whole)) == shard.read_bytes()
