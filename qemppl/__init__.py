"""qemppl: hierarchical Bayesian models in text, fitted by massively parallel importance weighting and QEM.

model = qemppl.compile_model("model.qem")
fit = model.fit("data.json", seed=1)
print(fit.summary())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from qemppl.version import __version__

if TYPE_CHECKING:
    from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError
    from qemppl.driver import Model, Progress, Settings, compile_model
    from qemppl.result.calibration import Calibration
    from qemppl.result.file import load
    from qemppl.result.fit import FitResult
    from qemppl.result.predictions import Predictions

__all__ = [
    "Calibration",
    "Diagnostic",
    "DiagnosticsError",
    "FitResult",
    "Model",
    "Predictions",
    "Progress",
    "Settings",
    "__version__",
    "compile_model",
    "load",
]

_HOMES = {
    "Calibration": "qemppl.result.calibration",
    "Diagnostic": "qemppl.diagnostics.diagnostic",
    "DiagnosticsError": "qemppl.diagnostics.diagnostic",
    "FitResult": "qemppl.result.fit",
    "Model": "qemppl.driver",
    "Predictions": "qemppl.result.predictions",
    "Progress": "qemppl.driver",
    "Settings": "qemppl.driver",
    "compile_model": "qemppl.driver",
    "load": "qemppl.result.file",
}
"""Imported at their first use: `qemppl --help` imports this package too, and need not pay for the engine."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qemppl' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
