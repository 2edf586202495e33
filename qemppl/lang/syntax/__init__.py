"""From text to an AST, with every syntax error explained."""
