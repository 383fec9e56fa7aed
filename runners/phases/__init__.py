"""The phases of a cascade's run, one file a phase: each a generator of the events that are still missing."""
