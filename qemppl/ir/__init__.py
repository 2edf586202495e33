"""The typed intermediate representation that the language lowers into and the compiler reads."""
