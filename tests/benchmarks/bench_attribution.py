"""Attribution beside the loop that the paper describes, captum and tangermeme."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import torch
from timing import side_by_side
from torch import Tensor, nn

from tfbs_hub.attribution.fast import fast_shiftsmooth
from tfbs_hub.attribution.gradients import saliency
from tfbs_hub.attribution.mutagenesis import mutagenesis
from tfbs_hub.attribution.shared import shared_shiftsmooth
from tfbs_hub.attribution.shiftsmooth import shiftsmooth_batched
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.model import Gate, MixtureOfExperts
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sources.jaspar import background

SHIFTS = 10
ROWS = 256
FEW = 8


def inputs() -> Tensor:
    return one_hot(torch.from_numpy(background(ROWS, 101, np.random.default_rng(0))))


def models() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    experts = [DeepBind.from_config({}) for _ in range(3)]
    return {
        "deepbind": experts[0].eval(),
        "moe of 3 deepbind": MixtureOfExperts(experts, Gate([32] * 3)),
        "residual": Residual.from_config({}).eval(),
    }


def one_by_one(model: nn.Module, x: Tensor) -> Tensor:
    """ShiftSmooth as Tripathi et al. 2024 describe it: one backward pass a shift and sequence (equations 14 to 16)."""
    rows = []
    for row in x:
        total = torch.zeros_like(row)
        for n in range(-SHIFTS, SHIFTS + 1):
            shifted = torch.roll(row[None], n, dims=2).requires_grad_()
            model.zero_grad()
            model(shifted).sum().backward()
            total += torch.roll(shifted.grad[0], -n, dims=1)
        rows.append(total / (2 * SHIFTS + 1))
    return torch.stack(rows)


def bench_shiftsmooth() -> list[dict]:
    x, rows = inputs(), []
    note = f"N = {SHIFTS}, {ROWS} x 101 bp, one thread; baseline on {FEW} sequences, scaled"
    for name, model in models().items():
        expected = one_by_one(model, x[:FEW])
        for kind, apply in (("batched", batched), ("detectors shared", shared), ("closed form", closed_form)):
            found = apply(model, x)
            if found is None:
                continue
            error = float((found[:FEW] - expected).abs().max())
            if error > 1e-5:
                raise SystemExit(f"{name}: {kind} and loop differ by {error}")
            rows.append(
                side_by_side(
                    f"shiftsmooth, {name} / loop: {kind}",
                    lambda model=model: one_by_one(model, x[:FEW]),
                    lambda model=model, apply=apply: apply(model, x),
                    scale=ROWS / FEW,
                    repeats=5,
                    note=f"{note}; largest difference {error:.0e}",
                )
            )
    return rows


def batched(model: nn.Module, x: Tensor) -> Tensor:
    return shiftsmooth_batched(model, x, shifts=SHIFTS)


def shared(model: nn.Module, x: Tensor) -> Tensor | None:
    return shared_shiftsmooth(model, x, SHIFTS)


def closed_form(model: nn.Module, x: Tensor) -> Tensor | None:
    return fast_shiftsmooth(model, x, SHIFTS)


def bench_repeats() -> list[dict]:
    """The closed form's worst case: every sequence ties at every shift, and is differentiated automatically."""
    model = models()["deepbind"]
    # Without negative weights nothing that hangs over an end is stronger than what lies inside.
    model.detect.weight.detach().abs_()
    codes = np.zeros((ROWS, 101), np.uint8)
    codes[1::2, ::2] = 1
    x = one_hot(torch.from_numpy(codes))
    return [
        side_by_side(
            "shiftsmooth of repeats, deepbind / batched",
            lambda: batched(model, x),
            lambda: closed_form(model, x),
            note="poly-A and CACA: the closed form saves nothing",
        )
    ]


def bench_gradient_against_captum() -> list[dict]:
    if importlib.util.find_spec("captum") is None:
        print("gradient / captum: left out, the package captum is not installed")
        return []
    from captum.attr import Saliency

    x = inputs()
    return [
        _checked(
            f"saliency, {name} / captum Saliency",
            lambda model=model: Saliency(model).attribute(x.clone().requires_grad_(), abs=True),
            lambda model=model: saliency(model, x),
            f"{ROWS} x 101 bp; captum in one batch",
        )
        for name, model in models().items()
    ]


def bench_mutagenesis_against_tangermeme() -> list[dict]:
    if importlib.util.find_spec("tangermeme") is None:
        print("mutagenesis / tangermeme: left out, the package tangermeme is not installed")
        return []
    from tangermeme.saturation_mutagenesis import saturation_mutagenesis

    x = inputs()[:32]

    class Column(nn.Module):
        """tangermeme expects a column of logits."""

        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Tensor) -> Tensor:
            return self.model(x)[:, None]

    def theirs(model: nn.Module) -> Tensor:
        _, scores = saturation_mutagenesis(Column(model), x, raw_outputs=True, device="cpu")
        return scores[..., 0] - scores[..., 0].mean(dim=1, keepdim=True)

    return [
        _checked(
            f"mutagenesis, {name} / tangermeme",
            lambda model=model: theirs(model),
            lambda model=model: mutagenesis(model, x),
            f"{len(x)} x 101 bp",
        )
        for name, model in models().items()
    ]


def _checked(name: str, theirs: Callable[[], Tensor], ours: Callable[[], Tensor], note: str) -> dict:
    difference = float((theirs() - ours()).abs().max())
    if difference > 1e-4:
        raise SystemExit(f"{name}: the two differ by {difference}")
    return side_by_side(name, theirs, ours, repeats=5, note=f"{note}; largest difference {difference:.0e}")
