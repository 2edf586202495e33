"""What the codes QEM401 to QEM469 mean: types, supports, laws and posterior families."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

TYPES: dict[str, Entry] = {
    "QEM401": Entry("wrong number of arguments", "The note shows the signature."),
    "QEM402": Entry(
        "shapes that do not fit",
        "A scalar stands with anything; two vectors have the same size; a scalar takes no vector.",
    ),
    "QEM403": Entry(
        "argument outside of its support",
        "The declared range of the argument has values that the law does not allow, such as a negative scale. "
        "Declare the bounds, or map the value: `exp(x)` is positive.",
    ),
    "QEM404": Entry(
        "probability outside [0, 1]",
        "A probability is declared with `<lower=0, upper=1>`, or given on the logit scale to a `_logit` law.",
    ),
    "QEM405": Entry("law and declaration do not overlap", "The law has no values where the declaration allows some."),
    "QEM406": Entry("empty bounds", "The lower bound is below the upper bound."),
    "QEM407": Entry(
        "int outcome, continuous law",
        "A continuous law gives probability 0 to whole numbers. Declare the data real, or take a law of counts.",
    ),
    "QEM408": Entry("real outcome, discrete law", "A discrete law has whole numbers as values. Declare the data int."),
    "QEM409": Entry("index that is no int", "An index is a single int: a number, or an int column of the data."),
    "QEM410": Entry("index out of range", "Components are counted from 1 to the size of the vector."),
    "QEM411": Entry("index on a scalar", "Only vectors have components, and they take one index."),
    "QEM412": Entry("unknown posterior family", "After `approx` stands the name of a posterior family."),
    "QEM413": Entry(
        "posterior family that does not fit",
        "The family serves values of another support or shape than the latent's.",
    ),
    "QEM414": Entry("bound that depends on a latent", "Bounds depend on data and constants only."),
    "QEM415": Entry("bad bound", "Bounds are `<lower=a>`, `<upper=b>` or `<lower=a, upper=b>`, with single numbers."),
    "QEM416": Entry("bad size", "A size is a whole number of at least 1, a dim, or a single int of the data."),
    "QEM418": Entry(
        "argument that must be known",
        "Some arguments, such as the `n` of a binomial, depend on data and constants only.",
    ),
    "QEM419": Entry("real value for an int", "A name declared int takes int values."),
    "QEM420": Entry(
        "declared wider than the law",
        "Declaring the bounds that the law implies lets the posterior family fit them.",
    ),
    "QEM421": Entry(
        "product of vectors",
        "`a .* b` multiplies by element, `dot_product(a, b)` or `a' * b` sums the products; `./` divides by element.",
    ),
    "QEM422": Entry("number too large", "The number exceeds the largest double, about 1.8e308."),
    "QEM423": Entry(
        "law that cannot be truncated",
        "Truncation to bounds is normalised by the cdf of the law, which this one lacks.",
    ),
    "QEM424": Entry(
        "bounds on a deterministic name", "A deterministic name takes the values that its definition gives."
    ),
    "QEM425": Entry("`missing` where it cannot stand", "Numbers and vectors that are observed may be missing."),
    "QEM426": Entry(
        "bounds on a form",
        "A simplex, an ordered vector and a Cholesky factor have a range of their own.",
    ),
    "QEM427": Entry(
        "type of another place",
        "Matrices are data; latents are numbers, vectors, and Cholesky factors of correlation matrices.",
    ),
    "QEM428": Entry(
        "value that may not have the declared form",
        "A deterministic name is declared a simplex or ordered only where its value is known to be: `softmax(v)` is a simplex.",
    ),
    "QEM440": Entry(
        "argument of another form",
        "Some arguments have components that fit together: probabilities sum to 1, cutpoints increase, a covariance is positive "
        "definite. Declare the form, or map the value: `softmax(v)` is a simplex.",
    ),
    "QEM441": Entry(
        "form of the law not declared",
        "A dirichlet gives a simplex, and `lkj_corr_cholesky` a Cholesky factor: the declaration says so.",
    ),
    "QEM442": Entry(
        "law that does not give the declared form",
        "A simplex has a dirichlet law, and a Cholesky factor `lkj_corr_cholesky`. An ordered vector has a law of numbers, "
        "restricted to increasing components.",
    ),
    "QEM443": Entry(
        "unbounded discrete latent",
        "A discrete latent is summed over, which needs finitely many values: bound it on both sides, or declare it `sampled`.",
    ),
    "QEM444": Entry(
        "discrete latent with too many values",
        "A discrete latent is summed over. Give it closer bounds, or declare it `sampled`.",
    ),
    "QEM445": Entry(
        "`sampled` on a real latent",
        "`sampled` exempts a discrete latent from being summed over. Real latents are always sampled.",
    ),
    "QEM446": Entry(
        "enumerated latent in `joint`",
        "The latents of a `joint` block share their particles, and an enumerated latent has none.",
    ),
    "QEM447": Entry("family of an enumerated latent", "The posterior of an enumerated latent is computed exactly."),
    "QEM448": Entry(
        "enumerated latent with components",
        "An enumerated latent is one number. Several of them are members of a plate.",
    ),
    "QEM449": Entry(
        "`T[ , ]` on a latent",
        "A latent is truncated by the bounds of its declaration: `real<lower=0> mu ~ normal(0, 1);`.",
    ),
    "QEM450": Entry("censored latent", "Censoring says what is known of an observed value."),
    "QEM452": Entry("`T[ , ]` without bounds", "A truncation has a lower bound, an upper bound, or both."),
    "QEM453": Entry(
        "flag of a censored observation",
        "The flag is data, 0 or 1: 1 where only a bound of the outcome is known. It is declared `int<lower=0, upper=1>`.",
    ),
    "QEM454": Entry(
        "law that cannot be censored",
        "What is known of a censored value has the probability that the cdf of its law gives, which this one lacks.",
    ),
    "QEM455": Entry(
        "number of categories and declaration differ by name",
        "The declaration and the law count the values of a discrete latent by sizes of two names, which may differ.",
    ),
    "QEM456": Entry(
        "latent on a circle",
        "The density of a law on the circle repeats itself along the line: a latent has bounds a whole turn apart.",
    ),
    "QEM457": Entry(
        "latent without a total",
        "A multinomial law says nothing of how many counts there are: observed counts tell, and those of a latent do not.",
    ),
}
