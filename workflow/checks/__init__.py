"""Checks of the sources, of executed notebooks and of their numbers: what `make test` runs."""
