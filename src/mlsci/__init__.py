"""Generative models, Bayesian inference and simulation for the sciences.

`mlsci.generative` has auto-encoders and normalizing flows, `mlsci.data` the images that they learn,
`mlsci.stages` the costly computations of the book's chapters, and `mlsci.report` what turns their
results into claims, seals and figures. Importing the package imports none of these.
"""
