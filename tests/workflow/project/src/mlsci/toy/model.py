"""The code that the toy stages depend on."""

SCALE = 2
