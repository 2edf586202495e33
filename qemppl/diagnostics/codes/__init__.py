"""What the codes of the language mean, one file a group."""
