"""Source text, spans, diagnostics and their rendering: how the tool says that something is wrong, and where."""
