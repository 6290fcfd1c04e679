from __future__ import annotations

import pytest
import torch
from torch import nn

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.processor import choose_processor, move_net, out_of_memory_remedy

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@pytest.mark.parametrize("amp", ["auto", "off"])
def test_a_cpu_computes_in_float32_unless_told_otherwise(amp: str) -> None:
    processor = choose_processor("cpu", amp)
    with processor.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.float32
    assert processor.precision == "float32"


def test_amp_turns_the_precision_of_products_down() -> None:
    processor = choose_processor("cpu", "bf16")
    with processor.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.bfloat16
    assert processor.precision == "bf16"
    # unlike fp16's, its range is float32's
    assert not processor.needs_scaler


def test_fp16_is_refused_on_a_cpu() -> None:
    with pytest.raises(UsageError, match="--amp fp16 needs a GPU; on a CPU use --amp bf16 or off"):
        choose_processor("cpu", "fp16")


@without_gpu
def test_asking_for_a_gpu_that_is_not_there_says_what_to_use() -> None:
    with pytest.raises(UsageError, match="torch sees no GPU; use --device cpu or auto"):
        choose_processor("cuda", "auto")


@without_gpu
def test_auto_takes_the_cpu_where_there_is_no_gpu() -> None:
    assert choose_processor("auto", "auto").device == torch.device("cpu")


def test_a_moved_net_has_its_kernels_laid_out_as_frames_are_and_keeps_their_values() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    before = [value.detach().clone() for value in net.parameters()]
    assert move_net(net, choose_processor("cpu", "off")) is net
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)
    for old, new in zip(before, net.parameters(), strict=True):
        assert torch.equal(old, new)


def test_memory_that_ran_out_becomes_an_error_that_says_what_helps() -> None:
    with (
        pytest.raises(LrcnError, match="out of memory with --batch-size 7; use a smaller"),
        out_of_memory_remedy(7),
    ):
        torch.empty(2**62, dtype=torch.uint8)


def test_other_errors_of_torch_are_left_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), out_of_memory_remedy(7):
        torch.ones(2, 3) @ torch.ones(2, 3)
