"""What the codes QEM1xx mean: reading a text, and its syntax."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

SYNTAX: dict[str, Entry] = {
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
    "QEM120": Entry(
        "order of the blocks",
        "Each block stands once, in the order `data`, `transformed data`, `model`, `generated quantities`.",
    ),
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
    "QEM125": Entry(
        "digits that are no number",
        "Names start with a letter or `_`. Numbers are written `12`, `1.5`, `.5` or `2e-3`, and a product has its `*`.",
    ),
    "QEM126": Entry(
        "operator of another language",
        "Operators are those of Stan: `^` for powers, `&&` and `||` for truth values, `!=` for what differs.",
    ),
    "QEM127": Entry(
        "unknown type",
        "Types are int, real, vector, simplex, ordered, positive_ordered, matrix, corr_matrix, cholesky_factor_corr, and arrays of them.",
    ),
    "QEM128": Entry(
        "statement of another language",
        "A model has declarations, laws and definitions. Nothing in it runs step by step, so nothing prints or stops.",
    ),
    "QEM129": Entry(
        "expression after `~`",
        "After `~` stands the name of a law with its arguments. A formula as in R is written out: each coefficient is a latent with "
        "a law of its own, and the linear predictor is an argument of the law of the outcome.",
    ),
    "QEM130": Entry("NUL byte", "The file is not text, or is encoded as UTF-16. Save it as UTF-8."),
    "QEM131": Entry(
        "not UTF-8", "The file has a byte that is not UTF-8; its offset is counted from 0. Save it as UTF-8."
    ),
    "QEM132": Entry("file too large", "Model files are at most 1 MB."),
    "QEM133": Entry("file cannot be read", "The path names no readable file."),
}
