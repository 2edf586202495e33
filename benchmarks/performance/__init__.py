"""How fast: this engine beside a plain one, the floor of the hardware, and NUTS."""
