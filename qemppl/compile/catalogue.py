"""The codes of fits that cannot start, QEM50x: those of the compiler, and of the driver above it."""

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
}
