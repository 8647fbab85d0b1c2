"""Images from corrupted data: the posterior of a generative model, and whether to trust it.

Nothing is imported here, so that no part costs the start of TensorFlow before it is used.

What is asked
    `corruption`, masks, blurs, down-sampling, noise and their compositions.
"""
