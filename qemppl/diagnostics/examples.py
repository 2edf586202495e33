"""What is wrong and what is right, by code of the language: the smallest text that shows it.

A test puts every text in its frame and has it checked: the wrong one gives the code, the right one no error.
"""

from __future__ import annotations

from dataclasses import dataclass

IN_MODEL = (
    "data { dim P; plate g; plate h in g by gi; vector[P] x[g]; real w[g]; real y[g]; int<lower=0> k[g]; real z[h]; }\n"
    "model {\n@\n}"
)
"""Where `@` stands for the text of an example."""
IN_DATA = "data {\n@\n}\nmodel { real mu ~ normal(0, 1); }"
WHOLE = "@"


@dataclass(frozen=True)
class Example:
    """A mistake and how it is mended. frame: the model around it, with `@` in its place."""

    wrong: str
    right: str
    frame: str = IN_MODEL


EXAMPLES: dict[str, Example] = {
    "QEM101": Example("real mu ~ normal(0, 1)", "real mu ~ normal(0, 1);"),
    "QEM102": Example(
        "model {\n  plate g { real a ~ normal(0, 1);\n}",
        "model {\n  plate g { real a ~ normal(0, 1); }\n}",
        "data { plate g; }\n@",
    ),
    "QEM103": Example("real mu ~ normal(0, 1));", "real mu ~ normal(0, 1);"),
    "QEM104": Example("real mu ~ normal(0 1);", "real mu ~ normal(0, 1);"),
    "QEM105": Example("for (i in 1:N) { y[i] ~ normal(0, 1); }", "plate g { y ~ normal(0, 1); }"),
    "QEM106": Example(
        "parameters { real mu; }\nmodel { mu ~ normal(0, 1); }", "model { real mu ~ normal(0, 1); }", WHOLE
    ),
    "QEM107": Example(
        "plate g { target += normal_lpdf(y | 0, 1); }",
        "plate g { y ~ normal(0, 1); }",
    ),
    "QEM108": Example("real a <- 1 + 2;", "real a = 1 + 2;"),
    "QEM109": Example("# the mean\nreal mu ~ normal(0, 1);", "// the mean\nreal mu ~ normal(0, 1);"),
    "QEM110": Example("real µ ~ normal(0, 1);", "real mu ~ normal(0, 1);"),
    "QEM111": Example("/* the mean\nreal mu ~ normal(0, 1);", "/* the mean */\nreal mu ~ normal(0, 1);"),
    "QEM113": Example("data { real y; }", "data { real y; }\nmodel { y ~ normal(0, 1); }", WHOLE),
    "QEM114": Example("real plate ~ normal(0, 1);", "real plate_mean ~ normal(0, 1);"),
    "QEM115": Example(
        "plate g { real inside = 0 < w < 1 ? 1 : 0; }", "plate g { real inside = 0 < w && w < 1 ? 1 : 0; }"
    ),
    "QEM117": Example("real mu ~ normal(0, exp(1);", "real mu ~ normal(0, exp(1));"),
    "QEM118": Example("real mu ~ normal(0, 1);", "model { real mu ~ normal(0, 1); }", WHOLE),
    "QEM120": Example(
        "model { y ~ normal(0, 1); }\ndata { real y; }", "data { real y; }\nmodel { y ~ normal(0, 1); }", WHOLE
    ),
    "QEM121": Example("plate g { log(y) ~ normal(0, 1); }", "plate g { y ~ normal(0, 1); }"),
    "QEM123": Example("real y ~ normal(0, 1);", "real y;", IN_DATA),
    "QEM125": Example("real 2nd ~ normal(0, 1);", "real second ~ normal(0, 1);"),
    "QEM126": Example("real a = 3**2;", "real a = 3^2;"),
    "QEM127": Example("row_vector[P] b ~ normal(0, 1);", "vector[P] b ~ normal(0, 1);"),
    "QEM128": Example("print(y);", "real mu ~ normal(0, 1);"),
    "QEM201": Example(
        "real mu ~ normal(0, 1);\nplate g { y ~ normal(my, 1); }",
        "real mu ~ normal(0, 1);\nplate g { y ~ normal(mu, 1); }",
    ),
    "QEM202": Example("real a = b + 1;\nreal b ~ normal(0, 1);", "real b ~ normal(0, 1);\nreal a = b + 1;"),
    "QEM203": Example(
        "real a ~ normal(0, 1);\nplate g { real a ~ normal(0, 1); }",
        "real mean_a ~ normal(0, 1);\nplate g { real a ~ normal(mean_a, 1); }",
    ),
    "QEM204": Example("real a = 1;\na = 2;", "real a = 1;\nreal b = 2;"),
    "QEM205": Example("plate g { y = y / 2; }", "plate g { real half = y / 2; }"),
    "QEM206": Example("mu ~ normal(0, 1);", "real mu ~ normal(0, 1);"),
    "QEM207": Example("plate g {\n  y ~ normal(0, 1);\n  y ~ cauchy(0, 1);\n}", "plate g { y ~ normal(0, 1); }"),
    "QEM208": Example("plate g { real y ~ normal(0, 1); }", "plate g { y ~ normal(0, 1); }"),
    "QEM209": Example("real mu;", "real mu ~ normal(0, 1);"),
    "QEM210": Example(
        "real mu ~ normal(0, 1);\nplate g { y ~ normal(0, 1); }",
        "real mu ~ normal(0, 1);\nplate g { y ~ normal(mu, 1); }",
    ),
    "QEM212": Example("real mu ~ norml(0, 1);", "real mu ~ normal(0, 1);"),
    "QEM213": Example("real a = sqr(2);", "real a = square(2);"),
    "QEM214": Example("real a = g + 1;", "plate g { real a = w + 1; }"),
    "QEM215": Example("real a = 1;\na ~ normal(0, 1);", "real a ~ normal(0, 1);"),
    "QEM216": Example(
        "joint { real a ~ normal(0, 1); plate g { y ~ normal(a, 1); } }",
        "joint { real a ~ normal(0, 1); }\nplate g { y ~ normal(a, 1); }",
    ),
    "QEM217": Example(
        "data { real y; }\ntransformed data { real z = y - mu; }\nmodel { real mu ~ normal(0, 1); y ~ normal(mu, 1); }",
        "data { real y; }\nmodel { real mu ~ normal(0, 1); y ~ normal(mu, 1); }\ngenerated quantities { real z = y - mu; }",
        WHOLE,
    ),
    "QEM218": Example(
        "data { plate g; missing real y[g]; }\nmodel { plate g { real z = exp(y); } }",
        "data { plate g; missing real y[g]; }\nmodel { plate g { y ~ normal(0, 1); } }",
        WHOLE,
    ),
    "QEM219": Example(
        "data { real y; }\ntransformed data { real z ~ normal(y, 1); }\nmodel { }",
        "data { real y; }\nmodel { real z ~ normal(y, 1); }",
        WHOLE,
    ),
    "QEM301": Example("plate group { y ~ normal(0, 1); }", "plate g { y ~ normal(0, 1); }"),
    "QEM302": Example("plate h { z ~ normal(0, 1); }", "plate g { plate h { z ~ normal(0, 1); } }"),
    "QEM303": Example("plate g { plate g { y ~ normal(0, 1); } }", "plate g { y ~ normal(0, 1); }"),
    "QEM305": Example(
        "plate g { real a ~ normal(0, 1); }\nreal b = a + 1;",
        "plate g {\n  real a ~ normal(0, 1);\n  real b = a + 1;\n}",
    ),
    "QEM306": Example(
        "plate pupil { real a ~ normal(0, 1); }\nplate teacher { real b = a + 1; }",
        "plate pupil {\n  real a ~ normal(0, 1);\n  real b = a + 1;\n}",
        "data { plate pupil[3]; plate teacher[2]; }\nmodel {\n@\n}",
    ),
    "QEM307": Example("y ~ normal(0, 1);", "plate g { y ~ normal(0, 1); }"),
    "QEM311": Example("real a[g] ~ normal(0, 1);", "plate g { real a ~ normal(0, 1); }"),
    "QEM312": Example("int N;\nreal v[N];", "plate row;\nreal v[row];", IN_DATA),
    "QEM313": Example("plate g { real a = 2 * w[g]; }", "plate g { real a = 2 * w; }"),
    "QEM314": Example(
        "data { plate g; real y[g]; }\ntransformed data { real a = exp(y over g); }\nmodel { }",
        "data { plate g; real y[g]; }\ntransformed data { real a = mean(y over g); }\nmodel { real b ~ normal(a, 1); }",
        WHOLE,
    ),
    "QEM315": Example(
        "data { plate g; real y[g]; }\nmodel { real m = mean(y over g); }",
        "data { plate g; real y[g]; }\ntransformed data { real m = mean(y over g); }\nmodel { real b ~ normal(m, 1); }",
        WHOLE,
    ),
    "QEM316": Example(
        "real a ~ normal(prev(a), 1) init normal(0, 1);",
        "chain t { real a ~ normal(prev(a), 1) init normal(0, 1); }",
        "data { chain t[9]; }\nmodel {\n@\n}",
    ),
    "QEM319": Example(
        "plate t { real a ~ normal(0, 1); }",
        "chain t { real a ~ normal(0, 1); }",
        "data { chain t[9]; }\nmodel {\n@\n}",
    ),
    "QEM401": Example("real mu ~ normal(0);", "real mu ~ normal(0, 1);"),
    "QEM402": Example(
        "vector[P] b ~ normal(0, 1);\nplate g { y ~ normal(b, 1); }",
        "vector[P] b ~ normal(0, 1);\nplate g { y ~ normal(dot_product(x, b), 1); }",
    ),
    "QEM403": Example(
        "real s ~ normal(0, 1);\nplate g { y ~ normal(0, s); }",
        "real<lower=0> s ~ normal(0, 1);\nplate g { y ~ normal(0, s); }",
    ),
    "QEM404": Example(
        "real a ~ normal(0, 1);\nplate g { k ~ bernoulli(a); }",
        "real a ~ normal(0, 1);\nplate g { k ~ bernoulli_logit(a); }",
    ),
    "QEM406": Example("real<lower=1, upper=0> a;", "real<lower=0, upper=1> a;", IN_DATA),
    "QEM407": Example("plate g { k ~ normal(2, 1); }", "plate g { k ~ poisson(2); }"),
    "QEM408": Example("plate g { y ~ poisson(2); }", "plate g { k ~ poisson(2); }"),
    "QEM409": Example("vector[2] b ~ normal(0, 1);\nreal c = b[1.5];", "vector[2] b ~ normal(0, 1);\nreal c = b[1];"),
    "QEM410": Example("vector[2] b ~ normal(0, 1);\nreal c = b[0];", "vector[2] b ~ normal(0, 1);\nreal c = b[1];"),
    "QEM411": Example("real b ~ normal(0, 1);\nreal c = b[1];", "real b ~ normal(0, 1);\nreal c = b;"),
    "QEM412": Example("real b ~ normal(0, 1) approx gaussian;", "real b ~ normal(0, 1) approx normal;"),
    "QEM413": Example("real b ~ normal(0, 1) approx gamma;", "real<lower=0> b ~ normal(0, 1) approx gamma;"),
    "QEM414": Example(
        "real a ~ normal(0, 1);\nreal<lower=a> b ~ normal(0, 1);",
        "real a ~ normal(0, 1);\nreal<lower=0> b ~ normal(0, 1);",
    ),
    "QEM416": Example("vector[0] v;", "vector[3] v;", IN_DATA),
    "QEM419": Example("int a = 1.5;", "real a = 1.5;"),
    "QEM421": Example(
        "vector[P] b ~ normal(0, 1);\nplate g { real a = x * b; }",
        "vector[P] b ~ normal(0, 1);\nplate g { real a = dot_product(x, b); }",
    ),
}
