"""From model text to ModelIR."""
