"""The state of a model on some day: taken from one model, given to another, kept in a file."""
