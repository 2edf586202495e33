"""What simulation-based calibration found: ranks of true values among the draws of their fits, and whether they are uniform.

Talts, Betancourt, Simpson, Vehtari, Gelman 2018, "Validating Bayesian Inference Algorithms with Simulation-Based Calibration";
Modrák et al. 2023, "Simulation-Based Calibration Checking for Bayesian Computation: The Choice of Test Quantities Shapes Sensitivity".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.numerics.rank_law import Counts, RankLaw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNIFORM_SD = 12**-0.5
"""Of a uniform law on (0, 1)."""


@dataclass(frozen=True)
class Quantity:
    """A number whose rank is taken: an element of a name of the model, or a function of all of them. variable: what it belongs to."""

    variable: str
    name: str


@dataclass(frozen=True)
class Simulation:
    """A data set drawn from the model, and its fit. number: from 1. ranks: (quantity,) how many draws lie below the true value; empty where
    the fit failed. codes: of the fit's warnings, or of the errors that stopped it."""

    number: int
    quantities: tuple[Quantity, ...]
    ranks: Counts
    codes: tuple[str, ...]
    failed: bool = False


@dataclass(frozen=True)
class CalibrationRow:
    """The ranks of one quantity, as shares of the draws. mean, sd: 0.5 and 0.289 if they are uniform. ecdf: the largest difference of their
    distribution function from that of uniform ranks. p: the chance of ranks that stray so far or further. alpha: the least p for which
    the band holds."""

    variable: str
    name: str
    mean: float
    sd: float
    ecdf: float
    p: float
    alpha: float

    @property
    def holds(self) -> bool:
        """Whether the ranks stay in their band."""
        return self.p > self.alpha


@dataclass(frozen=True)
class CalibrationSummary:
    """A row for each quantity, in the order of the model. Printed, it is a table."""

    rows: tuple[CalibrationRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[CalibrationRow]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> CalibrationRow:
        """The row of one quantity, such as `theta[Choate]` or `log likelihood`."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"{name!r} is not a row of this calibration")

    def __str__(self) -> str:
        from qemppl.result.calibration_text import table_text  # noqa: PLC0415 - rendering stands on the summary

        return table_text(self)


@dataclass(frozen=True)
class Calibration:
    """Simulations of one model. draws: of each fit, among which true values are ranked. level: the chance that all bands hold if the fits
    are right. seed: of the simulations, each of which has its own derived from it. seconds: that they took.

    The level is corrected for the number of quantities (Bonferroni, which holds however they depend on each other): 1 - level is shared
    equally by the names of the model, and each share by the elements of the name.
    """

    simulations: tuple[Simulation, ...]
    draws: int
    level: float
    seed: int
    seconds: float

    @property
    def succeeded(self) -> tuple[Simulation, ...]:
        return tuple(simulation for simulation in self.simulations if not simulation.failed)

    @property
    def failed(self) -> tuple[Simulation, ...]:
        return tuple(simulation for simulation in self.simulations if simulation.failed)

    @property
    def warned(self) -> tuple[Simulation, ...]:
        """Those whose fit warned."""
        return tuple(simulation for simulation in self.succeeded if simulation.codes)

    def unwarned(self) -> Calibration:
        """The same without the fits that warned. A fit warns by what it finds in the data, not by the true values given the data, so that
        the ranks of the others are uniform too if their fits are right."""
        return replace(self, simulations=tuple(s for s in self.simulations if s.failed or not s.codes))

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return next((simulation.quantities for simulation in self.succeeded), ())

    @property
    def ranks(self) -> NDArray[np.int64]:
        """(simulation, quantity), of the fits that succeeded."""
        return np.array([s.ranks for s in self.succeeded], np.int64).reshape(len(self.succeeded), len(self.quantities))

    @cached_property
    def law(self) -> RankLaw:
        """Of the ranks of one quantity if the fits are right."""
        return RankLaw(len(self.succeeded), self.draws)

    def summary(self) -> CalibrationSummary:
        """Of every quantity how far its ranks stray, and whether its band holds; printed, it is a table."""
        return self._summary

    @cached_property
    def _summary(self) -> CalibrationSummary:
        members = Counter(quantity.variable for quantity in self.quantities)
        columns = zip(self.quantities, self.ranks.T, strict=True)
        share = (1 - self.level) / max(len(members), 1)
        return CalibrationSummary(tuple(self._row(q, ranks, share / members[q.variable]) for q, ranks in columns))

    def _row(self, quantity: Quantity, ranks: Counts, alpha: float) -> CalibrationRow:
        law = self.law
        u = (ranks + 0.5) / (self.draws + 1)
        difference = ecdf_difference(law, ranks)
        return CalibrationRow(
            variable=quantity.variable,
            name=quantity.name,
            mean=float(u.mean()),
            sd=float(u.std()),
            ecdf=float(difference[np.abs(difference).argmax()]),
            p=law.p_value(law.extreme(ranks)),
            alpha=alpha,
        )

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The names whose bands are broken, and fits that failed."""
        broken = groupby((row for row in self.summary() if not row.holds), key=lambda row: row.variable)
        found = [_not_uniform(list(rows), len(self.succeeded)) for _, rows in broken]
        return tuple(found + ([_failures(self)] if self.failed else []))

    def plot(self, path: str | Path | None = None) -> Figure:
        """The ECDF differences of all quantities with their bands, a panel for each name; saved where a path is given (.png, .svg, .pdf).

        Raises DiagnosticsError (USAGE) where matplotlib is not installed.
        """
        from qemppl.result.calibration_plot import draw  # noqa: PLC0415 - the picture stands on the summary

        return draw(self, path)


def ecdf_difference(law: RankLaw, ranks: Counts) -> NDArray[np.float64]:
    """(point,) the share of ranks less than 1..draws, minus that expected."""
    return law.below(ranks) / law.simulations - np.arange(1, law.draws + 1) / (law.draws + 1)


def _not_uniform(rows: list[CalibrationRow], simulations: int) -> Diagnostic:
    worst = min(rows, key=lambda row: row.p)
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return Diagnostic(
        code="QEM961",
        severity=Severity.WARNING,
        message=f"`{worst.name}`{more} is not calibrated: ranks so far from uniform come by chance with p {_chance(worst.p)}, "
        f"and {worst.alpha:.2g} breaks the band",
        notes=(_in_words(worst, simulations),),
        hint="see whether the fits that did not warn are calibrated (--unwarned); then use more --particles or another parameterisation",
    )


def _chance(p: float) -> str:
    return f"{p:.2g}" if p > LEAST_P else f"below {LEAST_P:g}"


LEAST_P = 1e-10
"""Smaller p-values are rounding."""


def _in_words(row: CalibrationRow, simulations: int) -> str:
    """Whether the mean or the variance of the ranks is further from that of uniform ones, in standard errors: of u uniform, u has the
    variance 1/12, and (u - 1/2)^2 has 1/180."""
    shift = (row.mean - 0.5) / (UNIFORM_SD / simulations**0.5)
    spread = (row.sd**2 - 1 / 12) / (180 * simulations) ** -0.5
    if abs(shift) >= abs(spread):
        return f"true values lie {'above' if shift > 0 else 'below'} the draws too often: mean rank {row.mean:.3f}, and 0.5 is right"
    what = (
        "in the tails of the draws too often: the posterior is too narrow"
        if spread > 0
        else ("in the middle of the draws too often: the posterior is too wide")
    )
    return f"true values lie {what}; sd of ranks {row.sd:.3f}, and {UNIFORM_SD:.3f} is right"


def codes_in_words(simulations: Iterable[Simulation]) -> str:
    """Which codes their fits had, and how many of them."""
    codes = Counter(code for simulation in simulations for code in simulation.codes)
    return ", ".join(f"{code} in {count}" for code, count in sorted(codes.items()))


def _failures(calibration: Calibration) -> Diagnostic:
    failed, total = calibration.failed, len(calibration.simulations)
    named = codes_in_words(failed)
    return Diagnostic(
        code="QEM962",
        severity=Severity.WARNING,
        message=f"{len(failed)} of {total} simulated data sets could not be fitted ({named}): the ranks are those of the others",
        notes=(f"the first is simulation {failed[0].number}",),
        hint="tighter priors lead to data that can be fitted; `qemppl check --explain CODE` says what went wrong",
    )
