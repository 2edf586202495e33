"""From a bound model to a plan: factors, groups, elimination order, torch program."""
