"""What keeps a fit from starting."""

from __future__ import annotations

import pytest

from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.driver import compile_model
from qemppl.numerics.lazy import torch

TEXT = "data { real y; } model { real mu ~ normal(0, 1); y ~ normal(mu, 1); }"


def test_a_model_without_latents_has_nothing_to_fit() -> None:
    with pytest.raises(DiagnosticsError, match="QEM502") as caught:
        compile_model(text="data { real y; } model { y ~ normal(0, 1); }").fit({"y": 1.0})
    assert caught.value.stage is Stage.MODEL


def test_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DiagnosticsError, match="QEM503") as caught:
        compile_model(text=TEXT).fit({"y": 1.0}, device="cuda")
    assert caught.value.stage is Stage.RESOURCE
