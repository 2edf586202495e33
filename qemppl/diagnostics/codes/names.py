"""What the codes QEM2xx mean: names and what they stand for."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

NAMES: dict[str, Entry] = {
    "QEM201": Entry("name not declared", "A name is declared in `data`, or in `model` with its law or value."),
    "QEM202": Entry(
        "use before declaration",
        "Statements are read from top to bottom: a name is declared before it is used.",
    ),
    "QEM203": Entry(
        "name declared twice",
        "Names are global: one name means one thing, in all plates. This rules out shadowing too.",
    ),
    "QEM204": Entry(
        "second assignment",
        "A deterministic name gets its value once, where it is declared; a latent gets its value from its law.",
    ),
    "QEM205": Entry("assignment to data", "Data come from the data file. Give the new value a name of its own."),
    "QEM206": Entry(
        "law for an undeclared name",
        "An untyped `~` observes data, so its name is in `data`. A latent has a type: `real mu ~ ...`.",
    ),
    "QEM207": Entry("two laws for one name", "Each latent and each observed name has one `~`."),
    "QEM208": Entry(
        "data declared as a latent", "A typed `~` declares a latent. Observe data without a type: `y ~ ...`."
    ),
    "QEM209": Entry("latent without a law", "A latent gets its law where it is declared: `real mu ~ normal(0, 1);`."),
    "QEM210": Entry("name never used", "Nothing depends on this name, so the data do not inform it."),
    "QEM211": Entry("data never used", "The name must be supplied by the data file, but the model does not use it."),
    "QEM212": Entry("unknown law", "No law of this name exists. Laws have the names, arguments and order of Stan."),
    "QEM213": Entry("unknown function", "No function of this name exists."),
    "QEM214": Entry("plate used as a value", "A plate is a set of members, not a number."),
    "QEM215": Entry(
        "law for a name that is not data",
        "Only data are observed. Plates, dims and deterministic names have no law.",
    ),
    "QEM216": Entry(
        "foreign statement in `joint`",
        "A `joint` block holds latents, whose particles share one index, and deterministic names.",
    ),
    "QEM217": Entry(
        "name of a later block",
        "`data` and `transformed data` know nothing of the latents: what depends on them is computed in `model` or in "
        "`generated quantities`.",
    ),
    "QEM218": Entry(
        "value that may be missing",
        "Data declared `missing` are observed, and rows without a value are skipped. In an expression a value is needed.",
    ),
    "QEM219": Entry(
        "law in `transformed data`",
        "`transformed data` computes names with `=`. Latents and observations stand in `model`.",
    ),
    "QEM220": Entry("name without a value", "A computed name gets its value where it is declared: `real z = log(y);`."),
    "QEM230": Entry(
        "law of another notation",
        "The laws have Stan's names, in small letters. Those of R, BUGS and PyMC, and some of Stan, are written with other laws "
        "or other arguments.",
    ),
    "QEM231": Entry(
        "unknown name of an argument",
        "Arguments are given by place, or by the name that the signature shows: `normal(mu=0, sigma=2)`.",
    ),
    "QEM232": Entry("argument given twice", "An argument is given once, by its place or by its name."),
    "QEM233": Entry(
        "argument without a name behind one with a name",
        "Arguments given by place stand in front of those given by name.",
    ),
    "QEM234": Entry(
        "observation among generated quantities",
        "In `generated quantities`, `~` draws: `real y_rep ~ normal(mu, 1);` makes a new name. Data are observed in `model`.",
    ),
    "QEM235": Entry(
        "`joint` among generated quantities",
        "A `joint` block says that latents share their particles; generated quantities have none.",
    ),
    "QEM236": Entry(
        "part of a latent among generated quantities",
        "`sampled`, `init` and `approx` say how a latent is fitted. A draw is only drawn.",
    ),
    "QEM237": Entry(
        "draw from a law that has none",
        "A law whose density does not integrate to 1 has no draws, and a multinomial law says nothing of how many counts there are.",
    ),
    "QEM238": Entry(
        "name that depends on itself",
        "A value can be neither an argument of its own law nor a part of its own definition. In a chain, "
        "`prev(x)` is its value at the step before.",
    ),
    "QEM239": Entry(
        "model that depends on a generated quantity",
        "`generated quantities` is computed after the fit, from draws of the posterior.",
    ),
}
