"""Work that is done: a runner yields events, and touches neither log nor report."""
