"""What the codes from QEM470 on mean: warnings that are given where asked for."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

PEDANTIC: dict[str, Entry] = {
    "QEM470": Entry(
        "very wide prior",
        "A prior much wider than any plausible value puts nearly all particles where the likelihood is 0, and the evidence "
        "depends on its width.",
    ),
    "QEM471": Entry(
        "vague prior by tiny shape",
        "gamma and inverse-gamma laws with tiny shapes are far from uninformative, above all for the scale of a hierarchy.",
    ),
    "QEM472": Entry(
        "flat prior in a logistic model",
        "Where a covariate separates the outcomes, the likelihood grows without end, and a flat prior does not hold it.",
    ),
    "QEM473": Entry(
        "improper prior",
        "The evidence of a model with an improper prior is not defined, so such models cannot be compared.",
    ),
    "QEM474": Entry(
        "uniform prior on a scale",
        "The hard upper end of a uniform law cuts the posterior of a scale off, and its density does not fall towards large scales.",
    ),
    "QEM475": Entry(
        "truncation with latent arguments",
        "A truncated law is divided by the probability of its interval. Where its arguments are latent this changes the "
        "posterior; Stan leaves it out unless `T[ , ]` is written.",
    ),
    "QEM476": Entry(
        "order of components with laws of their own",
        "Where all components have one law, an ordered vector has K! times its density. With laws of their own the factor "
        "depends on the arguments, and is left out.",
    ),
    "QEM477": Entry(
        "sampled, though it could be enumerated",
        "A discrete latent with few values is summed over exactly unless it is declared `sampled`.",
    ),
    "QEM478": Entry(
        "latent that no observation depends on",
        "The data inform a latent through the laws of observations, directly or by way of other names.",
    ),
    "QEM479": Entry("division of whole numbers", "`/` is real division, so `1 / 2` is 0.5; in Stan it is 0."),
    "QEM480": Entry("power of a negative number", "A negative number to a power that is not whole is not a number."),
}
