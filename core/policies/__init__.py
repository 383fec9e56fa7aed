"""Stopping policies: what to do after each stage, and the rules they are compared with."""
