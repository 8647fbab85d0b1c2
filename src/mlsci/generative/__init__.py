"""Generative models of images: auto-encoders, normalizing flows, and how good their samples are.

Nothing is imported here, so that no part costs the start of TensorFlow before it is used.

Models
    `autoencoder`, images to codes and back; `vae`, the same with a posterior over codes; `flows`, a
    density on vectors such as codes; `pixelflow`, a density on the pixels themselves; `classifier`,
    labels, and the features in which samples are compared.
    `pae`, the probabilistic auto-encoder of data of any shape; its rivals `vae_variants`, `rae`,
    `two_stage`, `pca`, and `rivals`, all of them behind one interface.
What they are made of
    `networks`, perceptrons, convolutions and masked networks; `transforms`, invertible maps of one
    coordinate; `bijectors`, the layers of a flow made of these; `mixture`, a Gaussian mixture as
    the base of a flow; `training`, the one training loop; `persistence`, one file a model.
    `code_densities`, any density of codes; `latent_model`, decoder and flow as a joint density,
    whose evidence `laplace` and `annealing` integrate.
What is measured and shown
    `quality` and `two_sample`, distances between samples and data, their errors, and tests;
    `outliers` and `detection`, how well a score detects foreign data; `complexity`, `typicality`,
    `likelihood_ratio`, scores to compare with; `pictures` and `benchmark_pictures`, figures.
"""
