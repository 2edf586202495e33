"""The codes of fits that cannot start, QEM50x: those of the compiler, and of the driver above it. QEM52x: calibrations."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM501": Entry(
        "not enough memory",
        "The largest table of an iteration has one number for each combination of the particles that meet in it, "
        "for each member of its plate. Fewer particles make it smaller.",
    ),
    "QEM502": Entry(
        "nothing to fit",
        "A model without latents has no posterior.",
    ),
    "QEM503": Entry(
        "no CUDA device",
        "torch finds no graphics card, or was built without support for it.",
    ),
    "QEM504": Entry(
        "plate without members",
        "A fit needs at least one member of every plate. `check` accepts such data, for the model itself is sound.",
    ),
    "QEM505": Entry(
        "no room for the draws",
        "Joint draws of every latent are kept until the fit is done. The means and standard deviations need few of them.",
    ),
    "QEM506": Entry(
        "too many values to sum over",
        "A discrete latent is summed over exactly, each of its values a particle. Many values cost as many particles.",
    ),
    "QEM507": Entry(
        "not computed yet",
        "The statement belongs to the language, and is checked, but this version has no computation for it.",
    ),
    "QEM508": Entry(
        "latent without a choice",
        "A simplex of one component is always 1, and a vector without components has no value: there is nothing to infer.",
    ),
    "QEM509": Entry(
        "iteration too costly",
        "The cost of an iteration is the product of the numbers of particles of all latents that meet in one density. Latents in one "
        "vector or `joint` block share their particles, and so cost no more than one of them.",
    ),
    "QEM510": Entry(
        "method that cannot fit the model",
        "`vi` follows derivatives, which discrete latents have not; `is` weighs joint draws, and cannot sum over values. `qem` can.",
    ),
    "QEM521": Entry(
        "prior that cannot be drawn from",
        "Calibration draws latents from their priors, and an improper law such as `flat()` has no draws.",
    ),
    "QEM522": Entry(
        "nothing to calibrate",
        "Calibration fits the model to outcomes drawn from it, so it needs an observation, `y ~ ...` of a name in `data`.",
    ),
    "QEM523": Entry(
        "outcome that cannot be drawn",
        "Calibration replaces every outcome by draws from its law. Where an outcome is censored, the data do not say how the others would "
        "have been; a multinomial law does not say how many counts there are; and an outcome that another statement reads would change "
        "the model with it.",
    ),
}
