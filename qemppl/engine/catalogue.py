"""The codes of the inference engine. QEM80x: densities that cannot be. QEM9xx: what a fit says about itself."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM801": Entry(
        "density is not a number",
        "A log density is NaN or infinite at values of the latents that the fit tried: an argument left its range,"
        " or a function overflowed.",
    ),
    "QEM802": Entry(
        "probability 0 at all values tried",
        "No particle explains the observation, or a latent lies outside of its law everywhere. The data contradict"
        " the model, or the prior is far from them.",
    ),
    "QEM803": Entry(
        "no combination of particles has a weight",
        "Every statement has a density somewhere, but none of the combinations tried has one in all statements at "
        "once.",
    ),
    "QEM804": Entry(
        "simulated value is not finite",
        "Data are simulated by drawing latents from their priors, and outcomes given them. Very wide priors lead to values that no "
        "computer can hold.",
    ),
    "QEM901": Entry(
        "trust region never opened",
        "Weights are tempered while the fitted posterior is far from the true one, and carry their full power at "
        "the end of a good fit.",
    ),
    "QEM902": Entry(
        "evidence still moving",
        "The fit stopped at the largest number of iterations, before its evidence had settled.",
    ),
    "QEM903": Entry(
        "replicates cannot be weighed",
        "Independent estimates of the evidence differ so much that the largest would decide alone, so all were "
        "given the same weight; the result may be biased.",
    ),
    "QEM904": Entry(
        "mean noisier than asked for",
        "The Monte Carlo error of a mean exceeds the tolerance, which is stated in posterior standard deviations.",
    ),
    "QEM905": Entry(
        "heavy tail of importance weights",
        "k-hat is the Pareto shape of the largest weights (Vehtari et al., 2024). Above its limit a few particles "
        "decide, and averages over them are unreliable.",
    ),
    "QEM906": Entry(
        "improper prior",
        "A law without a finite integral, such as `flat()`, leaves the evidence undefined; the posterior may be "
        "proper.",
    ),
    "QEM907": Entry(
        "starts disagree",
        "A fit from several starts (`--starts`) ended at different posteriors: there are several modes, the labels of a"
        " mixture are interchangeable, or a start has not arrived. The one with the largest evidence is reported.",
    ),
    "QEM908": Entry(
        "tail beyond all particles",
        "The density of a latent falls so slowly at its outermost particles that much of its variance lies beyond them, or"
        " that it has none. Monte Carlo errors do not see that.",
    ),
    "QEM909": Entry(
        "particles too far apart",
        "Where a scale of a plate is near 0, the law of its members given the global latents is narrower than their particles are apart, so"
        " small scales lose weight, in every replicate alike. In a chain it is the law of a state given the next one, where states hardly"
        " change from step to step. Groups get more particles by themselves as far as time allows.",
    ),
    "QEM951": Entry(
        "few effective particles",
        "Most particles of a group have weights near 0: the fitted family is far from the posterior.",
    ),
    "QEM952": Entry(
        "mean is not finite",
        "The mean of a name of the model overflows, or is undefined on part of the posterior.",
    ),
}
