"""Public benchmark posteriors: models in tests/reference/, data and published moments in the shared folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "tests" / "reference"
SHARED = ROOT.parent / "shared" / "data" / "posteriordb"

Moments = dict[str, dict[str, float]]
"""`mean` and `sd` by the name of a number, such as `beta[2]`."""


@dataclass(frozen=True)
class Posterior:
    """A model, `name`.qem, with a data file. published: its key among the published moments; else `name`.json has them."""

    name: str
    data_file: str
    published: str = ""

    def data(self) -> dict[str, Any]:
        """As they are in the file; without the column of ones of `diamonds`, which the published model drops."""
        values: dict[str, Any] = json.loads((SHARED / f"{self.data_file}.data.json").read_text(encoding="utf-8"))
        if self.name == "diamonds":
            values["X"] = [row[1:] for row in values["X"]]
            values["K"] -= 1
        return values

    def moments(self) -> Moments:
        """Those of a long run, from elsewhere or of NumPyro."""
        path = SHARED / "reference_moments.json" if self.published else MODELS / f"{self.name}.json"
        table = json.loads(path.read_text(encoding="utf-8"))
        found: Moments = table[self.published] if self.published else table
        return found


POSTERIORS = (
    Posterior("eight_schools", "eight_schools", "eight_schools-eight_schools_noncentered"),
    Posterior("kidscore_momhsiq", "kidiq", "kidiq-kidscore_momhsiq"),
    Posterior("logmesquite_logvash", "mesquite", "mesquite-logmesquite_logvash"),
    Posterior("logearn_interaction", "earnings", "earnings-logearn_interaction"),
    Posterior("low_dim_gauss_mix", "low_dim_gauss_mix", "low_dim_gauss_mix-low_dim_gauss_mix"),
    Posterior("hmm_example", "hmm_example", "hmm_example-hmm_example"),
    Posterior("diamonds", "diamonds", "diamonds-diamonds"),
    Posterior("nes", "nes1980", "nes1980-nes"),
    Posterior("glm_poisson", "GLM_Poisson_Data"),
    Posterior("m0", "M0_data"),
    Posterior("rate_3", "Rate_3_data"),
    Posterior("radon_hierarchical_intercept", "radon_mn"),
    Posterior("radon_variable_intercept_slope", "radon_mn"),
    Posterior("rats", "rats_data"),
    Posterior("seeds", "seeds_data"),
    Posterior("surgical", "surgical_data"),
    Posterior("wells_dae", "wells_data"),
)
