"""The statistics of the record: paired tests, intervals, families of tests, power, and what a p-value can be.

Orientation is the same everywhere: 'ours' against 'baseline', on the same samples; a positive difference and a
ratio above 1 are in favour of ours.
"""
