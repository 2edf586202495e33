"""What the codes QEM3xx mean: plates and chains."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

PLATES: dict[str, Entry] = {
    "QEM301": Entry("unknown plate", "Plates are declared in `data`."),
    "QEM302": Entry(
        "plate under the wrong parent",
        "Plates open in the order of the tree that `data` declares: a plate opens directly inside its parent.",
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
    "QEM314": Entry(
        "function that does not take the members of a plate",
        "The members of a plate become one value with `sum`, `mean`, `sd`, `min` or `max`: `mean(y over obs)`.",
    ),
    "QEM315": Entry(
        "members taken together in `model`",
        "In `model`, members are independent given the plates around them, which is what makes a fit fast. What depends on data "
        "only is computed in `transformed data`; what depends on latents, in `generated quantities`.",
    ),
    "QEM316": Entry(
        "`prev` outside of a chain",
        "`prev(x)` is the value of a latent at the step before, so it stands inside `chain step { ... }` of `model`.",
    ),
    "QEM317": Entry(
        "`prev` of something without steps",
        "`prev` takes the name of a latent that is declared directly inside the chain; data have `lag(y, 1)`.",
    ),
    "QEM318": Entry(
        "`lag` of something that is no data of a chain",
        "`lag(y, k)` is the value of data of a chain, `k` steps before; `k` is a number of at least 1.",
    ),
    "QEM319": Entry(
        "chain opened as a plate, or a plate as a chain",
        "The members of a chain follow each other in time, those of a plate have no order. A block says which it is.",
    ),
    "QEM331": Entry(
        "chain without a first step",
        "Where a law uses `prev`, the first step needs a law of its own: `~ normal(prev(x), s) init normal(0, 10)`.",
    ),
    "QEM332": Entry(
        "`init` without `prev`",
        "`init` is the law of the first step of a latent of a chain whose law uses `prev`.",
    ),
    "QEM333": Entry(
        "`prev` in the first step",
        "The first step has no step before it, so the law after `init` does not use `prev`.",
    ),
    "QEM334": Entry(
        "`prev` outside of the law of a latent",
        "Only a latent has a law for the first step; an observation and a deterministic name have no value for `prev` there.",
    ),
}
