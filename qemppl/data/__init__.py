"""Reading data files and binding them to the declarations of a model."""
