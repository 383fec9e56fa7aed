"""Code that a model wrote, judged without trusting it.

A judge process runs the tests and holds what they expect; a worker process, confined by the kernel, holds the model's
code. They exchange literals alone, so nothing that the model's code does to its own interpreter reaches the tests.
"""
