"""The published experiments: models, what is fitted, what is held out, and the methods that are compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.performance.cases import HERE as PERFORMANCE
from benchmarks.performance.cases import ROOT, Data, Part, bus, occupancy, preferences
from qemppl.compile.layout import Target
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.data.bound import BoundModel
from qemppl.driver import compile_model
from qemppl.engine.methods import Method
from qemppl.numerics.lazy import torch

HERE = Path(__file__).parent
SITES, VISITS = 200, 5
HELD_OUT = 0.1
"""Of the houses of the radon model, and of the days of the epidemic."""
REGIONS = 20
MEMORY = 8 << 30


@dataclass(frozen=True)
class Experiment:
    """data: of a part. budget: seconds that every method gets. peer: the model's name in NumPyro."""

    name: str
    model: Path
    data: Callable[[Part], Data]
    budget: float
    peer: str

    def bind(self, part: Part) -> BoundModel:
        return compile_model(self.model).bind(self.data(part))[0]

    @property
    def truth(self) -> Path:
        return HERE / "truth" / f"{self.peer}.json"

    def reference(self) -> dict[str, Any]:
        """`mean` and `sd` by latent, nested lists: (member, *event)."""
        table: dict[str, Any] = json.loads(self.truth.read_text(encoding="utf-8"))
        return table


@dataclass(frozen=True)
class Setting:
    """A method as it is run. step: its constant step or learning rate. As published, every latent is a group of its own and has 30
    particles; else the planner chooses."""

    method: Method
    step: float | None = None
    grouping: Literal["published", "planned"] = "published"
    particles: int | None = 30

    @property
    def name(self) -> str:
        rate = "" if self.step is None else f" {self.step:g}"
        planned = ", our groups" if self.grouping == "planned" and self.method != "qem" else ""
        return f"{self.method}{rate}{planned}"

    def plan(self, bound: BoundModel) -> Plan:
        target = Target(torch.float64, "cpu", MEMORY, ALL_PASSES)
        return make_plan(bound, target, self.particles, separate=self.grouping == "published")


RATES = (0.1, 0.03, 0.01)
"""Learning rates of Adam; the best is reported. An iteration of `vi` with the published groups takes seconds here: it has one."""
QEM = Setting("qem", None, "planned", None)
PLAIN = Setting("plain")
SETTINGS = (
    QEM,
    PLAIN,
    Setting("plain", 0.1),
    *(Setting("rws", rate) for rate in RATES),
    Setting("vi", RATES[1]),
    *(Setting(method, rate, "planned", None) for method in ("rws", "vi") for rate in RATES),
)


def _occupancy(part: Part) -> Data:
    """The first visits to every site are fitted, as many later ones held out."""
    data = occupancy(SITES, 2 * VISITS)
    first = np.arange(len(data["seen"])) % (2 * VISITS) < VISITS
    rows = first if part == "train" else ~first
    return data | {name: data[name][rows] for name in ("site_of", "quality", "seen")}


def _radon(part: Part) -> Data:
    """A tenth of the houses are held out."""
    data: Data = json.loads((ROOT / "examples" / "radon" / "data.json").read_text(encoding="utf-8"))
    held_out = np.random.default_rng(7).random(len(data["log_radon"])) < HELD_OUT
    rows = np.flatnonzero(held_out if part == "test" else ~held_out)
    return {"county": data["county"]} | {name: [data[name][i] for i in rows] for name in ("county_name", "log_radon")}


def _epidemic(part: Part) -> Data:
    """REGIONS of the example, with a tenth of their days held out."""
    data: Data = json.loads((ROOT / "examples" / "epidemic" / "data.json").read_text(encoding="utf-8"))
    data = {name: data[name][:REGIONS] for name in ("x", "cases")}
    held_out = np.random.default_rng(8).random(np.shape(data["cases"])) < HELD_OUT
    hidden = held_out if part == "train" else ~held_out
    cases = [
        [None if gone else n for n, gone in zip(region, row, strict=True)]
        for region, row in zip(data["cases"], hidden, strict=True)
    ]
    return data | {"cases": cases}


MODELS = PERFORMANCE / "models"
EXPERIMENTS = (
    Experiment("bus breakdown", MODELS / "bus.qem", bus, 10, "bus"),
    Experiment("user preferences", MODELS / "preferences.qem", preferences, 10, "preferences"),
    Experiment("occupancy", MODELS / "occupancy.qem", _occupancy, 20, "occupancy"),
    Experiment("radon", HERE / "models" / "radon.qem", _radon, 5, "radon"),
    Experiment("epidemic", HERE / "models" / "epidemic.qem", _epidemic, 40, "epidemic"),
)
RESCALED = Experiment("bus breakdown, rescaled", HERE / "models" / "bus_rescaled.qem", bus, 10, "bus")
