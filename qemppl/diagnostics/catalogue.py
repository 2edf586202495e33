"""The codes of the language.

QEM1xx: syntax and reading. QEM2xx: names. QEM3xx: plates. QEM4xx: types, supports, laws and families.
"""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM101": Entry(
        "missing `;`", "Every statement ends in `;`. The place shown is the end of the unfinished statement."
    ),
    "QEM102": Entry(
        "`{` never closed", "The text ends, or the next block starts, before the block opened here is closed."
    ),
    "QEM103": Entry(
        "nothing to close",
        "A closing bracket or a `;` stands where nothing is open. Often an opening bracket is missing.",
    ),
    "QEM104": Entry("unexpected text", "The text cannot go on like this; the message says what could stand here."),
    "QEM105": Entry(
        "loops and branches",
        "There are no `for`, `while` and `if`. Repetition is a plate: the body is written once, and a bare name means this member's "
        "value. A choice between two values is `condition ? a : b`.",
    ),
    "QEM106": Entry(
        "blocks of Stan",
        "A model has a `data` and a `model` block. A latent is declared in `model`, in the statement that gives it its law; "
        "a deterministic name is declared in `model` with `=`.",
    ),
    "QEM107": Entry("`+=`", "A model states laws; it does not add to a log density. Write `y ~ normal(mu, sigma);`."),
    "QEM108": Entry("`<-`", "A deterministic name is defined with `=`: `real eta = a + b * x;`."),
    "QEM109": Entry("`#` comment", "Comments are `// ...` to the end of the line and `/* ... */`."),
    "QEM110": Entry(
        "unknown character",
        "Words and signs are ASCII. Letters of other alphabets may look the same, and are then named by their code point.",
    ),
    "QEM111": Entry(
        "comment never closed",
        "A comment that starts with `/*` ends with `*/`. Everything after this one was ignored.",
    ),
    "QEM112": Entry("empty model", "The text has no block. A model has at least a `model` block."),
    "QEM113": Entry("no `model` block", "Laws and latents stand in `model { ... }`, which every model needs."),
    "QEM114": Entry(
        "word of the language as a name", "Reserved words, those of later versions too, cannot name anything."
    ),
    "QEM115": Entry("chained comparison", "`a < b < c` compares a truth value with `c`. Write `a < b && b < c`."),
    "QEM116": Entry(
        "nested too deeply", "Brackets, signs and exponents nest at most 200 levels. A long sum does not nest."
    ),
    "QEM117": Entry("bracket never closed", "A `(` or `[` is still open at the end of the statement."),
    "QEM118": Entry(
        "text outside of every block",
        "Statements stand inside `data { ... }` or `model { ... }`. Perhaps a `}` comes too early.",
    ),
    "QEM119": Entry("not supported yet", "The form belongs to the language, but this version does not serve it."),
    "QEM120": Entry("order of the blocks", "Each block stands once, `data` before `model`."),
    "QEM121": Entry(
        "function on the left side",
        "The left side of `~` and `=` is a name. Transformed data need a name of their own.",
    ),
    "QEM122": Entry(
        "density as a function",
        "Densities such as `normal_lpdf(y | mu, sigma)` are not functions here: state the law with `~`.",
    ),
    "QEM123": Entry("law or value in `data`", "`data` declares what the data file supplies, and nothing else."),
    "QEM124": Entry(
        "slice", "An index picks one component. A column of the data as an index picks one for each member."
    ),
    "QEM125": Entry("name starts with a digit", "Names start with a letter or `_`."),
    "QEM130": Entry("NUL byte", "The file is not text, or is encoded as UTF-16. Save it as UTF-8."),
    "QEM131": Entry(
        "not UTF-8", "The file has a byte that is not UTF-8; its offset is counted from 0. Save it as UTF-8."
    ),
    "QEM132": Entry("file too large", "Model files are at most 1 MB."),
    "QEM133": Entry("file cannot be read", "The path names no readable file."),
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
    "QEM301": Entry("unknown plate", "Plates are declared in `data`."),
    "QEM302": Entry(
        "plate under the wrong parent",
        "Plates open in the order of the tree that `data` declares; a plate opens directly inside its parent.",
    ),
    "QEM303": Entry("plate inside itself", "A plate is neither declared nor opened inside itself."),
    "QEM304": Entry(
        "two parents",
        "The plates of a model form a tree. A second grouping is an int column that indexes a vector.",
    ),
    "QEM305": Entry(
        "name used outside of its plate",
        "A name has one value for each member of its plate, and none outside.",
    ),
    "QEM306": Entry(
        "name of another branch",
        "A name is visible in its plate and in the plates inside that; not in a plate beside it.",
    ),
    "QEM307": Entry(
        "observation outside of its plate", "Data on a plate are observed inside exactly that plate's block."
    ),
    "QEM308": Entry("latent without data below", "No observation on its plate informs this latent."),
    "QEM310": Entry(
        "index column of a plate",
        "`plate house in county by idx;` declares `idx` as an int for each house: its county.",
    ),
    "QEM311": Entry(
        "brackets on a name of `model`", "In `model` a plate is a block, and names inside it have no brackets."
    ),
    "QEM312": Entry(
        "brackets that hold no plate",
        "Brackets before a name are the shape of one value (`vector[P] x`); brackets after it hold the plate that it lives on.",
    ),
    "QEM313": Entry(
        "member picked with an index",
        "Inside a plate, a bare name is this member's value: loop indices are not needed.",
    ),
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
    "QEM417": Entry("discrete latent", "Latents are real or vectors of reals in this version."),
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
}
