"""Images from corrupted data: the posterior of a generative model, and whether to trust it.

Nothing is imported here, so that no part costs the start of TensorFlow before it is used. A trained
decoder and the flow of its codes, a corruption, and data are all that is needed::

    from mlsci.generative.autoencoder import AutoEncoder
    from mlsci.generative.flows import Flow
    from mlsci.reconstruction.corruption import Compose, Corruption, Downsample, columns_hidden
    from mlsci.reconstruction.likelihood import Likelihood
    from mlsci.reconstruction.misfit import Usual
    from mlsci.reconstruction.model import BaseDecoder
    from mlsci.reconstruction.posterior import posterior
    from mlsci.reconstruction.residual import Residual

    image = (28, 28, 1)
    networks, flow = AutoEncoder.load("model.npz"), Flow.load("flow.npz")
    model = BaseDecoder.of(networks.decoder, flow, image)
    error = Residual.measured(validation - networks.reconstruct(validation), rank=20)

    corruption = Corruption(Compose(columns_hidden(image, 10, 23), Downsample(2)), noise=0.1)
    likelihood = Likelihood(model, corruption, error)  # compiled once, for any number of data
    usual = Usual.measured(posterior(likelihood, corruption.apply(validation, seed=0)))
    found = usual.judged(posterior(likelihood, y, method="smc"))
    found.summary()  # mean, standard deviation and intervals of the clean pixels
    found.images(20)  # draws of the clean images
    found.mode_weights, found.trustworthy, found.flags

What is asked
    `corruption`, masks, blurs, down-sampling, noise and their compositions; `model`, images as a
    function of standard normal variables; `residual`, the model's own error; `likelihood`, the
    posterior of these variables.
How it is answered
    `maximum`, maxima from many starts; `laplace`, Gaussians about them, `modes`, both in one, and
    `el2o`, Gaussians that are near where their draws lie; `importance`, weights that make these
    exact, and `population`, from a proposal that learns; `hmc`, Hamiltonian chains; `smc`, tempered
    particles, the reference, and `expectation`, mixtures that are fitted to them; `variational`, a
    flow that is fitted to each posterior; `posterior`, all of these behind one call, and `result`,
    what it returns.
Whether to trust it
    `convergence`, of chains; `misfit`, whether the model can have made the data; `calibration`,
    ranks, expected coverage, intervals; `predictive`, the width of the model's error as images
    that were held back show it.
To compare with
    `classical`, what does without a network; `amortised`, networks trained for one corruption.
"""
