"""From an AST to a ModelIR: names, plates, types, laws and supports."""
