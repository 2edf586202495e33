"""The codes of data mistakes. QEM6xx: reading a file. QEM7xx: binding it to a model."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM601": Entry(
        "no such data file", "The path of the data names nothing. Paths are relative to the folder you are in."
    ),
    "QEM602": Entry("data path is a folder", "The data are one file; name the file inside the folder."),
    "QEM603": Entry(
        "unreadable data file", "The operating system does not let the file be read; the message gives its reason."
    ),
    "QEM604": Entry(
        "data file too large",
        "A file takes about ten times its size in memory when it is read, so its size is limited. "
        "Remove variables that the model does not use, or pass numpy arrays from Python.",
    ),
    "QEM605": Entry(
        "unsupported data format",
        "Data are read from JSON, one object with one key for each declared name, and from tables (.csv, .tsv).",
    ),
    "QEM606": Entry(
        "data file is not UTF-8", "Data files are written in UTF-8. Save the file again with that encoding."
    ),
    "QEM607": Entry("empty data file", "The file holds no data: no JSON object, and no row of column names."),
    "QEM608": Entry(
        "not JSON",
        "The text breaks the rules of JSON at the given line and column. Frequent causes: single quotes, "
        "a comma before a closing bracket, NA instead of null, comments.",
    ),
    "QEM609": Entry(
        "truncated data file",
        "The text ends while brackets or quotes are open; most often it was written only in part.",
    ),
    "QEM610": Entry(
        "lists nest too deeply",
        "No model has plates and event axes that deep; brackets are probably repeated by mistake.",
    ),
    "QEM611": Entry(
        "integer too long",
        "The file holds an integer of thousands of digits. int data fit 64 bits; real data need no more "
        "than 17 digits.",
    ),
    "QEM612": Entry(
        "key given twice", "A key may stand once in an object: otherwise one of the two values would be lost silently."
    ),
    "QEM613": Entry("data are not named", "Data are an object (a dict in Python) of one value for each declared name."),
    "QEM614": Entry("key is not a text", "The keys of a dict of data are the declared names, as texts."),
    "QEM620": Entry("table without rows", "A table has a row of column names and one row for each member of a plate."),
    "QEM621": Entry(
        "quotes that do not match",
        "A cell that contains the separator, a quote or a line break stands in double quotes as a whole; a quote "
        "inside it is written twice.",
    ),
    "QEM622": Entry(
        "other separator",
        "Commas separate the cells of a .csv file, tabs those of a .tsv file. Programs of some languages write semicolons, and then "
        "often decimal commas too.",
    ),
    "QEM623": Entry(
        "no column names", "The first row of a table holds the names of the columns, as the model declares them."
    ),
    "QEM624": Entry("column name given twice", "With two columns of one name it would be unclear which one is meant."),
    "QEM625": Entry(
        "row with too many or too few cells",
        "All rows of a table have one cell for each column; an empty cell is a missing value.",
    ),
    "QEM626": Entry(
        "columns of two branches",
        "A row of a table is one member of one plate, and its columns belong to that plate and to those around it.",
    ),
    "QEM627": Entry(
        "two tables of one plate",
        "The members of a plate are the rows of one file. Rows of two files could be matched only by guessing.",
    ),
    "QEM628": Entry(
        "no column for an outer plate",
        "Each row tells the member of the plate around it: in the column named after `by`, or in one named like the outer plate.",
    ),
    "QEM629": Entry(
        "value not constant within its group",
        "A name declared on an outer plate has one value for each of its members, which all rows of the member repeat. "
        "Declare it on the inner plate if it varies within.",
    ),
    "QEM630": Entry(
        "components of a vector",
        "A table gives a vector x in the columns x[1], x[2] and so on (or x.1, x.2), a matrix in x[1,1], x[1,2] and so on.",
    ),
    "QEM631": Entry(
        "row without a group", "The cell that tells the member of an outer plate, or the label of the row, is empty."
    ),
    "QEM632": Entry(
        "member without a row",
        "Values of an outer plate are taken from the rows of its members, and a member has no row in this table.",
    ),
    "QEM633": Entry(
        "name given by two files", "Each name is given once: otherwise one of the two values would be lost silently."
    ),
    "QEM701": Entry(
        "no value for a declared name",
        "Every name declared in `data { }` and every index column after `by` needs a key "
        "in the data. Labels of plates and sizes of dims are optional.",
    ),
    "QEM702": Entry(
        "key not used", "The data have a key that the model does not declare. It is ignored; it may be a misspelt name."
    ),
    "QEM703": Entry(
        "wrong shape",
        "The value nests more or fewer lists than its declaration. Outer lists follow the plate (one list for "
        "a plate at the root or nested by an index column, one more for each plate nested by lists), inner lists the event "
        "axes. Shapes are never stretched to fit: (N, 1) is not (N).",
    ),
    "QEM704": Entry(
        "length differs from the plate", "All columns of a plate have one entry for each member of the plate."
    ),
    "QEM705": Entry(
        "ragged rows disagree",
        "Columns of a plate nested by lists have lists of the same lengths, member by member of the outer plate.",
    ),
    "QEM706": Entry(
        "empty group",
        "A member of an outer plate has no member of an inner plate. That is legal: its latents are informed "
        "by the other members alone.",
    ),
    "QEM710": Entry(
        "fraction in int data",
        "The variable is declared int and the value is not a whole number. 3.0 is accepted as 3.",
    ),
    "QEM711": Entry(
        "missing value", "Only variables declared `missing` may hold null or NaN, and only outcomes may be missing."
    ),
    "QEM712": Entry("infinite value", "Data are finite. Numbers beyond 1.8e308 are read as infinite."),
    "QEM713": Entry(
        "number too large",
        "int data fit 64 bits, and 53 bits where written with a decimal point or beside missing values; "
        "real data stay below 1.8e308.",
    ),
    "QEM714": Entry("text instead of a number", "Numbers are written without quotes; missing values are written null."),
    "QEM715": Entry("true or false instead of a number", "Yes or no is written 1 or 0."),
    "QEM716": Entry("not a number", "The value is neither a number nor a list of numbers."),
    "QEM717": Entry("bad label", "Labels of a plate are texts that are not blank."),
    "QEM718": Entry(
        "bad index", "An index column holds either labels or whole numbers from 1, one kind throughout, none missing."
    ),
    "QEM719": Entry(
        "size of a dim unknown",
        "A dim without a declared size takes it from its key or from the data that have it as an "
        "axis; here nothing has.",
    ),
    "QEM720": Entry("dim differs from its declaration", "The size in the data and the size in the model differ."),
    "QEM721": Entry("bad size", "A size is a whole number from 0 to a hundred million."),
    "QEM722": Entry(
        "length differs from the declared axis",
        "Every value has the length that its declaration gives, `vector[P]` for "
        "example; all variables with the same dim agree.",
    ),
    "QEM725": Entry("too many members", "The plate would not fit into memory."),
    "QEM726": Entry(
        "size of a plate unknown", "No column lives on the plate or points at it, and its size is not declared."
    ),
    "QEM727": Entry(
        "identifiers used as indices",
        "Indices count the members of a plate from 1. Numbers far beyond the number of rows "
        "are identifiers; write them as texts, which makes them labels.",
    ),
    "QEM730": Entry("index out of range", "Indices count from 1 up to the size of what they point at."),
    "QEM731": Entry("index counts from 0", "The column fits if 1 is added to every value: indices count from 1."),
    "QEM732": Entry("unknown label", "The index column holds a text that is no label of the plate it points at."),
    "QEM733": Entry("label given twice", "Labels tell the members of a plate apart."),
    "QEM734": Entry(
        "labels without an order",
        "An index column points at members by label, but the plate has columns or a size of its "
        "own, and no key says which entry bears which label. Add a key named like the plate with its labels in order.",
    ),
    "QEM740": Entry("value outside its bounds", "The value violates the bounds of its declaration."),
    "QEM741": Entry(
        "impossible observation",
        "Under its law the outcome has probability 0 whatever the latents are, so no posterior exists.",
    ),
    "QEM742": Entry(
        "argument outside its support",
        "Data used as an argument of a law lie where the law is not defined, a scale of 0 for example.",
    ),
    "QEM743": Entry(
        "missing predictor",
        "The model computes with a value that is missing. Missing outcomes are left out of the "
        "likelihood; missing predictors need a model of their own, or to be dropped or imputed before.",
    ),
    "QEM744": Entry(
        "lower bound not below the upper one",
        "For this member the bounds leave no value, or a single one. Bounds of whole numbers may be equal.",
    ),
    "QEM745": Entry(
        "all outcomes missing", "Missing outcomes are left out of the likelihood, so the statement has no effect."
    ),
    "QEM746": Entry(
        "outcome missing in part",
        "A vector outcome with a missing component is left out as a whole; its other components are not used.",
    ),
    "QEM747": Entry(
        "components that do not fit together",
        "The components of a simplex are at least 0 and sum to 1 (within 1e-8 for each); those of `ordered` increase strictly; those of "
        "`positive_ordered` are positive as well.",
    ),
    "QEM748": Entry("flag of censoring", "The flag is 1 where the outcome is censored, else 0."),
    "QEM749": Entry(
        "expression not finite",
        "A part of the model that depends on data alone is infinite or not defined for a member, such as the log of an exposure of 0. "
        "The log density would be so too, whatever the latents are.",
    ),
    "QEM750": Entry(
        "transformed data not defined",
        "The result is not a number: 0 / 0, the logarithm of a negative number, the standard deviation of a single member.",
    ),
    "QEM751": Entry(
        "transformed data infinite", "The result is infinite, such as the logarithm of 0 or a division by 0."
    ),
    "QEM760": Entry(
        "not known for new members",
        "Predictions of later steps or of new rows compute with data of these members. Outcomes are left out or missing there; "
        "covariates are needed. What is computed over all members of a plate, such as a mean, is not computed anew.",
    ),
    "QEM761": Entry(
        "group not in the fit",
        "New data hold rows in groups whose latents the fit knows: they are matched by their labels, or by their numbers where they have "
        "none. Groups that the fit has not seen cannot be predicted yet.",
    ),
    "QEM762": Entry(
        "step already in the fit", "The new data of a chain hold the steps after its last one, in the order of time."
    ),
    "QEM763": Entry(
        "no steps follow",
        "A number of further steps goes on with every chain of the model. Where plates lie inside a chain, the number of their members at "
        "later steps is not known, and the steps are given as new data.",
    ),
    "QEM764": Entry(
        "no new rows",
        "New data give the members of chains, and of plates that no latent lives on or below; values of the other plates are those of the "
        "fit.",
    ),
    "QEM765": Entry(
        "prediction not a finite number",
        "An argument of the law is not finite for new members: an index beyond its vector, or a chain that explodes.",
    ),
}
