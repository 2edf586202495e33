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
        "JSON takes about ten times its size in memory, so the size of a file is limited. "
        "Remove variables that the model does not use, or pass numpy arrays from Python.",
    ),
    "QEM605": Entry(
        "unsupported data format", "Data are read from JSON: one object with one key for each declared name."
    ),
    "QEM606": Entry("data file is not UTF-8", "JSON is written in UTF-8. Save the file again with that encoding."),
    "QEM607": Entry("empty data file", "The file holds no data, not even an empty object."),
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
}
